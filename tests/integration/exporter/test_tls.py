"""TLS with real certificates."""

import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.sink import TLS, Sink

from .conftest import MakeExporter, counts
from .servers import ScriptedServer

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


class Authority:
    """A CA and files of what it issues."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.file)

    def issue(self, *names: str) -> tuple[str, str]:
        """Paths of a certificate for these names, and of its key."""
        issued = self.ca.issue_cert(*names)
        cert, key = str(self._folder / "cert.pem"), str(self._folder / "key.pem")
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return cert, key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "mine")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_an_own_ca_is_trusted_for_names_and_addresses(
    name: str, spans: Spans, authority: Authority, make_exporter: MakeExporter
) -> None:
    cert, key = authority.issue(name)
    with Sink(tls=TLS(cert, key)) as sink:
        exporter = make_exporter(f"https://{name}:{sink.port}/v1/traces", certificate_file=authority.file)
        assert [exporter.export(spans) for _ in range(3)] == [SUCCESS] * 3
        assert sink.span_count == 30
    assert counts(exporter)["connections"] == 1


def test_the_ca_may_come_from_the_environment_or_a_directory(
    spans: Spans, authority: Authority, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cert, key = authority.issue("localhost")
    directory = tmp_path / "cas"
    directory.mkdir()
    authority.ca.cert_pem.write_to_path(str(directory / "0a1b2c3d.0"))
    with Sink(tls=TLS(cert, key)) as sink:
        endpoint = f"https://localhost:{sink.port}/v1/traces"
        assert make_exporter(endpoint, certificate_file=str(directory)).export(spans) is SUCCESS
        for name in ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE", "REQUESTS_CA_BUNDLE"):
            with monkeypatch.context() as environment:
                environment.setenv(name, authority.file)
                assert make_exporter(endpoint).export(spans) is SUCCESS


def test_an_unknown_ca_is_refused_at_once(
    spans: Spans, authority: Authority, make_exporter: MakeExporter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = authority.issue("localhost")
    other = Authority(tmp_path / "other")
    with Sink(tls=TLS(cert, key)) as sink:
        exporter = make_exporter(f"https://localhost:{sink.port}/v1/traces", certificate_file=other.file, timeout=60)
        assert exporter.export(spans) is FAILURE
        assert sink.attempt_count == 0
    assert counts(exporter)["dropped"] == {"refused": 10}
    assert counts(exporter)["retries"] == 0
    assert "invalid peer certificate" in caplog.text


def test_a_certificate_for_another_name_is_refused(
    spans: Spans, authority: Authority, make_exporter: MakeExporter
) -> None:
    cert, key = authority.issue("other.example")
    with Sink(tls=TLS(cert, key)) as sink:
        for host in ("localhost", "127.0.0.1"):
            exporter = make_exporter(f"https://{host}:{sink.port}/v1/traces", certificate_file=authority.file)
            assert exporter.export(spans) is FAILURE
            assert "not valid for name" in counts(exporter)["last_error"]


@pytest.mark.parametrize("one_file", [False, True])
def test_a_client_certificate_is_shown(
    one_file: bool, spans: Spans, authority: Authority, make_exporter: MakeExporter, tmp_path: Path
) -> None:
    clients = Authority(tmp_path / "clients")
    client_cert, client_key = clients.issue("client@example.org")
    if one_file:
        combined = tmp_path / "combined.pem"
        combined.write_bytes(Path(client_key).read_bytes() + Path(client_cert).read_bytes())
        files = {"client_certificate_file": str(combined)}
    else:
        files = {"client_certificate_file": client_cert, "client_key_file": client_key}
    cert, key = authority.issue("localhost")
    with Sink(tls=TLS(cert, key, client_ca=clients.file)) as sink:
        endpoint = f"https://localhost:{sink.port}/v1/traces"
        assert make_exporter(endpoint, certificate_file=authority.file, **files).export(spans) is SUCCESS
        assert sink.span_count == 10


def test_a_missing_client_certificate_is_a_final_error_that_says_so(
    spans: Spans, authority: Authority, make_exporter: MakeExporter
) -> None:
    cert, key = authority.issue("localhost")
    with Sink(tls=TLS(cert, key, client_ca=authority.file)) as sink:
        exporter = make_exporter(
            f"https://localhost:{sink.port}/v1/traces", certificate_file=authority.file, timeout=60
        )
        assert exporter.export(spans) is FAILURE
        assert sink.attempt_count == 0
    assert counts(exporter)["dropped"] == {"refused": 10}
    assert (
        "CertificateRequired; the server wants a client certificate: give client_certificate_file="
        in counts(exporter)["last_error"]
    )


def test_https_to_a_plain_http_server_is_a_final_error(
    spans: Spans, authority: Authority, make_exporter: MakeExporter
) -> None:
    with Sink() as sink:
        exporter = make_exporter(f"https://127.0.0.1:{sink.port}/", certificate_file=authority.file, timeout=60)
        assert exporter.export(spans) is FAILURE
    assert counts(exporter)["dropped"] == {"refused": 10}
    assert "TLS failed" in counts(exporter)["last_error"]


def test_http_to_a_tls_server_is_a_failure(spans: Spans, authority: Authority, make_exporter: MakeExporter) -> None:
    cert, key = authority.issue("localhost")
    with Sink(tls=TLS(cert, key)) as sink:
        exporter = make_exporter(f"http://localhost:{sink.port}/v1/traces", timeout=0.3)
        assert exporter.export(spans) is FAILURE
    assert counts(exporter)["exported"] == 0


def test_the_systems_roots_are_trusted_by_default(
    spans: Spans, authority: Authority, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SSL_CERT_FILE is how OpenSSL and rustls are told where the system keeps its roots.
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    cert, key = authority.issue("localhost")
    with Sink(tls=TLS(cert, key)) as sink:
        assert make_exporter(f"https://localhost:{sink.port}/v1/traces").export(spans) is SUCCESS


def test_no_roots_at_all_is_a_clear_error(
    make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="ca-certificates"):
        make_exporter("https://localhost:1/")


def test_tls_1_2_and_1_3_are_spoken(spans: Spans, authority: Authority, make_exporter: MakeExporter) -> None:
    cert, key = authority.issue("localhost")
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.minimum_version = context.maximum_version = version
        with ScriptedServer(tls=context) as server:
            endpoint = server.endpoint.replace("http://127.0.0.1", "https://localhost")
            assert make_exporter(endpoint, certificate_file=authority.file).export(spans) is SUCCESS
