"""Endpoints of gRPC: what calls are answered, and what is not gRPC at all."""

from pathlib import Path

import pytest
import trustme

from spanwire.sink import TLS, Sink

from .conftest import Doctor

GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


@pytest.mark.parametrize("by", ["protocol", "exporter", "option"])
def test_a_receiver_that_takes_spans(by: str, run: Doctor) -> None:
    options = ["--protocol", "grpc"] if by == "option" else []
    environment = {"protocol": GRPC, "exporter": {"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, "option": {}}[by]
    with Sink() as sink:
        found = run(
            *options, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{sink.grpc_endpoint.removeprefix('http://')}", **environment
        )
        (span,) = sink.spans()
        assert all(request.headers["content-type"].startswith("application/grpc") for request in sink.requests())
    assert (found.status, found.document["verdict"]) == (0, "ok"), found.text
    outcomes = found.outcomes()
    assert (outcomes["grpc"], outcomes["span"], outcomes["http"]) == ("ok", "ok", "skipped")
    assert found.step("span")["details"]["trace_id"] == span.trace_id
    assert found.step("grpc")["details"]["milliseconds"] > 0


@pytest.mark.parametrize(
    ("status", "code"),
    [(16, "unauthenticated"), (7, "permission_denied"), (12, "unimplemented"), (13, "internal"), (2, "unknown")],
)
def test_a_status_is_explained(status: int, code: str, run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(grpc_status=status, message="so it is", times=None)
        found = run("--endpoint", sink.http_endpoint, **GRPC)
    assert (found.status, found.codes("grpc")) == (1, {code})
    finding = found.step("grpc")["findings"][0]
    assert "so it is" in finding["text"] and finding["cure"]
    assert ("no credentials are sent" in finding["cure"]) == (status in {7, 16})
    assert found.outcomes()["span"] == "skipped"


def test_a_call_without_spans_that_is_refused_is_no_verdict(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(grpc_status=3, message="empty")
        found = run("--endpoint", sink.http_endpoint, **GRPC)
    assert (found.status, found.codes("grpc"), found.codes("span")) == (0, {"invalid_argument"}, {"taken"})


def test_http_where_grpc_is_asked_for(run: Doctor) -> None:
    from tests.integration.exporter.servers import ScriptedServer, answer

    page = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with ScriptedServer([answer(page, keep=False)] * 50) as server:
        found = run("--endpoint", server.endpoint, "--timeout", "2.5", **GRPC)
    assert (found.status, found.codes("grpc")) == (1, {"http_only"}), found.text
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in found.step("grpc")["findings"][0]["cure"]


def test_tls_is_judged_for_grpc_too(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    issued = ca.issue_cert("localhost")
    with Sink(tls=TLS(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())) as sink:
        endpoint = f"https://localhost:{sink.port}"
        taken = run("--endpoint", endpoint, **GRPC, OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem"))
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
        refused = run("--endpoint", endpoint, **GRPC, OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "other.pem"))
        plain = run("--endpoint", f"http://localhost:{sink.port}", "--timeout", "2.5", **GRPC)
    assert (taken.status, taken.codes("grpc")) == (0, {"accepted"}), taken.text
    assert taken.step("tls")["details"]["certificate"]["names"] == ["localhost"]
    assert (refused.status, refused.codes("tls")) == (1, {"unknown_issuer"})
    assert (plain.status, plain.codes("grpc")) == (1, {"tls_only"}), plain.text


def test_the_port_of_the_other_protocol_is_noticed(run: Doctor) -> None:
    found = run("--endpoint", "http://127.0.0.1:4318", "--timeout", "1", "--no-send", **GRPC)
    assert "port" in found.codes("configuration")


def test_json_is_looked_at_too(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="http/json")
        assert {request.content_type for request in sink.requests()} == {"application/json"}
    assert (found.status, found.codes("http")) == (0, {"accepted"})


def test_compression_that_is_refused_is_told_from_all_else(run: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sink() as sink:
        sink.inject(grpc_status=12, message="gzip is not enabled")
        found = run("--endpoint", sink.http_endpoint, **GRPC, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    assert (found.status, found.codes("grpc")) == (1, {"compression"})
    assert "OTEL_EXPORTER_OTLP_COMPRESSION=none" in found.step("grpc")["findings"][0]["cure"]


def test_sizes_are_looked_at_by_grpc_too(run: Doctor) -> None:
    with Sink(max_request_bytes=2 << 20) as sink:
        found = run("--endpoint", sink.http_endpoint, "--limits", **GRPC)
    assert (found.status, found.codes("limits")) == (0, {"limit"}), found.text
    details = found.step("limits")["details"]
    assert (details["taken_bytes"], details["refused_bytes"]) == (1 << 20, 4 << 20)
