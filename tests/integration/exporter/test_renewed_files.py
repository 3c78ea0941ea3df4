"""Certificates that are renewed while a program runs: the next connection is made with what the files hold then."""

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

import spanwire
from spanwire.events import ErrorEvent, subscribe
from spanwire.exporter import grpc
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import TLS, Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.ports import free_port

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


def pair(of: Authority) -> tuple[bytes, bytes]:
    """A client's certificate and its key."""
    issued: Any = of.ca.issue_cert("client")
    return bytes(issued.cert_chain_pems[0].bytes()), bytes(issued.private_key_pem.bytes())


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    assert is_so()


@pytest.fixture
def heard() -> Iterator[list[ErrorEvent]]:
    """What ``on_error`` was called with."""
    events: list[ErrorEvent] = []
    subscription = subscribe(on_error=events.append)
    yield events
    subscription.cancel()


class Clients:
    """An exporter that shows a client's certificate and trusts a CA, and the files of both; each request by a new connection."""

    def __init__(self, folder: Path, make: MakeExporter, **keywords: Any) -> None:
        self.authority, self.port = Authority(folder / "ca"), free_port()
        self.ca, self.cert, self.key = (str(folder / name) for name in ("trusted.pem", "client.pem", "client.key"))
        self.write()
        self.served = self.authority.issue("localhost")
        self.exporter = make(
            f"https://localhost:{self.port}/v1/traces",
            certificate_file=self.ca,
            client_certificate_file=self.cert,
            client_key_file=self.key,
            timeout=5,
            **keywords,
        )

    def write(self) -> None:
        """All of them are good, and a new pair."""
        cert, key = pair(self.authority)
        for path, content in ((self.cert, cert), (self.key, key), (self.ca, Path(self.authority.file).read_bytes())):
            replace(path, content)

    def export(self, spans: Spans) -> bool:
        with Sink(port=self.port, tls=TLS(*self.served, client_ca=self.authority.file)):
            return self.exporter.export(spans) is SUCCESS


def _is_root() -> bool:
    return os.getuid() == 0


_SPOILT: dict[str, tuple[str, Callable[[Clients, str], None], str]] = {
    "emptied authorities": ("ca", lambda clients, path: replace(path, b""), "it holds no certificate"),
    "half of the only authority": (
        "ca",
        lambda clients, path: replace(path, Path(path).read_bytes()[:200]),
        "ends within a section",
    ),
    "half of the second authority": (
        "ca",
        lambda clients, path: replace(path, Path(path).read_bytes() + Path(path).read_bytes()[:200]),
        "ends within a section",
    ),
    "no authorities any more": ("ca", lambda clients, path: Path(path).unlink(), "No such file"),
    "half of a certificate": (
        "cert",
        lambda clients, path: replace(path, Path(path).read_bytes()[:200]),
        "ends within a section",
    ),
    "half of a key": (
        "key",
        lambda clients, path: replace(path, Path(path).read_bytes()[:60]),
        "ends within a section",
    ),
    "another certificate's key": ("key", lambda clients, path: replace(path, pair(clients.authority)[1]), "do not fit"),
    "a key for others' eyes": ("key", lambda clients, path: _hide(path), "denied"),
}


def _hide(path: str) -> None:
    replace(path, Path(path).read_bytes())
    Path(path).chmod(0)


@pytest.mark.parametrize("case", list(_SPOILT))
def test_a_renewed_file_that_cannot_be_used_is_told_and_taken_when_it_is_good_again(
    case: str,
    spans: Spans,
    tmp_path: Path,
    make_exporter: MakeExporter,
    caplog: pytest.LogCaptureFixture,
    heard: list[ErrorEvent],
) -> None:
    which, spoil, cause = _SPOILT[case]
    if spoil is _SPOILT["a key for others' eyes"][1] and _is_root():
        pytest.skip("not applicable: root may read every file")
    clients = Clients(tmp_path, make_exporter)
    assert clients.export(spans)
    assert caplog.records == []
    path = getattr(clients, which)
    spoil(clients, path)
    for _ in range(3):
        assert clients.export(spans)
    until(lambda: bool(heard) and bool(caplog.records))
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1, said  # a minute
    assert f"Exports to {clients.exporter._client.destination}: a renewed file cannot be used: " in said[0]
    assert path in said[0] and cause in said[0] and "replace the file as a whole" in said[0]
    event = heard[0]
    assert (event.reason, event.count) == ("certificates", 0) and event.message in said[0]
    assert counts(clients.exporter)["last_error"] == event.message
    assert counts(clients.exporter)["dropped"] == {}
    # By another authority, whose servers the old files do not trust.
    clients.authority = Authority(tmp_path / "new")
    clients.served = clients.authority.issue("localhost")
    clients.write()
    Path(clients.key).chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert clients.export(spans)


@pytest.mark.parametrize("kind", [OTLPSpanExporter, grpc.OTLPSpanExporter])
def test_what_cannot_be_used_is_told_while_a_batch_processor_sends(
    kind: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, heard: list[ErrorEvent]
) -> None:
    authority, port = Authority(tmp_path / "ca"), free_port()
    trusted = str(tmp_path / "trusted.pem")
    replace(trusted, Path(authority.file).read_bytes())
    tls = TLS(*authority.issue("localhost"))
    path = "/v1/traces" if kind is OTLPSpanExporter else ""
    exporter = kind(f"https://localhost:{port}{path}", certificate_file=trusted, timeout=5)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10))
    tracer = provider.get_tracer("tests")

    def send() -> None:
        with Sink(port=port, tls=tls):
            tracer.start_span("one").end()
            assert provider.force_flush()

    send()
    replace(trusted, b"")
    send()
    send()
    until(lambda: bool(heard))
    assert [event.reason for event in heard] == ["certificates"]
    replace(trusted, Path(authority.file).read_bytes())
    send()
    provider.shutdown()
    said = [record.getMessage() for record in caplog.records if "renewed file" in record.getMessage()]
    assert len(said) == 1 and trusted in said[0]
    assert spanwire.stats()["traces"][exporter._client.destination]["dropped"] == {}


def test_a_file_that_was_half_written_for_a_moment_is_no_news(
    spans: Spans, tmp_path: Path, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    clients = Clients(tmp_path, make_exporter)
    assert clients.export(spans)
    good = Path(clients.ca).read_bytes()
    replace(clients.ca, good[:200])
    replace(clients.ca, good)
    assert clients.export(spans)
    assert caplog.records == []
