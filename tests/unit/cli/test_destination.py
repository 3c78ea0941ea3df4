"""Where commands send to: what cannot work is refused, and no secret is shown by that."""

import os
from typing import Any

import pytest
import typer

from spanwire.cli._destination import destination_client, parse_headers, traces_url
from spanwire.exporter import grpc, http, json
from spanwire.exporter._common.protocol import configured_protocol


@pytest.mark.parametrize(
    "endpoint, shown",
    [
        ("h:4318", "'h:4318'"),
        ("u:hunter2@h:4318/x", "'h:4318/x'"),
        ("ftp://u:hunter2@h/x?key=hunter2", "'ftp://h/x'"),
        ("ftp://u:hun@hunter2@h?key=hunter2#f", "'ftp://h'"),
        ("http://u:hunter2@[::1", "'http://[::1'"),
        ("http://u:hunter2@h\u2100/", "'http://h\u2100/'"),
    ],
)
def test_an_endpoint_that_is_none_is_shown_without_its_secrets(endpoint: str, shown: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        traces_url(endpoint)
    assert caught.value.message.startswith(f"{shown} is no ")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("header", ["authorization: Bearer hunter2", "hunter2", "=hunter2"])
def test_a_header_without_its_equals_sign_is_counted_and_not_shown(header: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        parse_headers(["x-tenant=shop", header])
    assert caught.value.message.startswith("number 2 is no NAME=VALUE")
    assert "hunter2" not in caught.value.message


def test_headers_and_the_path_for_traces() -> None:
    assert parse_headers(["a = b=c", "d="]) == {"a": "b=c", "d": ""}
    assert traces_url("http://h:4318/") == "http://h:4318/v1/traces"
    assert traces_url("http://h/otlp?x=1") == "http://h/otlp?x=1"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
GENERAL, TRACES = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"


@pytest.mark.parametrize(
    "variables, protocol",
    [
        ({}, "http/protobuf"),
        ({GENERAL: ""}, "http/protobuf"),
        ({GENERAL: " grpc "}, "grpc"),
        ({GENERAL: "grpc", TRACES: "http/json"}, "http/json"),
        ({GENERAL: "http/json", "OTEL_TRACES_EXPORTER": "otlp"}, "http/json"),
        ({"OTEL_TRACES_EXPORTER": "console, otlp_proto_grpc"}, "grpc"),
        ({GENERAL: "grpc", "OTEL_TRACES_EXPORTER": "otlp_proto_http"}, "http/protobuf"),
        ({GENERAL: "grpc", "OTEL_TRACES_EXPORTER": "spanwire_json"}, "http/json"),
    ],
)
def test_the_protocol_is_that_of_the_program_with_this_environment(
    variables: dict[str, str], protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert configured_protocol() == protocol


@pytest.mark.parametrize(
    "protocol, exporter",
    [
        ("http/protobuf", http.OTLPSpanExporter),
        ("http/json", json.OTLPSpanExporter),
        ("grpc", grpc.OTLPSpanExporter),
    ],
)
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {ENDPOINT: "http://h:9"},
        {ENDPOINT: "https://h", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://u:p@traces:7/x?y=z"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
    ],
)
def test_it_sends_where_the_exporter_of_the_protocol_sends(
    protocol: str, exporter: Any, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    by_variable = destination_client(None, [], None, protocol=protocol).destination
    assert by_variable == exporter()._client.destination
    monkeypatch.setenv(GENERAL, protocol)
    assert destination_client(None, [], None).destination == by_variable


@pytest.mark.parametrize(
    "protocol, endpoint, destination",
    [
        ("http/json", "http://h:1", "http://h:1/v1/traces"),
        ("http/json", "http+unix://%2Frun%2Fs", "unix:/run/s:/v1/traces"),
        ("grpc", "h:4317", "https://h:4317"),
        ("grpc", "http://h:1", "http://h:1"),
        ("grpc", "unix:/run/s", "unix:/run/s"),
    ],
)
def test_what_is_typed_is_written_as_the_protocol_wants(protocol: str, endpoint: str, destination: str) -> None:
    assert destination_client(endpoint, [], None, protocol=protocol).destination == destination


def test_a_protocol_that_is_none_is_refused_with_where_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "protocol 'thrift' is not spoken here; there are http/protobuf, http/json, grpc"
    with pytest.raises(typer.BadParameter) as caught:
        destination_client(None, [], None, protocol="thrift")
    assert (caught.value.message, caught.value.param_hint) == (text, "--protocol")
    monkeypatch.setenv(TRACES, "thrift")
    with pytest.raises(typer.BadParameter) as caught:
        destination_client(None, [], None)
    assert (caught.value.message, caught.value.param_hint) == (text, GENERAL)


@pytest.mark.parametrize("endpoint", ["ftp://u:hunter2@h", "dns://u:hunter2@server/host", "http://u:hunter2@[::1"])
def test_an_endpoint_that_grpc_cannot_use_is_shown_without_its_secrets(endpoint: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        destination_client(endpoint, [], None, protocol="grpc")
    assert "hunter2" not in caught.value.message
