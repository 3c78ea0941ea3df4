"""Runs the shell's blocks of a page as its reader does: one after the other, in one folder, against a receiver."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from examples.launcher import free_ports
from spanwire.sink import Sink
from tests.snippets import SHELLS, Snippet, command_lines, matches

__all__ = ["APPLICATION", "LONG", "run_page"]

# What a page that tells of `app.py`, and has none, speaks of: the reader's own program.
APPLICATION = """
from opentelemetry import trace
with trace.get_tracer("app").start_as_current_span("from the application"):
    pass
"""

SECONDS = 100.0
PATIENCE = 30.0  # until something is printed by a command in the background
LONG = {"full", "server"}  # servers as such are tests/integration/servers's
ACTIVATE = ". venv/bin/activate\n"
SENDS = re.compile(r"opentelemetry-instrument |\bpython [\w./]+\.py\b")


class Background:
    """A command that runs beside the others: a receiver on a port of its own."""

    def __init__(self, snippet: Snippet, script: str, folder: Path, environment: dict[str, str]) -> None:
        self.snippet = snippet
        self.output, self.errors = folder / "background.out", folder / "background.err"
        self.seen = 0
        with self.output.open("w") as output, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                ["sh", "-euc", _replaced_by_its_last_command(script)],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=errors,
            )

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: "listening on" in self.errors.read_text(encoding="utf-8"))

    def wait_for(self, condition: Callable[[], bool], what: str = "nothing comes") -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.errors.read_text(encoding="utf-8")
            assert time.monotonic() < until, f"{what}:\n{self.printed()}"
            time.sleep(0.05)

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8")[self.seen :]

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()


def run_page(blocks: list[Snippet], folder: Path, sink: Sink, *, full: bool = False) -> int:
    """How many blocks were run. What the page says about output is compared."""
    (folder / "app.py").write_text(APPLICATION, encoding="utf-8")
    for snippet in blocks:
        if snippet.is_file and not snippet.excuse:
            path = folder / snippet.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(snippet.text, encoding="utf-8")
    own_sink = any(snippet.test == "background" for snippet in blocks)
    port = free_ports(1)[0] if own_sink else int(sink.http_endpoint.rpartition(":")[2])
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{port}",
        "NO_COLOR": "1",
        "COLUMNS": "120",
        "VIRTUAL_ENV": sys.prefix,
    }
    background: Background | None = None
    done, last = 0, ""
    try:
        for snippet in blocks:
            if snippet.test == "output":
                if background is None:
                    assert matches(snippet.text, last), f"{snippet.name} is not what is printed:\n{last}"
                else:
                    before, text = background, snippet.text
                    before.wait_for(
                        lambda before=before, text=text: matches(text, before.printed()),  # type: ignore[misc]
                        f"{snippet.name} is not what is printed",
                    )
                    before.seen += len(before.printed())
            if snippet.language not in SHELLS or snippet.excuse or snippet.test == "wheel":
                continue
            if snippet.test in LONG and not full:
                continue
            script = command_lines(snippet).replace("localhost:4318", f"localhost:{port}")
            script = script.replace(ACTIVATE, "")  # PATH has this environment
            script = re.sub(r"\bspanwire sink\b(?! --port)", f"spanwire sink --port {port}", script)
            done += 1
            if snippet.test == "background":
                background = Background(snippet, script, folder, environment)
                background.wait_until_ready()
                continue
            if snippet.test == "server":
                _serve(snippet, script, folder, environment, sink)
                continue
            arrived = sink.span_count
            last = _run(snippet, script, folder, environment)
            if background is None and SENDS.search(script) and "EXPORTER=console" not in script:
                assert sink.span_count > arrived, f"{snippet.name}: no span has arrived:\n{last}"
    finally:
        if background is not None:
            background.end()
    return done


def _replaced_by_its_last_command(script: str) -> str:
    """So that a signal goes to it, not to the shell."""
    before, _, command = script.strip().rpartition("\n")
    return f"{before}\nexec {command}"


def _run(snippet: Snippet, script: str, folder: Path, environment: dict[str, str]) -> str:
    ended = subprocess.run(
        ["bash" if snippet.language == "bash" else "sh", "-euc", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    wanted = int(snippet.test.removeprefix("status ")) if snippet.test.startswith("status ") else 0
    assert ended.returncode == wanted, f"{snippet.name} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def _serve(snippet: Snippet, script: str, folder: Path, environment: dict[str, str], sink: Sink) -> None:
    (port,), arrived = free_ports(1), sink.span_count
    assert "8000" in script
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-euc", _replaced_by_its_last_command(script.replace("8000", str(port)))],
            cwd=folder,
            # A worker that a signal ends may send nothing any more: docs/operations.md.
            env={**environment, "OTEL_BSP_SCHEDULE_DELAY": "100"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + PATIENCE
        answer = b""
        while not answer:
            assert process.poll() is None and time.monotonic() < until, f"{snippet.name}: {log.read_text()}"
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
                answer = response.read()
        assert answer == b"hello\n"
        sink.wait_for(arrived + 1, timeout=PATIENCE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) in {0, -signal.SIGTERM}, log.read_text(encoding="utf-8")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
