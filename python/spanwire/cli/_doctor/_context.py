"""What the steps share: what was asked for, the environment, and what earlier steps have found out."""

from __future__ import annotations

import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spanwire.cli._doctor._masking import Mask
from spanwire.cli._doctor._probe import Probe, probe

if TYPE_CHECKING:
    from spanwire._native import HttpClient, Outcome
    from spanwire.cli._doctor._certificate import Certificate
    from spanwire.exporter._common.options import ExporterOptions
    from spanwire.exporter._common.proxy import Proxy
    from spanwire.exporter._common.span_exporter import NativeSpanExporter

__all__ = ["NO_SPANS", "Address", "Context", "Target", "exporter_class", "listening", "without_compression"]

# A clock that is off by less says nothing: backends put up with it.
SKEW_SECONDS = 30.0

# An ExportTraceServiceRequest with one ResourceSpans that holds nothing. Not b"": a POST without a body has no
# Content-Length here, which some servers refuse, and which no request of a program is like.
NO_SPANS = b"\x0a\x00"


_STANDARD = {"content-type", "user-agent"}


@dataclass(frozen=True, slots=True)
class Address:
    """One that the host has: arguments of ``socket.socket`` and ``connect``."""

    family: int
    where: Any
    text: str
    """For people, with the port."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the exporter connects to."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Target:
        """Of a URL that the exporter takes."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
        return cls(parts.scheme.lower(), parts.hostname or "", port, parts.path or "/")


@dataclass(slots=True)
class Context:
    """Filled by the steps, in their order."""

    endpoint: str | None = None
    """As asked for by ``--endpoint``, whole."""
    timeout: float = 5.0
    """Seconds for each step that waits for somebody."""
    service_name: str | None = None
    send: bool = True
    show_all: bool = False
    protocol: str = ""
    """Of OTLP, as asked for; then the one that is spoken."""
    limits: bool = False
    """Whether the largest request that is taken is looked for."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    mask: Mask = field(init=False)
    """For what others say, errors and log lines among it."""
    options: ExporterOptions | None = None
    exporter: NativeSpanExporter | None = None
    """Of the configuration; None: it cannot be made."""
    target: Target | None = None
    is_off: str = ""
    """What keeps spans from being made or sent, if anything does: a name for it."""
    other: str = ""
    """Where the program sends, as far as that is known, if not by the exporter that is looked at."""
    other_processor: str = ""
    """Whose batch processor the program would have, in words, if not ours."""
    is_other_asked_for: bool = True
    """Whether that is for sure, and not only where the program is started by ``opentelemetry-instrument``."""
    can_trace: bool = True
    addresses: list[Address] = field(default_factory=list)
    reachable: list[Address] = field(default_factory=list)
    trusted: bool = True
    answered: bool = False
    """Whether an OTLP receiver has answered."""
    certificate_chain: list[Certificate] = field(default_factory=list)
    """As the server sends it, its own first; empty: it cannot be read."""
    answer_seconds: float = 0.0
    """What the request without spans took, handshake and tries included."""
    _answer: Outcome | None = None
    _probe: Probe | None = None
    _is_closed: bool = False

    def __post_init__(self) -> None:
        self.mask = Mask(self.environment, [self.endpoint] if self.endpoint else [])

    def get(self, *names: str) -> str:
        """The first of these variables that is not empty."""
        return next((value for name in names if (value := self.environment.get(name))), "")

    def answer(self) -> Outcome:
        """What comes of a request without spans: by the exporter's own client, headers, compression and trust. Asked once."""
        assert self.exporter is not None
        if self._answer is None:
            begin = time.perf_counter()
            # One span is said to be in it, since what has none is not sent.
            self._answer = self.exporter._client.export_encoded(NO_SPANS, 1)
            self.answer_seconds = time.perf_counter() - begin
        return self._answer

    def probe(self) -> Probe:
        """What the endpoint says to a request that holds nothing of ours. Asked once."""
        if self._probe is None:
            self._probe = probe(self)
        return self._probe

    def skew(self) -> str:
        """By how much this machine's clock is off, in words; empty: not by much, or nobody says so."""
        seconds = self.probe().skew or 0.0
        if abs(seconds) < SKEW_SECONDS:
            return ""
        many = abs(seconds)
        amount = f"{many:.0f} s" if many < 600 else f"{many / 60:.0f} min" if many < 7200 else f"{many / 3600:.0f} h"
        return f"{amount} {'ahead of' if seconds > 0 else 'behind'} the server's"

    @property
    def is_grpc(self) -> bool:
        """Whether the exporter that is looked at speaks gRPC."""
        return self.protocol == "grpc"

    @property
    def sends_credentials(self) -> bool:
        """Whether there are headers beside those that are always there: credentials, or a tenant."""
        return self.options is not None and bool({*self.options.headers} - _STANDARD)

    @property
    def patience(self) -> float:
        """Seconds that a request of the exporter may take here."""
        return self.timeout if self.options is None else min(self.timeout, self.options.timeout)

    @property
    def proxy(self) -> Proxy | None:
        """What the exporter goes through; None: nothing."""
        from spanwire.exporter._common.proxy import proxy_for

        return None if self.exporter is None else proxy_for(self.exporter._client.destination, self.protocol)

    @property
    def tunnels(self) -> bool:
        """Whether a proxy has to open a way, rather than pass requests on."""
        return self.is_grpc or (self.target is not None and self.target.scheme == "https")

    @property
    def peer(self) -> Target | None:
        """Where the first connection goes: the proxy, or the target itself."""
        proxy = self.proxy
        return self.target if proxy is None else Target.of(proxy.url)

    def close(self) -> None:
        """Leave nothing running."""
        if self.exporter is not None and not self._is_closed:
            self._is_closed = True
            self.exporter.shutdown(0)  # what is under way still has been interrupted


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def exporter_class(protocol: str) -> Callable[..., NativeSpanExporter]:
    """Ours, of a protocol of OTLP."""
    from spanwire.exporter._common.protocols import DEFAULT_PROTOCOL, EXPORTERS

    package = EXPORTERS.get(protocol, EXPORTERS[DEFAULT_PROTOCOL]).package
    found: Callable[..., NativeSpanExporter] = importlib.import_module(package).OTLPSpanExporter
    return found


@contextmanager
def without_compression(context: Context) -> Iterator[HttpClient]:
    """A client as the exporter's in everything else."""
    exporter = exporter_class(context.protocol)(endpoint=context.endpoint, timeout=context.patience, compression="none")
    try:
        yield exporter._client
    finally:
        exporter.shutdown(0)


@contextmanager
def listening() -> Iterator[list[str]]:
    """What spanwire and the SDK log meanwhile; it goes nowhere else, since it may hold what is not to be shown."""
    handler = _Lines()
    loggers = [logging.getLogger("spanwire"), logging.getLogger("opentelemetry")]
    before = [(logger, logger.propagate, logger.handlers[:]) for logger in loggers]
    for logger in loggers:
        logger.propagate, logger.handlers[:] = False, [handler]
    try:
        yield handler.lines
    finally:
        for logger, propagate, handlers in before:
            logger.propagate, logger.handlers[:] = propagate, handlers
