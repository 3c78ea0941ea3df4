"""Sockets of this machine in the place of host and port."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.exporter import grpc, http, json
from spanwire.exporter._common.span_exporter import NativeSpanExporter
from spanwire.sink import Sink
from tests.grpc_server import serve

from .conftest import counts, made_by

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(params=[http.OTLPSpanExporter, json.OTLPSpanExporter], ids=["protobuf", "json"])
def make_exporter(request: pytest.FixtureRequest) -> Any:
    yield from made_by(request.param)


@pytest.fixture
def make_grpc() -> Any:
    yield from made_by(grpc.OTLPSpanExporter)


def test_http_goes_over_a_unix_socket(spans: Spans, tmp_path: Path, make_exporter: Any) -> None:
    path = tmp_path / "a b.sock"
    with Sink(unix_path=path) as sink:
        exporter = make_exporter(f"http+unix://{quote(str(path), safe='')}/v1/traces")
        assert [exporter.export(spans) for _ in range(3)] == [SUCCESS] * 3
        assert sink.span_count == 30
    assert exporter._client.destination == f"unix:{path}:/v1/traces"
    assert counts(exporter)["connections"] == 1


@pytest.mark.parametrize("slashes", ["", "//"])
def test_grpc_goes_over_a_unix_socket(slashes: str, spans: Spans, tmp_path: Path, make_grpc: Any) -> None:
    path = tmp_path / "grpc.sock"
    with serve(address=f"unix:{path}") as server:
        exporter: NativeSpanExporter = make_grpc(f"unix:{slashes}{path}")
        assert [exporter.export(spans) for _ in range(3)] == [SUCCESS] * 3
        assert len(server.calls) == 3
    assert exporter._client.destination == f"unix:{path}"


def test_a_socket_that_is_not_there_is_named(spans: Spans, tmp_path: Path, make_grpc: Any) -> None:
    path = tmp_path / "nobody.sock"
    exporter = make_grpc(f"unix:{path}", timeout=1)
    assert exporter.export(spans) is FAILURE
    assert counts(exporter)["last_error"].startswith(f"cannot connect to {path}: No such file")
