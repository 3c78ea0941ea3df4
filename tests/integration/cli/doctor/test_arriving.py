"""A receiver that takes spans, or says why not."""

import os

import pytest

from spanwire.sink import Fault, Sink

from .conftest import Doctor


def test_a_receiver_that_takes_spans(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint)
        (span,) = sink.spans()
        assert sink.attempt_count == 2  # and a question for the time, which is no export
    assert (found.status, found.document["verdict"], found.document["summary"]) == (0, "ok", "spans arrive")
    assert found.outcomes() == {
        **dict.fromkeys(("versions", "setup", "variables", "configuration", "dns", "tcp", "http", "span"), "ok"),
        **dict.fromkeys(("proxy", "tls", "grpc", "limits", "durable"), "skipped"),
    }
    assert span.name == "spanwire doctor"
    assert span.resource_attributes["service.name"] == "shop"
    assert found.step("span")["details"]["trace_id"] == span.trace_id


def test_the_configured_endpoint_headers_and_compression_are_used(run: Doctor) -> None:
    with Sink() as sink:
        found = run(
            "--service-name",
            "other",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint,
            OTEL_EXPORTER_OTLP_HEADERS="x-tenant=hunter2",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        )
        requests = sink.requests()
        assert [request.headers["x-tenant"] for request in requests] == ["hunter2"] * 2
        assert {request.content_encoding for request in requests} == {"gzip"}
        assert sink.spans()[0].resource_attributes["service.name"] == "other"
    assert found.status == 0 and "hunter2" not in found.text


def test_no_span_is_sent_unless_wanted(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint, "--no-send")
        assert sink.span_count == 0
    assert found.status == 0
    assert found.document["summary"] == "nothing is in the way (no test span was sent)"


def test_ipv6_or_what_there_is_of_it(run: Doctor) -> None:
    try:
        sink = Sink(host="::1").start()
    except (OSError, RuntimeError):
        pytest.skip("not applicable: no IPv6 here")
    with sink:
        found = run("--endpoint", f"http://[::1]:{sink.port}")
    assert found.status == 0
    assert found.step("tcp")["details"]["tried"][0]["family"] == "IPv6"


def test_spans_switched_off_are_told_and_the_test_span_is_sent(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint, OTEL_SDK_DISABLED="true", OTEL_TRACES_SAMPLER="always_off")
        assert sink.span_count == 1
        assert os.environ.get("OTEL_SDK_DISABLED") is None
    assert found.status == 1
    assert found.codes("setup") >= {"sdk_disabled", "sampler_off"}
    assert found.codes("span") == {"taken", "off"}


def test_a_partial_success_is_told(run: Doctor) -> None:
    with Sink() as sink:
        sink.schedule([None, Fault(rejected=1, message="quota is used up")])
        found = run("--endpoint", sink.http_endpoint)
    assert (found.status, found.codes("span")) == (1, {"rejected"})
    assert "quota is used up" in found.document["summary"]
