"""``spanwire doctor`` run in this process, servers that answer oddly, and an authority."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from spanwire._telemetry import log
from spanwire.cli import doctor

MOST_SECONDS = 30.0  # that any of these may take, whatever else the machine does


@dataclass
class Run:
    status: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def step(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(step for step in self.document["steps"] if step["name"] == name)
        return found

    def codes(self, name: str) -> set[str]:
        return {one["code"].partition(".")[2] for one in self.step(name)["findings"]}

    def outcomes(self) -> dict[str, str]:
        return {step["name"]: step["outcome"] for step in self.document["steps"]}


Doctor = Callable[..., Run]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """The command in this process, in an environment of its own, and with ``--json``."""
    for name in list(os.environ):
        if name.upper().startswith(("OTEL", "SPANWIRE", "SSL_CERT")) or name.upper().endswith(("_PROXY", "_CA_BUNDLE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_PYTHON_DISTRO", "spanwire")
    monkeypatch.setenv("OTEL_PYTHON_CONFIGURATOR", "spanwire")

    def go(*arguments: str, as_json: bool = True, **environment: str) -> Run:
        log._last.clear()
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            begin = time.monotonic()
            status = doctor.main([*arguments, *(["--json"] if as_json else [])])
            assert time.monotonic() - begin < MOST_SECONDS  # a hang guard
        out, err = capsys.readouterr()
        assert err == ""
        return Run(status, out)

    return go


@contextlib.contextmanager
def listener(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does ``act`` with each connection; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    act(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority
