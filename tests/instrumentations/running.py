"""Runs a program twice, under the SDK and under spanwire, as its user would: by ``opentelemetry-instrument``."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from spanwire.sink import ReceivedSpan, Sink
from tests.conftest import ROOT
from tests.instrumentations.compare import Difference, Text, differences, text_differences
from tests.instrumentations.observed import Sent
from tests.instrumentations.program import Program

__all__ = ["ENVIRONMENT", "SIDES", "Outcome", "Side", "Variables", "run", "start", "versions"]

ENVIRONMENT = ROOT / "build/instrumentations-venv"
PROGRAMS = ROOT / "tests/instrumentations/programs"

Variables = Callable[[str], Mapping[str, str]]
"""From a side's name to variables of the environment."""

SIDES = {
    "sdk": {
        "OTEL_PYTHON_DISTRO": "distro",
        "OTEL_PYTHON_CONFIGURATOR": "configurator",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
    },
    "spanwire": {"OTEL_PYTHON_DISTRO": "spanwire", "OTEL_PYTHON_CONFIGURATOR": "spanwire"},
    "exporter": {
        "OTEL_PYTHON_DISTRO": "distro",
        "OTEL_PYTHON_CONFIGURATOR": "configurator",
        "OTEL_TRACES_EXPORTER": "spanwire",
    },
}
BOTH = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_SERVICE_NAME": "program",
    "PYTHONHASHSEED": "0",  # what goes through a set comes out in the same order
    "PYTHONWARNINGS": "default,ignore::ResourceWarning",  # the latter when the garbage collector comes by
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Side:
    """What one run gave."""

    status: int
    stdout: str
    stderr: str
    sent: Sent
    user_agents: frozenset[str]

    @property
    def spans(self) -> Sequence[ReceivedSpan]:
        return self.sent.spans

    def __str__(self) -> str:
        return f"status {self.status}, {len(self.spans)} spans\n{self.stdout}\n{self.stderr}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What both runs of a program gave."""

    sdk: Side
    ours: Side
    ordered: bool = False

    def differences(self) -> list[Difference]:
        found = differences(self.sdk.sent, self.ours.sent)
        for name in ("stdout", "stderr"):
            sdk, ours = (Text(getattr(side, name), side.sent.ids) for side in (self.sdk, self.ours))
            found += text_differences(name, sdk, ours, ordered=self.ordered)
        if self.sdk.status != self.ours.status:
            found.append(Difference("process", "status", str(self.sdk.status), str(self.ours.status)))
        return found


def run(program: Program, *servers: Variables) -> Outcome:
    """Both sides of a program, beside each other where it may be."""

    def one(side: str) -> Side:
        variables = dict(program.variables)
        for server in servers:
            variables.update(server(side))
        variables["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = ",".join(sorted(_instrumentors() - active))
        return start(
            side, PROGRAMS / f"{program.name}.py", *program.arguments, variables=variables, timeout=program.timeout
        )

    active = _instrumentors() if program.instrumentations is None else set(program.instrumentations)
    if unknown := active - _instrumentors():
        raise ValueError(f"{program}: no instrumentation is called {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(1 if program.in_turn else 2) as pool:
        sdk, ours = pool.map(one, ("sdk", program.ours))
        return Outcome(sdk, ours, program.ordered)


def start(side: str, file: Path, *arguments: str, variables: Mapping[str, str], timeout: float = 120) -> Side:
    """One side of a program, until its process has ended."""
    folder = ENVIRONMENT / "bin"
    began = time.time_ns()
    with Sink() as sink:
        process = subprocess.Popen(
            [str(folder / "opentelemetry-instrument"), "python", str(file), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=file.parent,
            start_new_session=True,  # so that its workers end with it
            env={
                **os.environ,
                "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint,
                **BOTH,
                **SIDES[side],
                **variables,
            },
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            stdout, stderr = process.communicate()
            raise TimeoutError(f"{file.name} ({side}) took over {timeout:g} s:\n{stdout}\n{stderr}") from None
        finally:
            _kill(process)
        agents = frozenset(request.headers["user-agent"].partition("/")[0] for request in sink.requests())
        sent = Sent(sink.spans(), began, time.time_ns(), native=side == "spanwire")
        return Side(process.returncode, stdout, stderr, sent, agents)


def _kill(process: "subprocess.Popen[str]") -> None:
    """With all that it has left running."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@cache
def versions() -> dict[str, str]:
    """Of the packages in that environment; names in lower case."""
    return {found.name.lower(): found.version for found in distributions(path=_path())}


@cache
def _instrumentors() -> frozenset[str]:
    return frozenset(
        entry.name
        for found in distributions(path=_path())
        for entry in found.entry_points
        if entry.group == "opentelemetry_instrumentor"
    )


def _path() -> list[str]:
    if not ENVIRONMENT.is_dir():
        raise FileNotFoundError(f"{ENVIRONMENT} is missing: `make test-instrumentations` makes it")
    return [str(path) for path in ENVIRONMENT.glob("lib/python3*/site-packages")]
