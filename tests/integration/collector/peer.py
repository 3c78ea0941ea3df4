"""The real OpenTelemetry Collector as a child process: OTLP over HTTP and gRPC in, a file of JSON lines out."""

import json
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from typing_extensions import Self

from tests.conftest import program

Security = Literal["plain", "tls", "mtls"]

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files: who signs, the server's identity, the client's."""

    ca: Path
    server_certificate: Path
    server_key: Path
    client_certificate: Path
    client_key: Path


class Collector:
    """One Collector with one receiver on two free ports; a context manager.

    ``stop()`` lets it finish what it accepted and write it; afterwards ``lines()`` is all that it received.
    """

    def __init__(
        self,
        folder: Path,
        security: Security,
        certificates: Certificates | None = None,
        *,
        file_options: Mapping[str, str] | None = None,
    ) -> None:
        self.output = folder / "received.jsonl"
        self._config = folder / "collector.json"  # JSON is YAML
        config = _config(self.output, security, certificates, file_options or {"format": "json"})
        self._config.write_text(json.dumps(config))
        self._scheme = "http" if security == "plain" else "https"
        self._log: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""  # of traces, once started
        self.grpc_endpoint = ""

    def __enter__(self) -> Self:
        binary = program("otelcol")
        assert binary is not None
        self._process = subprocess.Popen(
            [binary, "--config", str(self._config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        ready: queue.Queue[dict[str, str]] = queue.Queue()
        self._reader = threading.Thread(target=self._read_log, args=(self._process, ready), daemon=True)
        self._reader.start()
        try:
            ports = ready.get(timeout=_START_SECONDS)
        except queue.Empty:
            ports = {}
        if not ports:
            self.stop()
            raise AssertionError("the Collector did not start:\n" + "".join(self._log))
        # The certificate is for a name; the address is what the log says.
        self.endpoint = f"{self._scheme}://localhost:{ports['HTTP']}/v1/traces"
        self.grpc_endpoint = f"{self._scheme}://localhost:{ports['GRPC']}"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the Collector did not stop:\n" + "".join(self._log)) from None
        finally:
            self._reader.join(_STOP_SECONDS)
            assert process.stderr is not None
            process.stderr.close()

    def lines(self) -> list[bytes]:
        assert self._process is None, "stop() first: until then more may come"
        return self.output.read_bytes().splitlines()

    def wait_for_bytes(self, seconds: float = 30.0) -> None:
        """Wait until something was written."""
        deadline = time.monotonic() + seconds
        while not self.output.stat().st_size:
            assert time.monotonic() < deadline, "the Collector wrote nothing:\n" + "".join(self._log)
            time.sleep(0.01)

    def _read_log(self, process: subprocess.Popen[str], ready: "queue.Queue[dict[str, str]]") -> None:
        ports: dict[str, str] = {}
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line)
            if not line.startswith("{"):
                continue
            entry = json.loads(line)
            if started := re.fullmatch(r"Starting (HTTP|GRPC) server", entry["msg"]):
                ports[started[1]] = entry["endpoint"].rpartition(":")[2]
            elif entry["msg"].startswith("Everything is ready"):
                ready.put(ports)
        ready.put({})  # it ended


def _config(
    output: Path, security: Security, certificates: Certificates | None, file_options: Mapping[str, str]
) -> dict[str, object]:
    protocol: dict[str, object] = {"endpoint": "localhost:0"}
    if security != "plain":
        assert certificates is not None
        tls = {"cert_file": str(certificates.server_certificate), "key_file": str(certificates.server_key)}
        if security == "mtls":
            tls["client_ca_file"] = str(certificates.ca)
        protocol["tls"] = tls
    return {
        "receivers": {"otlp": {"protocols": {"http": protocol, "grpc": protocol}}},
        "exporters": {"file": {"path": str(output), "flush_interval": "100ms", **file_options}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"encoding": "json"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }
