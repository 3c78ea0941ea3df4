"""Certificates that are renewed while a program runs: the next connection is made with what the files hold then."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.sink import TLS, Sink
from tests.grpc_server import free_port

from .conftest import MakeExporter, counts
from .test_tls import Authority

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def replace(path: str, content: bytes) -> None:
    """As who renews certificates does it: whole, by a rename."""
    fresh = Path(f"{path}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


@pytest.mark.parametrize("by_rename", [True, False])
def test_an_authority_that_is_exchanged_is_trusted_by_the_next_connection(
    by_rename: bool, spans: Spans, tmp_path: Path, make_exporter: MakeExporter
) -> None:
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    trusted = str(tmp_path / "trusted.pem")
    replace(trusted, Path(old.file).read_bytes())
    port = free_port()
    exporter = make_exporter(f"https://localhost:{port}/v1/traces", certificate_file=trusted, timeout=5)
    with Sink(port=port, tls=TLS(*old.issue("localhost"))):
        assert exporter.export(spans) is SUCCESS
    with Sink(port=port, tls=TLS(*new.issue("localhost"))) as sink:
        assert exporter.export(spans) is FAILURE
        assert "TLS failed" in counts(exporter)["last_error"]
        if by_rename:
            replace(trusted, Path(new.file).read_bytes())
        else:
            Path(trusted).write_bytes(Path(new.file).read_bytes())
        assert exporter.export(spans) is SUCCESS
        assert sink.span_count == 10


def test_a_file_that_is_half_written_leaves_the_one_before_in_use(
    spans: Spans, tmp_path: Path, make_exporter: MakeExporter
) -> None:
    authority = Authority(tmp_path / "ca")
    trusted = str(tmp_path / "trusted.pem")
    replace(trusted, Path(authority.file).read_bytes())
    port = free_port()
    files = authority.issue("localhost")
    exporter = make_exporter(f"https://localhost:{port}/v1/traces", certificate_file=trusted, timeout=5)
    for content in (None, b"-----BEGIN CERTIFICATE-----\nMIIB", b""):
        if content is not None:
            replace(trusted, content)
        with Sink(port=port, tls=TLS(*files)):
            assert exporter.export(spans) is SUCCESS
    Path(trusted).unlink()
    with Sink(port=port, tls=TLS(*files)):
        assert exporter.export(spans) is SUCCESS
    assert counts(exporter)["connections"] >= 4


def test_a_clients_certificate_that_is_renewed_is_shown_by_the_next_connection(
    spans: Spans, tmp_path: Path, make_exporter: MakeExporter
) -> None:
    authority, strange = Authority(tmp_path / "ca"), Authority(tmp_path / "strange")

    def client(of: Authority) -> bytes:
        issued: Any = of.ca.issue_cert("client")
        return bytes(issued.private_key_and_cert_chain_pem.bytes())

    shown = str(tmp_path / "client.pem")
    replace(shown, client(strange))
    with Sink(tls=TLS(*authority.issue("localhost"), client_ca=authority.file)) as sink:
        exporter = make_exporter(
            f"https://localhost:{sink.port}/v1/traces",
            certificate_file=authority.file,
            client_certificate_file=shown,
            timeout=2,
        )
        assert exporter.export(spans) is FAILURE
        replace(shown, client(authority))
        assert exporter.export(spans) is SUCCESS
