"""``spanwire recover`` sends what was left over whichever protocol the killed service spoke."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import Sink
from tests.certificates import Authority
from tests.conftest import ROOT
from tests.left_behind import leave

CONTENT_TYPES = {"http/protobuf": "application/x-protobuf", "http/json": "application/json", "grpc": "application/grpc"}

# As people write it: everything else is in the environment.
SERVICE = """
import os, signal
from opentelemetry import trace
import spanwire
spanwire.install()
tracer = trace.get_tracer("tests")
for number in range(2000):
    tracer.start_span(str(number), attributes={"text": "x" * (number % 100)}).end()
os.kill(os.getpid(), signal.SIGKILL)
"""


def environment(**variables: str) -> dict[str, str]:
    """Nothing of OTEL_* and ours but this."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SPANWIRE_"))}
    return {**others, "PYTHONPATH": str(ROOT), **variables}


def recover(folder: Path, variables: dict[str, str], *options: str, status: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "spanwire", "recover", str(folder), "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=variables,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def names(sink: Sink) -> list[int]:
    return sorted(int(span.name) for span in sink.spans())


@pytest.mark.parametrize("by", ["protocol", "name"])
def test_a_service_that_is_killed_over_grpc_is_recovered_by_its_own_environment(by: str, tmp_path: Path) -> None:
    said = {"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"} if by == "name" else {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with Sink(grpc_port=0) as sink:
        variables = environment(
            **said,
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.grpc_endpoint,
            OTEL_EXPORTER_OTLP_HEADERS="x-tenant=shop",
            OTEL_SERVICE_NAME="shop",
            SPANWIRE_DURABLE_PATH=str(tmp_path / "queue"),
        )
        sink.inject(grpc_status=14, times=None)
        killed = subprocess.run(
            [sys.executable, "-c", SERVICE], env=variables, capture_output=True, text=True, check=False, timeout=60
        )
        assert killed.returncode == -9, killed.stderr
        assert sink.span_count == 0
        sink.clear_faults()
        told = recover(tmp_path / "queue", variables)
        assert (told["delivered"], told["dropped"], told["left"]) == (2000, {}, 0)
        assert names(sink) == list(range(2000))
        assert {request.content_type for request in sink.requests()} == {"application/grpc"}
        assert {request.headers["x-tenant"] for request in sink.requests()} == {"shop"}
    assert list((tmp_path / "queue").iterdir()) == []


@pytest.mark.parametrize("protocol", CONTENT_TYPES)
@pytest.mark.parametrize("way", ["typed", "unix", "tls"])
def test_what_was_left_goes_over_every_protocol_and_way(protocol: str, way: str, tmp_path: Path) -> None:
    leave(tmp_path / "queue", "tests", 300)
    authority = Authority(tmp_path / "authority")
    shown = authority.client()
    with Sink(
        "localhost",
        unix_path=tmp_path / "socket" if way == "unix" else None,
        tls=authority.server().tls(authority) if way == "tls" else None,
    ) as sink:
        options, variables = ["--protocol", protocol], environment()
        if way == "typed":
            options += ["--endpoint", sink.http_endpoint, "--header", "x-tenant=shop", "--compression", "gzip"]
        elif way == "unix":
            path = str(tmp_path / "socket")
            options += [
                "--endpoint",
                f"unix:{path}" if protocol == "grpc" else f"http+unix://{path.replace('/', '%2F')}",
            ]
        else:
            variables |= {
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint,
                "OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.file),
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(shown.certificate),
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(shown.key),
            }
        told = recover(tmp_path / "queue", variables, *options)
        assert (told["delivered"], told["dropped"], told["left"]) == (300, {}, 0)
        assert names(sink) == list(range(300))
        assert {request.content_type for request in sink.requests()} == {CONTENT_TYPES[protocol]}
        if way == "typed":
            assert {request.headers["x-tenant"] for request in sink.requests()} == {"shop"}
    assert list((tmp_path / "queue").iterdir()) == []


def test_nothing_is_touched_where_the_protocol_is_none(tmp_path: Path) -> None:
    leave(tmp_path / "queue", "tests", 10)
    before = sorted((tmp_path / "queue").rglob("*"))
    text = recover(tmp_path / "queue", environment(OTEL_EXPORTER_OTLP_PROTOCOL="thrift"), status=2)
    assert "'thrift'" in text
    assert sorted((tmp_path / "queue").rglob("*")) == before
