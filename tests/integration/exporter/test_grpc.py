"""Over gRPC, to a server of grpcio's: what arrives, what is tried again, and what a server that goes away costs."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.exporter.grpc import Compression, OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.grpc_server import GrpcServer, serve
from tests.official import official_bytes
from tests.ports import free_port

from .conftest import counts, made_by
from .test_tls import Authority

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture
def make_exporter() -> Any:
    yield from made_by(OTLPSpanExporter)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate], ids=str)
def test_what_arrives_is_what_the_official_encoder_gives(
    compression: Compression, spans: Spans, make_exporter: Any
) -> None:
    with serve() as server:
        exporter = make_exporter(server.target, insecure=True, compression=compression, headers={"X-Tenant": "shop"})
        assert [exporter.export(spans) for _ in range(3)] == [SUCCESS] * 3
    assert [call.request.SerializeToString() for call in server.calls] == [official_bytes(spans)] * 3
    call = server.calls[0]
    assert call.metadata["x-tenant"] == "shop"
    assert call.metadata["user-agent"].startswith("spanwire/")
    assert 0 < call.seconds_left <= 10
    assert counts(exporter) == {
        **counts(exporter),
        "accepted": 30,
        "exported": 30,
        "requests": 3,
        "connections": 1,
        "dropped": {},
    }


def test_native_spans_go_as_bytes_through_the_batch_processor(make_exporter: Any) -> None:
    with serve() as server:
        exporter = make_exporter(server.target, insecure=True)
        provider = TracerProvider(shutdown_on_exit=False)
        processor = BatchSpanProcessor(exporter)
        assert not processor._reads_frames
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("tests")
        for number in range(5_000):
            tracer.start_span(f"span {number}").end()
        assert provider.force_flush()
        provider.shutdown()
    assert server.names() == [f"span {number}" for number in range(5_000)]


def test_a_partial_success_is_counted_and_not_retried(spans: Spans, make_exporter: Any) -> None:
    answer = trace_service_pb2.ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 4
    answer.partial_success.error_message = "too old"
    with serve(GrpcServer(answer=lambda _: answer)) as server:
        exporter = make_exporter(server.target, insecure=True)
        assert exporter.export(spans) is SUCCESS
    got = counts(exporter)
    assert (got["exported"], got["dropped"], got["requests"]) == (6, {"rejected": 4}, 1)
    assert got["last_error"] == "too old"


RETRIED = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK], ids=str)
def test_exactly_what_otlp_says_is_tried_again(code: grpc.StatusCode, spans: Spans, make_exporter: Any) -> None:
    def once(context: grpc.ServicerContext) -> None:
        if len(server.calls) == 1:
            context.abort(code, "becausé I say so")

    with serve(GrpcServer(answer=once)) as server:
        exporter = make_exporter(server.target, insecure=True)
        assert (exporter.export(spans) is SUCCESS) == (code.name in RETRIED)
        assert len(server.calls) == (2 if code.name in RETRIED else 1)
    if code.name not in RETRIED:
        got = counts(exporter)
        assert got["dropped"] == {"refused": 10}
        assert got["last_error"].startswith(f"gRPC status {code.name}: becausé I say so")


@pytest.mark.parametrize("code", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE], ids=str)
def test_a_retry_info_is_obeyed(code: grpc.StatusCode, spans: Spans, make_exporter: Any) -> None:
    arrived = []

    def once(context: grpc.ServicerContext) -> None:
        arrived.append(time.monotonic())
        if len(arrived) == 1:
            status = status_pb2.Status(code=code.value[0], message="later")
            info = error_details_pb2.RetryInfo()
            info.retry_delay.FromMilliseconds(1_300)
            status.details.add().Pack(info)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(code, "later")

    with serve(GrpcServer(answer=once)) as server:
        assert make_exporter(server.target, insecure=True).export(spans) is SUCCESS
    assert arrived[1] - arrived[0] >= 1.3


def test_a_request_over_the_servers_limit_is_divided(spans: Spans, make_exporter: Any) -> None:
    with serve(options=(("grpc.max_receive_message_length", 1_000),)) as server:
        exporter = make_exporter(server.target, insecure=True)
        assert exporter.export(spans) is SUCCESS
    assert sorted(server.names()) == sorted(span.name for span in spans)
    assert len(server.calls) > 1


def test_a_span_over_the_servers_limit_is_lost_and_says_so(spans: Spans, make_exporter: Any) -> None:
    with serve(options=(("grpc.max_receive_message_length", 100),)) as server:
        exporter = make_exporter(server.target, insecure=True)
        assert exporter.export(spans) is FAILURE
    got = counts(exporter)
    assert got["dropped"] == {"too_large": 10}
    assert "larger than max" in got["last_error"]


def test_a_server_that_restarts_is_found_again(spans: Spans, make_exporter: Any) -> None:
    port = free_port()
    exporter = make_exporter(f"localhost:{port}", insecure=True)
    for _ in range(3):
        with serve(port=port) as server:
            assert exporter.export(spans) is SUCCESS
            assert exporter.export(spans) is SUCCESS
            assert len(server.calls) == 2
    assert counts(exporter)["connections"] == 3


def test_a_backend_that_comes_up_after_the_client_gets_what_waits(spans: Spans, make_exporter: Any) -> None:
    port = free_port()
    exporter = make_exporter(f"localhost:{port}", insecure=True, timeout=60)
    answers: list[SpanExportResult] = []
    thread = threading.Thread(target=lambda: answers.append(exporter.export(spans)))
    thread.start()
    time.sleep(0.3)
    with serve(port=port) as server:
        thread.join(90)
        assert answers == [SUCCESS]
        assert len(server.calls) == 1


def test_a_server_that_is_stopped_and_goes_on_gets_everything(spans: Spans, make_exporter: Any) -> None:
    program = """
        import sys, time
        from tests.grpc_server import serve
        with serve() as server:
            print(server.port, flush=True)
            sys.stdin.read()
            print(len(server.calls), flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as server:
        assert server.stdout is not None
        exporter = make_exporter(f"localhost:{int(server.stdout.readline())}", insecure=True, timeout=60)
        assert exporter.export(spans) is SUCCESS
        server.send_signal(signal.SIGSTOP)
        threading.Timer(0.5, server.send_signal, [signal.SIGCONT]).start()
        assert exporter.export(spans) is SUCCESS
        assert server.communicate("")[0] == "2\n"


def test_threads_share_one_connection(spans: Spans, make_exporter: Any) -> None:
    with serve() as server:
        exporter = make_exporter(server.target, insecure=True)
        answers: list[SpanExportResult] = []
        threads = [
            threading.Thread(target=lambda: answers.extend(exporter.export(spans) for _ in range(20))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert answers == [SUCCESS] * 80
        assert len({call.peer for call in server.calls}) == 1


@pytest.mark.parametrize("mutual", [False, True])
def test_tls_and_mtls_by_files(mutual: bool, spans: Spans, tmp_path: Path, make_exporter: Any) -> None:
    authority = Authority(tmp_path / "ca")
    cert, key = (Path(path).read_bytes() for path in authority.issue("localhost"))
    root = Path(authority.file).read_bytes()
    credentials = grpc.ssl_server_credentials(
        [(key, cert)], root_certificates=root if mutual else None, require_client_auth=mutual
    )
    files = {"certificate_file": authority.file}
    if mutual:
        client = authority.ca.issue_cert("client")
        shown = tmp_path / "client.pem"
        client.private_key_and_cert_chain_pem.write_to_path(str(shown))
        files["client_certificate_file"] = str(shown)  # the key is in it
    with serve(credentials=credentials) as server:
        assert make_exporter(f"https://{server.target}", **files).export(spans) is SUCCESS
        strange = make_exporter(server.target, timeout=60)  # it does not try again
        assert strange.export(spans) is FAILURE
        assert "TLS failed" in counts(strange)["last_error"]
    assert len(server.calls) == 1


def test_an_exporter_works_on_both_sides_of_a_fork() -> None:
    program = """
        import os
        from spanwire.exporter.grpc import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
        from tests.spans import span
        import sys
        exporter = OTLPSpanExporter(endpoint=sys.argv[1], insecure=True)
        assert exporter.export([span()]) is SpanExportResult.SUCCESS
        for _ in range(5):
            child = os.fork()
            if not child:
                assert exporter.export([span()]) is SpanExportResult.SUCCESS
                exporter.shutdown()
                os._exit(0)
            assert exporter.export([span()]) is SpanExportResult.SUCCESS
            assert os.waitpid(child, 0)[1] == 0
        exporter.shutdown()
    """
    with serve() as server:
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), server.target],
            check=True,
            timeout=60,
            cwd=Path(__file__).parents[3],
        )
        assert len(server.calls) == 11
        # The parent's calls went over one connection, whatever its children did.
        assert len({call.peer for call in server.calls}) == 6
