"""TLS with real certificates, good and bad."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme

from spanwire.sink import TLS, Sink

from .conftest import Doctor

NOW = datetime.now(timezone.utc)


def tls_sink(issued: trustme.LeafCert, client_ca: bytes | None = None) -> Sink:
    return Sink(tls=TLS(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes(), client_ca=client_ca))


def test_a_trusted_certificate_is_shown(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    until = NOW + timedelta(days=5)
    with tls_sink(ca.issue_cert("localhost", "a.example", not_after=until)) as sink:
        found = run(
            "--endpoint", f"https://localhost:{sink.port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem")
        )
        assert sink.span_count == 1
    assert found.status == 0
    assert found.codes("tls") == {"trusted", "certificate", "expires_soon"}
    details = found.step("tls")["details"]
    assert details["certificate"]["names"] == ["localhost", "a.example"]
    assert details["version"].startswith("TLSv1.") and details["cipher"]


@pytest.mark.parametrize(
    ("names", "times", "code"),
    [
        (["localhost"], {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)}, "expired"),
        (["localhost"], {"not_before": NOW + timedelta(days=2)}, "not_yet"),
        (["a.example"], {}, "wrong_name"),
    ],
)
def test_a_certificate_that_is_not_taken(
    names: list[str], times: dict[str, Any], code: str, run: Doctor, ca: trustme.CA, tmp_path: Path
) -> None:
    with tls_sink(ca.issue_cert(*names, **times)) as sink:
        found = run(
            "--endpoint", f"https://localhost:{sink.port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem")
        )
        assert sink.attempt_count == 0
    assert (found.status, found.codes("tls")) == (1, {code})
    assert names[0] in found.step("tls")["findings"][0]["text"]
    assert found.outcomes()["http"] == found.outcomes()["span"] == "skipped"


def test_an_unknown_authority(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with tls_sink(ca.issue_cert("localhost")) as sink:
        found = run("--endpoint", f"https://localhost:{sink.port}", SSL_CERT_FILE=str(tmp_path / "other.pem"))
    assert (found.status, found.codes("tls")) == (1, {"unknown_issuer"})
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in found.step("tls")["findings"][0]["cure"]


def test_an_authority_s_own_certificate(run: Doctor, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Sink(tls=TLS(authority.cert_pem.bytes(), authority.private_key_pem.bytes())) as sink:
        found = run(
            "--endpoint", f"https://localhost:{sink.port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem")
        )
    assert (found.status, found.codes("tls")) == (1, {"authority"})


def test_a_client_certificate_is_wanted_and_then_shown(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    client = ca.issue_cert("client@example.org")
    client.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    environment = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem")}
    with tls_sink(ca.issue_cert("localhost"), client_ca=ca.cert_pem.bytes()) as sink:
        endpoint = f"https://localhost:{sink.port}"
        without = run("--endpoint", endpoint, **environment)
        found = run(
            "--endpoint", endpoint, **environment, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(tmp_path / "client.pem")
        )
        assert sink.span_count == 1
    assert (without.status, without.codes("tls")) == (1, {"client_certificate"})
    assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in without.step("tls")["findings"][0]["cure"]
    assert found.status == 0


def test_https_where_http_is_spoken_and_the_other_way_round(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    environment = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem")}
    with Sink() as sink:
        found = run("--endpoint", f"https://localhost:{sink.port}", "--timeout", "2.5", **environment)
    assert (found.status, found.codes("tls")) == (1, {"no_tls"})
    with tls_sink(ca.issue_cert("localhost")) as sink:
        found = run("--endpoint", f"http://localhost:{sink.port}", "--timeout", "2.5")
    assert (found.status, found.codes("http")) == (1, {"tls_only"})
