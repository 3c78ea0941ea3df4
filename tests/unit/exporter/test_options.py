"""Options are resolved as the official exporter resolves them: both are made from the same keywords and environment."""

import logging
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto import http as official_http
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.util.re import parse_env_headers

from spanwire.exporter._common import options as _options
from spanwire.exporter._common.options import HttpOptions
from spanwire.exporter.http import Compression, OTLPSpanExporter
from tests.ids import without_addresses

GENERAL = "OTEL_EXPORTER_OTLP_"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_"


def resolved(exporter: Any) -> dict[str, Any]:
    """Endpoint, headers, timeout and compression of either exporter, whatever its version calls them."""
    client = getattr(exporter, "_client", None)
    official = getattr(client, "_headers", None) or dict(getattr(exporter, "_headers", {}))
    headers = {name.lower(): value for name, value in official.items()}
    headers.pop("user-agent", None)
    headers.pop("content-type", None)
    headers.pop("content-encoding", None)
    return {
        "endpoint": exporter._endpoint,
        "headers": headers,
        "timeout": getattr(client, "_timeout", None) or exporter._timeout,
        "compression": exporter._compression.value,
    }


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {GENERAL + "ENDPOINT": "http://h:1"},
        {GENERAL + "ENDPOINT": "http://h:1/"},
        {GENERAL + "ENDPOINT": "http://h:1/base"},
        {GENERAL + "ENDPOINT": "http://h:1/base/"},
        {GENERAL + "ENDPOINT": ""},
        {TRACES + "ENDPOINT": "http://own:2"},
        {TRACES + "ENDPOINT": "http://own:2/", GENERAL + "ENDPOINT": "http://h:1"},
        {TRACES + "ENDPOINT": "", GENERAL + "ENDPOINT": "http://h:1"},
        {TRACES + "ENDPOINT": "http://own:2/x/y?z=1"},
        {GENERAL + "HEADERS": "a=1,B=two"},
        {GENERAL + "HEADERS": "a=1", TRACES + "HEADERS": "b=2"},
        {GENERAL + "HEADERS": "a=1", TRACES + "HEADERS": ""},
        {GENERAL + "HEADERS": "a=%20x%3D%2C,authorization=Basic%20abc="},
        {GENERAL + "HEADERS": "authorization=Bearer abc def , x = y"},
        {GENERAL + "HEADERS": 'bad,=empty,a b=c,ok=1,\u00e9=2,q="x"'},
        {GENERAL + "TIMEOUT": "3"},
        {GENERAL + "TIMEOUT": "3", TRACES + "TIMEOUT": "1.5"},
        {GENERAL + "TIMEOUT": "3", TRACES + "TIMEOUT": ""},
        {TRACES + "TIMEOUT": "soon"},
        {GENERAL + "COMPRESSION": "gzip"},
        {GENERAL + "COMPRESSION": " GZIP "},
        {GENERAL + "COMPRESSION": "gzip", TRACES + "COMPRESSION": "none"},
        {GENERAL + "COMPRESSION": "gzip", TRACES + "COMPRESSION": "deflate"},
        {GENERAL + "COMPRESSION": "brotli"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {
            "endpoint": "http://keyword:3",
            "headers": {"A": "keyword", "x-y": "z"},
            "timeout": 7,
            "compression": official_http.Compression.Deflate,
        },
        {"timeout": 0.25, "compression": official_http.Compression.NoCompression},
        {"endpoint": "", "headers": {}},
    ],
    ids=["no keywords", "all keywords", "some keywords", "empty keywords"],
)
def test_keywords_and_environment_resolve_as_the_official_ones(
    environment: dict[str, str], keywords: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    official = OfficialExporter(**keywords)
    ours = OTLPSpanExporter(**keywords)
    assert resolved(ours) == resolved(official)
    official.shutdown()  # type: ignore[no-untyped-call]
    ours.shutdown()


header_text = st.one_of(
    st.text(max_size=60),
    st.lists(st.text(alphabet='ab=,; \t%20"\\éX-_:/', max_size=20), max_size=5).map(",".join),
)


@pytest.mark.law
@given(header_text)
def test_any_header_text_is_parsed_as_the_official_parser_does(text: str) -> None:
    logging.getLogger("opentelemetry.util.re").disabled = True
    assert _options.parse_headers(text) == parse_env_headers(text, liberal=True)


def test_a_bad_header_is_logged_without_its_value(caplog: pytest.LogCaptureFixture, fresh_log: None) -> None:
    assert _options.parse_headers('ok=1,token="hunter2"') == {"ok": "1"}
    assert "Header 2" in caplog.text
    assert "hunter2" not in caplog.text


def test_the_user_agent_names_spanwire_then_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.version import __version__ as sdk_version

    import spanwire

    expected = f"spanwire/{spanwire.__version__} OTel-OTLP-Exporter-Python/{sdk_version}"
    assert OTLPSpanExporter()._headers["user-agent"] == expected
    assert OTLPSpanExporter(headers={"User-Agent": "mine"})._headers["user-agent"] == "mine"


@pytest.mark.parametrize("value", ["0", "-1", "nan"])
def test_an_impossible_timeout_in_the_environment_is_logged_and_the_default_taken(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fresh_log: None
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", value)
    assert OTLPSpanExporter()._timeout == 10
    assert "Invalid timeout" in caplog.text


@pytest.mark.parametrize(
    "keywords, says",
    [
        ({"endpoint": "localhost:4318"}, "begin with http:// or https://"),
        ({"endpoint": "grpc://localhost:4317"}, "only http:// and https://"),
        ({"endpoint": "http://user:hunter2@/x"}, "names no host"),
        ({"endpoint": "http://h:99999"}, "port"),
        ({"endpoint": b"http://h"}, "a URL as text"),
        ({"timeout": 0}, "positive number of seconds"),
        ({"timeout": -1}, "positive number of seconds"),
        ({"timeout": float("nan")}, "positive number of seconds"),
        ({"timeout": "10s"}, "positive number of seconds"),
        ({"timeout": [1]}, "positive number of seconds"),
        ({"compression": "brotli"}, "Compression.Gzip"),
        ({"headers": {"x": "hunter2\r\ny: z"}}, "control characters"),
        ({"headers": {"x y": "hunter2"}}, "name has characters"),
        ({"headers": {"content-length": "1"}}, "set for each request"),
        ({"headers": {"x": 1}}, "must be a str"),
        ({"headers": "x=hunter2"}, "a dict such as"),
        ({"headers": [("x", "hunter2")]}, "a dict such as"),
        ({"headers": {7: "hunter2"}}, "a header's name is of type int"),
        ({"endpoint": "https://h", "certificate_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ({"session": object()}, "headers= for authentication"),
    ],
    ids=lambda value: without_addresses(value)[:40],
)
def test_an_option_that_cannot_work_is_refused_with_what_to_do_and_no_secret(
    keywords: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError) as caught:
        OTLPSpanExporter(**keywords)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "TRACES_"])
def test_a_credential_provider_in_the_environment_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{name}CREDENTIAL_PROVIDER"
    monkeypatch.setenv(variable, "gcp")
    with pytest.raises(ValueError, match=variable):
        OTLPSpanExporter()


@pytest.mark.parametrize("compression", [Compression.Gzip, official_http.Compression.Gzip, "gzip", "GZIP"], ids=repr)
def test_compression_is_taken_from_any_enum_or_a_string(compression: Any) -> None:
    assert OTLPSpanExporter(compression=compression)._compression is Compression.Gzip


def test_tls_files_are_not_read_for_plain_http() -> None:
    OTLPSpanExporter(endpoint="http://h", certificate_file="/nowhere/ca.pem")


def test_a_certificate_without_its_key_or_with_anothers_is_refused(tmp_path: Path) -> None:
    ca = trustme.CA()
    mine, other = ca.issue_cert("mine"), ca.issue_cert("other")
    cert, wrong, key = tmp_path / "cert.pem", tmp_path / "wrong.pem", tmp_path / "key.pem"
    mine.cert_chain_pems[0].write_to_path(str(cert))
    other.private_key_pem.write_to_path(str(wrong))
    mine.private_key_pem.write_to_path(str(key))
    options = {"endpoint": "https://h", "client_certificate_file": str(cert)}
    with pytest.raises(ValueError, match="needs its private key"):
        OTLPSpanExporter(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not fit"):
        OTLPSpanExporter(**options, client_key_file=str(wrong))  # type: ignore[arg-type]
    OTLPSpanExporter(**options, client_key_file=str(key))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "h:4318"}, ["OTEL_EXPORTER_OTLP_ENDPOINT"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "content-length=1"}, ["OTEL_EXPORTER_OTLP_TRACES_HEADERS"]),
        ({"REQUESTS_CA_BUNDLE": "/nowhere/bundle.pem"}, ["REQUESTS_CA_BUNDLE"]),
        ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"}, ["OTEL_EXPORTER_OTLP_CERTIFICATE"]),
        (
            {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/nowhere/cert.pem"},
            ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
        ),
        (
            {"OTEL_EXPORTER_OTLP_CLIENT_KEY": "/nowhere/key.pem"},
            ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
        ),
    ],
    ids=lambda value: next(iter(value)),
)
def test_an_error_names_the_variables_that_it_is_about(
    environment: dict[str, str], named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ca.issue_cert("mine").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "cert.pem"))
    right = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://h",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-key=1",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem"),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(tmp_path / "cert.pem"),
    }
    if "REQUESTS_CA_BUNDLE" in environment:
        del right["OTEL_EXPORTER_OTLP_CERTIFICATE"]
    for name, value in {**right, **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError) as caught:
        OTLPSpanExporter()
    said = str(caught.value).partition(" (from the environment: ")[2].removesuffix(")")
    assert sorted(said.split(", ")) == named


def test_an_error_about_a_keyword_names_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=1")
    with pytest.raises(ValueError) as caught:
        OTLPSpanExporter(endpoint="h:4318")
    assert "environment" not in str(caught.value)


@pytest.mark.parametrize("option", ["client_key_file", "client_certificate_file", "certificate_file"])
@pytest.mark.parametrize("form", ["lines", "one line", "said ends", "base64"])
def test_a_key_in_the_place_of_its_path_is_in_no_error(
    option: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = trustme.CA().issue_cert("mine")
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    key = mine.private_key_pem.bytes().decode()
    given = {
        "lines": key,
        "one line": key.replace("\n", " "),
        "said ends": key.replace("\n", "\\n"),
        "base64": b64encode(key.encode()).decode(),
    }[form]
    variable = {"client_key_file": "CLIENT_KEY", "certificate_file": "CERTIFICATE"}.get(option, "CLIENT_CERTIFICATE")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", str(tmp_path / "cert.pem"))
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{variable}", given)
    keywords: dict[str, Any] = dict.fromkeys(
        ("endpoint", "certificate_file", "client_key_file", "client_certificate_file", "headers")
    )
    options = HttpOptions.resolve("traces", **keywords, timeout=None, compression=None, max_request_size=None)
    with pytest.raises(ValueError, match=r"text .*wanted|wanted, not its text") as caught:
        OTLPSpanExporter()
    lines = [line for line in [*key.splitlines(), given] if "-----" not in line or line is given]
    assert len(lines) > 2
    for line in lines:
        assert line not in str(caught.value) + repr(options)


def test_a_key_without_a_certificate_is_ignored_with_a_warning(
    caplog: pytest.LogCaptureFixture, fresh_log: None
) -> None:
    OTLPSpanExporter(endpoint="https://h", client_key_file="/nowhere/key.pem")
    assert "client_certificate_file" in caplog.text
