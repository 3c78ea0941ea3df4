"""Runs a program as its users do, in a process of its own, and reads what it has left behind."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import Sink
from tests.books import Accounts, check_books, check_once, total
from tests.conftest import ROOT
from tests.integration.processes.prelude import BOOKS

__all__ = ["INSTALLED", "Ended", "environment", "finish", "read_books", "run", "start"]

SECONDS = 60.0
HOUR = "3600000"  # in milliseconds: nothing is sent until somebody asks

INSTALLED = """
import os, signal, sys, threading, time
from tests.integration.processes.prelude import make, write_books, write_books_at_exit
write_books_at_exit()
import spanwire
installation = spanwire.install()
tracer = installation.tracer_provider.get_tracer("tests")
"""
"""The beginning of a program whose spans are sent as the environment says."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    status: int
    output: str
    errors: str
    seconds: float
    books: dict[int, dict[str, Any]]
    """By process: ``traces``, and what else a process wrote."""

    def check(self, sink: Sink, *, status: int = 0, at_rest: bool = True) -> None:
        """It ended as expected, its processes' books add up, and what they say was exported is what has arrived."""
        assert self.status == status, self.errors
        for book in self.accounts:
            check_books(book, at_rest=at_rest)
        check_once(sink.spans())
        assert sink.span_count == total(self.accounts, "exported")

    @property
    def accounts(self) -> list[Accounts]:
        return [book["traces"] for book in self.books.values()]


def environment(folder: Path, endpoint: str, **variables: str) -> dict[str, str]:
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "PYTHONPATH": str(ROOT),
        "PYTHONFAULTHANDLER": "1",
        "PYTHONWARNINGS": "ignore::DeprecationWarning",  # of forks among threads
        BOOKS: str(folder),
        **variables,
    }


def start(program: str | Sequence[str], folder: Path, endpoint: str, **variables: str) -> subprocess.Popen[str]:
    """A program's text, or a command."""
    command = [sys.executable, "-c", textwrap.dedent(program)] if isinstance(program, str) else program
    return subprocess.Popen(
        command,
        env=environment(folder, endpoint, **variables),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], folder: Path, timeout: float = SECONDS) -> Ended:
    """Wait for its end; one that hangs says where and is killed with its children, which fails the test."""
    began = time.monotonic()
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        for number in (signal.SIGCONT, signal.SIGABRT):
            process.send_signal(number)
        time.sleep(1)  # faulthandler writes
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f"hangs for {timeout} s:\n{output}\n{errors}")
    return Ended(process.returncode, output, errors, time.monotonic() - began, read_books(folder))


def run(program: str | Sequence[str], folder: Path, endpoint: str, **variables: str) -> Ended:
    return finish(start(program, folder, endpoint, **variables), folder)


def read_books(folder: Path) -> dict[int, dict[str, Any]]:
    return {int(path.stem): json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
