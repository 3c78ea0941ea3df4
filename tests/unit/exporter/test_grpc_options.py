"""Options over gRPC are resolved as the official exporter resolves them: both are made from the same keywords and environment."""

import logging
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OfficialExporter

from spanwire.exporter._common.grpc_options import GrpcOptions
from spanwire.exporter.grpc import Compression, OTLPSpanExporter

GENERAL = "OTEL_EXPORTER_OTLP_"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_"


def resolved(exporter: Any) -> dict[str, Any]:
    headers = dict(exporter._headers)
    headers.pop("user-agent", None)
    compression = exporter._compression
    return {
        "endpoint": exporter._endpoint,
        "insecure": exporter._insecure,
        "headers": headers,
        "timeout": exporter._timeout,
        "compression": "NoCompression" if compression is None else compression.name,
    }


def same(**keywords: Any) -> None:
    official, ours = OfficialExporter(**keywords), OTLPSpanExporter(**keywords)
    try:
        assert resolved(ours) == resolved(official)
    finally:
        official.shutdown()
        ours.shutdown()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {GENERAL + "ENDPOINT": "http://h:1"},
        {GENERAL + "ENDPOINT": "https://h:1"},
        {GENERAL + "ENDPOINT": "h:1"},
        {GENERAL + "ENDPOINT": "http://h:1/base/path?query"},
        {GENERAL + "ENDPOINT": "http://h:1", TRACES + "ENDPOINT": "https://own:2"},
        {GENERAL + "ENDPOINT": "h:1", GENERAL + "INSECURE": "true"},
        {GENERAL + "ENDPOINT": "h:1", GENERAL + "INSECURE": "TRUE", TRACES + "INSECURE": "false"},
        {GENERAL + "ENDPOINT": "h:1", GENERAL + "INSECURE": "false", TRACES + "INSECURE": "True"},
        {GENERAL + "ENDPOINT": "http://h:1", GENERAL + "INSECURE": "false"},
        {GENERAL + "ENDPOINT": "https://h:1", GENERAL + "INSECURE": "true"},
        {GENERAL + "ENDPOINT": "h:1", GENERAL + "INSECURE": "1"},
        {GENERAL + "HEADERS": "a=1,B=two"},
        {GENERAL + "HEADERS": "a=1", TRACES + "HEADERS": "b=2"},
        {GENERAL + "HEADERS": "a=%20x%3D%2C,authorization=Basic%20abc="},
        {GENERAL + "TIMEOUT": "3", TRACES + "TIMEOUT": "1.5"},
        {GENERAL + "TIMEOUT": "3"},
        {GENERAL + "COMPRESSION": "gzip"},
        {GENERAL + "COMPRESSION": " GZIP "},
        {TRACES + "COMPRESSION": "gzip"},
    ],
    ids=str,
)
def test_environment_is_read_as_by_the_official_exporter(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    same()


@pytest.mark.parametrize(
    "keywords",
    [
        {"endpoint": "h:1"},
        {"endpoint": "h:1", "insecure": True},
        {"endpoint": "h:1", "insecure": False},
        {"endpoint": "http://h:1", "insecure": False},
        {"endpoint": "https://h:1", "insecure": True},
        {"endpoint": "http://h:1/v1/traces"},
        {"endpoint": "[::1]:4317", "insecure": True},
        {"headers": {"a": "1", "b": "2"}},
        {"headers": (("a", "1"), ("b", "2"))},
        {"headers": [("a", "1")]},
        {"headers": "a=1,B=%20x"},
        {"headers": {}},
        {"timeout": 3},
        {"timeout": 0},
        {"timeout": 2.5},
        {"compression": grpc.Compression.Gzip},
        {"compression": grpc.Compression.Deflate},
        {"compression": grpc.Compression.NoCompression},
    ],
    ids=str,
)
@pytest.mark.parametrize("environment", [{}, {TRACES + "HEADERS": "e=9", GENERAL + "TIMEOUT": "7"}], ids=str)
def test_keywords_are_taken_as_by_the_official_exporter(
    keywords: dict[str, Any], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    same(**keywords)


def options(**keywords: Any) -> GrpcOptions:
    given: dict[str, Any] = dict.fromkeys(
        (
            "endpoint",
            "insecure",
            "headers",
            "timeout",
            "compression",
            "channel_options",
            "certificate_file",
            "client_key_file",
            "client_certificate_file",
            "max_request_size",
        )
    )
    return GrpcOptions.resolve("traces", **{**given, **keywords})


@pytest.mark.parametrize(
    "endpoint, url",
    [
        ("collector", "https://collector"),
        ("http://collector", "http://collector:4317"),
        ("http://[::1]", "http://[::1]:4317"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("dns:///collector:1", "https://collector:1"),
        ("ipv4:127.0.0.1:1", "https://127.0.0.1:1"),
        (" http://h:1/x ", "http://h:1"),
        ("unix:/run/a b.sock", "http+unix://%2Frun%2Fa%20b.sock"),
        ("unix:///run/x", "http+unix://%2Frun%2Fx"),
    ],
)
def test_targets_and_urls_become_scheme_host_and_port(endpoint: str, url: str) -> None:
    assert options(endpoint=endpoint).endpoint == url


@pytest.mark.parametrize(
    "compression, name",
    [
        (Compression.Zstd, "zstd"),
        ("zstd", "zstd"),
        ("GZIP", "gzip"),
        (2, "gzip"),
        (0, "none"),
        (Compression.NoCompression, "none"),
    ],
    ids=str,
)
def test_compressions_have_several_names(compression: object, name: str) -> None:
    assert options(compression=compression).compression == name
    assert Compression.Gzip == int(grpc.Compression.Gzip.value)


@pytest.mark.parametrize(
    "keywords, says",
    [
        ({"credentials": grpc.ssl_channel_credentials()}, "client_certificate_file="),
        ({"endpoint": 4317}, "host and port as text"),
        ({"headers": 5}, "give a dict"),
        ({"headers": ["a"]}, "or pairs of texts"),
        ({"headers": {5: "a"}}, "a header's name is of type int"),
        ({"headers": {"a b": "c"}}, "its name has characters"),
        ({"compression": "lzma"}, "use Compression.Gzip"),
        ({"compression": 9}, "use Compression.Gzip"),
        ({"timeout": -1}, "a positive number of seconds"),
        ({"endpoint": "http://h:port"}, "its port is not a number"),
        ({"endpoint": "dns://8.8.8.8/collector:4317"}, "names a name server of its own"),
        ({"endpoint": "xds://collector:4317"}, "the scheme 'xds' of the endpoint is not known"),
        ({"endpoint": "me:hunter2@grpc://h"}, "the scheme 'grpc' of the endpoint is not known"),
        ({"endpoint": "https://h", "certificate_file": "/nowhere"}, "cannot read certificates"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_cannot_work_is_refused_with_what_can(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", "\\(")):
        OTLPSpanExporter(**keywords)


@pytest.mark.parametrize("name", ["GRPC_TRACES", "GRPC"])
def test_a_provider_of_credentials_in_the_environment_is_refused_where_tls_is_spoken(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"OTEL_PYTHON_EXPORTER_OTLP_{name}_CREDENTIAL_PROVIDER"
    monkeypatch.setenv(variable, "mine")
    OTLPSpanExporter(insecure=True).shutdown()
    with pytest.raises(ValueError, match=f"{variable} is not supported"):
        OTLPSpanExporter(insecure=False)


@pytest.mark.usefixtures("fresh_log")
def test_options_of_grpcio_are_honoured_or_named(caplog: pytest.LogCaptureFixture) -> None:
    given = options(
        channel_options=(
            ("grpc.primary_user_agent", "shop/1"),
            ("grpc.default_authority", "inner"),
            ("grpc.keepalive_time_ms", 5),
        )
    )
    assert str(given.headers["user-agent"]).startswith("shop/1 spanwire/")
    assert given.headers["host"] == "inner"
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "channel_options are grpcio's, which spanwire does without; ignored: grpc.keepalive_time_ms"
    ]


@pytest.mark.usefixtures("fresh_log")
@pytest.mark.parametrize("by_variable", [False, True])
def test_codes_to_retry_are_ignored_aloud(
    by_variable: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_variable:
        monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES", "INTERNAL")
    OTLPSpanExporter(retryable_error_codes=None if by_variable else [grpc.StatusCode.INTERNAL]).shutdown()
    assert "is ignored: calls are tried again after the codes for which OTLP allows it" in caplog.text


def test_binary_values_go_out_in_base64() -> None:
    assert options(headers={"X-Trace-Bin": b"\x00\xff\x01\x02"}).headers["x-trace-bin"] == b"AP8BAg"


def test_a_user_in_the_endpoint_becomes_a_header_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = OTLPSpanExporter(endpoint="http://me:secret@h:1")
    assert exporter._client.destination == "http://h:1"
    exporter.shutdown()
