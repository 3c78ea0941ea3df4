"""One export over a real connection, and what the server sees."""

import gzip
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as official
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import spanwire
from spanwire.sink import Sink

from .conftest import MakeExporter, counts
from .servers import OK, ScriptedServer, answer, reset

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def test_spans_arrive_as_the_official_exporter_sends_them(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    assert isinstance(exporter, SpanExporter)
    assert exporter.export(spans) is SUCCESS
    assert sink.requests()[0].body == official(spans).SerializeToString()
    assert sink.span_count == len(spans)


def test_the_request_has_the_headers_of_otlp_and_those_given(spans: Spans, make_exporter: MakeExporter) -> None:
    with ScriptedServer() as server:
        exporter = make_exporter(
            server.endpoint.replace("http://", "http://me:pass@") + "?a=b",
            headers={"X-Tenant": "blue", "x-latin": "é", "x-wide": "€"},
        )
        assert exporter.export(spans) is SUCCESS
        line, *rest = server.heads[0].split("\r\n")
        headers = dict(header.split(": ", 1) for header in rest)
    assert line == "POST /v1/traces?a=b HTTP/1.1"
    assert headers.pop("user-agent").startswith(f"spanwire/{spanwire.__version__} OTel-OTLP-Exporter-Python/")
    assert headers == {
        "content-type": "application/x-protobuf",
        "content-length": str(len(official(spans).SerializeToString())),
        "host": f"127.0.0.1:{server.port}",
        "authorization": "Basic bWU6cGFzcw==",
        "x-tenant": "blue",
        "x-latin": "é",
        "x-wide": "€".encode().decode("latin-1"),
    }


@pytest.mark.parametrize("compression, inflate", [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_compressed_bodies_inflate_to_the_same_bytes(
    compression: str, inflate: Any, spans: Spans, make_exporter: MakeExporter
) -> None:
    with ScriptedServer() as server:
        assert make_exporter(server.endpoint, compression=compression).export(spans) is SUCCESS
        assert inflate(server.bodies[0]) == official(spans).SerializeToString()
        assert f"content-encoding: {compression}" in server.heads[0]


def test_w3c_flags_are_sent_when_asked_for(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    make_exporter(sink.traces_endpoint, w3c_flags=True).export(spans)
    assert sink.requests()[0].body == spanwire.encode_spans(spans, w3c_flags=True)
    assert sink.requests()[0].body != official(spans).SerializeToString()


def test_an_empty_batch_is_a_success_and_not_sent(make_exporter: MakeExporter) -> None:
    with ScriptedServer() as server:
        assert make_exporter(server.endpoint).export([]) is SUCCESS
        assert server.connections == 0


def test_one_connection_serves_many_requests(spans: Spans, make_exporter: MakeExporter) -> None:
    with ScriptedServer() as server:
        exporter = make_exporter(server.endpoint)
        for _ in range(20):
            assert exporter.export(spans) is SUCCESS
        assert server.connections == 1
        got = counts(exporter)
    assert (got["requests"], got["connections"], got["retries"]) == (20, 1, 0)
    assert got["bytes"] == sum(map(len, server.bodies))


def test_a_stale_idle_connection_is_replaced_without_counting_as_a_retry(
    spans: Spans, make_exporter: MakeExporter
) -> None:
    with ScriptedServer() as server:
        exporter = make_exporter(server.endpoint)
        for round_ in range(10):
            assert exporter.export(spans) is SUCCESS
            if round_ % 2:
                server.close_connections()
        assert len(server.bodies) == 10
    assert counts(exporter)["retries"] == 0
    assert counts(exporter)["connections"] == server.connections == 5


def test_a_kept_connection_closed_under_the_request_is_sent_again_at_once(
    spans: Spans, make_exporter: MakeExporter
) -> None:
    # The second request is read whole and its connection closed without an answer: what a close of an idle connection
    # that crosses with a request looks like.
    with ScriptedServer([answer(OK), lambda _: False, answer(OK)]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export(spans) is SUCCESS
        assert exporter.export(spans) is SUCCESS
        assert server.bodies[1] == server.bodies[2]
        assert counts(exporter)["retries"] == 0


def test_a_server_that_closes_after_each_answer_gets_a_connection_each(
    spans: Spans, make_exporter: MakeExporter
) -> None:
    closing = answer(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), keep=False)
    with ScriptedServer([closing] * 3) as server:
        exporter = make_exporter(server.endpoint)
        assert [exporter.export(spans) for _ in range(3)] == [SUCCESS] * 3
        assert server.connections == 3
    assert counts(exporter)["retries"] == 0


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
def test_localhost_is_reached_on_ipv6_or_ipv4_whichever_listens(
    host: str, spans: Spans, make_exporter: MakeExporter
) -> None:
    with ScriptedServer(host=host) as server:
        assert make_exporter(server.endpoint).export(spans) is SUCCESS
        assert make_exporter(f"http://localhost:{server.port}/v1/traces").export(spans) is SUCCESS
        assert len(server.bodies) == 2


def test_a_name_is_looked_up(spans: Spans, make_exporter: MakeExporter) -> None:
    exporter = make_exporter("http://no-such-host.invalid:1/", timeout=2)
    assert exporter.export(spans) is FAILURE
    assert "no-such-host.invalid" in counts(exporter)["last_error"]
    assert counts(exporter)["dropped"] == {"exhausted": 10}


def test_a_partial_success_is_a_success_counted_logged_and_never_retried(
    spans: Spans, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(rejected=3, message="three were too old")
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is SUCCESS
    assert sink.attempt_count == 1
    got = counts(exporter)
    assert (got["exported"], got["dropped"], got["retries"]) == (7, {"rejected": 3}, 0)
    assert got["last_error"] == "three were too old"
    assert "rejected 3 spans: three were too old" in caplog.text


def test_a_warning_in_a_success_is_logged(
    spans: Spans, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(message="you are close to your quota")
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is SUCCESS
    assert counts(exporter)["exported"] == 10
    assert "you are close to your quota" in caplog.text


def test_an_unreadable_answer_to_an_accepted_request_is_a_success_with_a_warning(
    spans: Spans, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    garbage = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
    with ScriptedServer([answer(garbage)]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export(spans) is SUCCESS
        assert len(server.bodies) == 1
    assert "not OTLP" in caplog.text


def test_what_is_no_http_at_all_is_a_lost_connection(spans: Spans, make_exporter: MakeExporter) -> None:
    with ScriptedServer([answer(b"SSH-2.0-OpenSSH\r\n", keep=False)] * 9) as server:
        exporter = make_exporter(server.endpoint, timeout=2)
        assert exporter.export(spans) is FAILURE
    assert counts(exporter)["dropped"] == {"exhausted": 10}
    assert "the connection was lost" in counts(exporter)["last_error"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_response_over_4_mib_is_not_read_and_not_retried(
    declared: bool, spans: Spans, make_exporter: MakeExporter
) -> None:
    size = (4 << 20) + 1
    head = f"Content-Length: {size}" if declared else "Connection: close"
    response = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + bytes(size)
    with ScriptedServer([answer(response, keep=False)]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export(spans) is FAILURE
        assert len(server.bodies) == 1
    assert counts(exporter)["dropped"] == {"response": 10}


def test_a_request_over_the_limit_is_divided(
    spans: Spans, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    size = len(official(spans).SerializeToString())
    for limit in (size, 0, -1, None):
        assert make_exporter(sink.traces_endpoint, max_request_size=limit).export(spans) is SUCCESS
    assert sink.request_count == 4
    sink.clear()
    halves = make_exporter(sink.traces_endpoint, max_request_size=size - 1, compression="gzip")
    assert halves.export(spans) is SUCCESS
    assert (sink.request_count, sink.span_count) == (2, 10)
    assert [span.name for span in sink.spans()] == [span.name for span in spans]
    sink.clear()
    nothing = make_exporter(sink.traces_endpoint, max_request_size=20)
    assert nothing.export(spans) is FAILURE
    assert sink.attempt_count == 0
    assert counts(nothing)["dropped"] == {"too_large": 10}
    assert "raise max_request_size" in caplog.text


def test_a_request_that_the_backend_finds_too_large_is_divided(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(status=413, times=1)
    exporter = make_exporter(sink.traces_endpoint, compression="gzip")
    assert exporter.export(spans) is SUCCESS
    assert (sink.attempt_count, sink.request_count, sink.span_count) == (3, 2, 10)
    got = counts(exporter)
    assert (got["exported"], got["retries"], got["dropped"]) == (10, 0, {})


def test_of_a_request_that_is_too_large_only_single_spans_are_lost(
    spans: Spans, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(status=413, message="too much", times=None)
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is FAILURE
    assert sink.attempt_count == 7  # of 10, of divisions down to three single spans, and none of what is no smaller
    assert counts(exporter)["dropped"] == {"too_large": 10}
    assert "too large" in caplog.text
    assert "status 413: too much" in caplog.text


def test_a_redirect_is_not_followed_and_names_where_it_leads(
    spans: Spans, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    redirect = b"HTTP/1.1 307 Go\r\nLocation: http://u:p@other/x?token=hunter2\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([answer(redirect)]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export(spans) is FAILURE
        assert len(server.bodies) == 1
    assert "http://other/x" in caplog.text
    assert "hunter2" not in caplog.text
    assert counts(exporter)["dropped"] == {"refused": 10}


def test_an_endpoint_without_a_path_that_is_not_found_says_what_is_missing(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.http_endpoint)
    assert exporter.export(spans) is FAILURE
    assert counts(exporter)["last_error"].endswith("; an endpoint is used as it stands: should it end in /v1/traces?")


def test_secrets_that_a_server_echoes_are_not_shown(
    spans: Spans, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"token hunter2 is not valid"
    refusal = b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with ScriptedServer([answer(refusal)]) as server:
        exporter = make_exporter(server.endpoint, headers={"authorization": "Bearer hunter2"})
        assert exporter.export(spans) is FAILURE
    assert "token *** is not valid" in caplog.text
    assert "hunter2" not in caplog.text + str(counts(exporter))


def test_a_reset_in_the_middle_of_a_response_sends_the_same_bytes_again(
    spans: Spans, make_exporter: MakeExporter
) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with ScriptedServer([reset(half)]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export(spans) is SUCCESS
        assert server.bodies[0] == server.bodies[1]
    assert counts(exporter)["retries"] == 1


def test_what_is_no_batch_of_spans_is_a_counted_failure_not_an_exception(
    sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    for wrong in (None, 7, "text", [object()], object()):
        assert exporter.export(wrong) in (SUCCESS, FAILURE)  # type: ignore[arg-type]
    assert sink.span_count == 0
    assert counts(exporter)["exported"] == 0


def test_its_own_traffic_is_never_traced(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    import http.client
    import socket
    from unittest.mock import patch

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the exporter used Python's network")

    exporter = make_exporter(sink.traces_endpoint)
    # What instrumentations wrap, from requests down to sockets, is not on the way.
    with (
        patch.object(http.client.HTTPConnection, "request", forbidden),
        patch.object(socket, "create_connection", forbidden),
        patch.object(socket.socket, "connect", forbidden),
    ):
        assert exporter.export(spans) is SUCCESS
