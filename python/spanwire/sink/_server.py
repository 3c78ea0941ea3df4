"""An OTLP receiver inside your process: see what an exporter sends, and how it takes trouble.

::

    with Sink() as sink:
        endpoint = sink.http_endpoint  # for OTEL_EXPORTER_OTLP_ENDPOINT
        sink.inject(status=503, retry_after=1)
        ...  # run what sends spans
        sink.wait_for(1)

The server is one native thread that never needs the GIL; it speaks OTLP/gRPC and OTLP/HTTP on the same port. Requests are
checked as strictly as a backend would, counted exactly, kept up to a bound of bytes, and only then acknowledged.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Union, get_args

from spanwire._native import (
    ReceivedEvent,
    ReceivedLink,
    ReceivedRequest,
    ReceivedSpan,
    ReceivedStatus,
    SinkServer,
)
from spanwire._trace_tree import Trace, TraceNode, build_traces

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "TLS",
    "Disconnect",
    "Fault",
    "ReceivedEvent",
    "ReceivedLink",
    "ReceivedRequest",
    "ReceivedSpan",
    "ReceivedStatus",
    "Sink",
    "Stage",
    "Trace",
    "TraceNode",
]

Disconnect = Literal[
    "close", "reset", "half-close", "truncate", "goaway", "goaway-after", "reset-stream", "stall", "freeze"
]
"""Ways to end a connection, or one request of it, badly; :class:`Fault` says what each is."""

Stage = Literal["connect", "headers", "body", "answer"]
"""When: as the next connection is made, when a request's headers came, when it came whole, inside the answer."""

Pem = Union[str, "os.PathLike[str]", bytes]

CLOSE_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class TLS:
    """The sink's certificate: each part is the path of a PEM file, or its content as bytes.

    :param certificate: the certificate, followed by its intermediates.
    :param key: the certificate's private key; never shown.
    :param client_ca: where given, clients must show a certificate that one of these has signed.
    """

    certificate: Pem
    key: Pem = field(repr=False)
    client_ca: Pem | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """How a request is answered instead of as it should be; times are in seconds.

    :param status: HTTP status of the answer, 200 to 599. From 300 on the body is a ``google.rpc.Status``. A call of gRPC is
        answered as by a proxy that knows no gRPC.
    :param delay: time between the request's last byte and the answer.
    :param retry_after: the Retry-After header: seconds, or a time that is sent as an HTTP date.
    :param grpc_status: this status of gRPC, in an answer that is trailers only (but for ``body`` or ``body_size``). HTTP
        requests are answered as they should be.
    :param retry_delay: seconds in the ``RetryInfo`` of such a status (``grpc-status-details-bin``).
    :param content_type: the answer's Content-Type.
    :param disconnect: ``"close"`` ends the connection without an answer, ``"reset"`` resets it (RST), ``"half-close"``
        ends our direction and reads on, ``"truncate"`` sends an answer whose promised body is cut. ``"goaway"`` says by
        GOAWAY that no request was taken and ends the connection, ``"goaway-after"`` lets this request be answered
        first, ``"reset-stream"`` ends the request alone, by RST_STREAM; on HTTP/1.1, which has neither, the connection
        is closed instead. ``"stall"`` never reads the request's body nor answers it, so the client's window stays
        full; ``"freeze"`` neither reads nor writes anything of the connection any more, pings included, for a minute.
    :param stage: when the disconnect happens: ``"connect"``, as soon as the next connection is made (no request takes
        such a step), ``"headers"``, before the body is read, ``"body"``, when the request came whole, ``"answer"``, when
        half of the answer is sent.
    :param error_code: of GOAWAY and RST_STREAM; by default 0 (NO_ERROR) and 2 (INTERNAL_ERROR).
    :param body: these bytes as the answer's body, whatever they are.
    :param body_size: the answer's body is filled up to this many bytes.
    :param chunk_size: the answer's body comes in pieces of this many bytes …
    :param chunk_delay: … with this time before each.
    :param rejected: so many spans are reported as rejected (a partial success): the last ones of the request, which
        are then neither counted nor in ``Sink.spans()``.
    :param message: the text of the partial success or of the status.
    :param keep: whether the request counts as received. By default as the answer says: it does if a 2xx arrives.
        ``keep=True`` with a disconnect is an acknowledgement that gets lost.
    :raises ValueError: if a value is out of its range.
    """

    status: int | None = None
    delay: float = 0.0
    retry_after: float | datetime | None = None
    disconnect: Disconnect | None = None
    body: bytes | None = None
    body_size: int | None = None
    chunk_size: int | None = None
    chunk_delay: float = 0.0
    rejected: int = 0
    message: str | None = None
    keep: bool | None = None
    stage: Stage = "body"
    error_code: int | None = None
    grpc_status: int | None = None
    retry_delay: float | None = None
    content_type: str | None = None

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status must be from 200 to 599, not {self.status}")
        if self.disconnect not in (None, *get_args(Disconnect)):
            raise ValueError(f"disconnect must be one of {', '.join(get_args(Disconnect))}, not {self.disconnect!r}")
        if self.stage not in get_args(Stage):
            raise ValueError(f"stage must be one of {', '.join(get_args(Stage))}, not {self.stage!r}")
        if self.disconnect is None and self.stage != "body":
            raise ValueError(f"stage {self.stage!r} says when a disconnect happens: give disconnect")
        if self.stage == "connect" and self.disconnect in ("truncate", "goaway", "goaway-after", "reset-stream"):
            raise ValueError(f"disconnect {self.disconnect!r} needs a request: it can't be at stage 'connect'")
        if self.keep and (self.stage in ("connect", "headers") or self.disconnect == "stall"):
            raise ValueError("keep needs a request that is read: not at stage 'connect' or 'headers', not with 'stall'")
        for name, most in (("error_code", 0xFFFF_FFFF), ("grpc_status", 0x7FFF_FFFF)):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                raise ValueError(f"{name} must be from 0 to {most}, not {value}")
        for name in ("delay", "chunk_delay", "rejected", "body_size", "retry_delay"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be 0 or more, not {value}")
        if self.chunk_size is not None and self.chunk_size < 1:
            raise ValueError(f"chunk_size must be 1 or more, not {self.chunk_size}")


class Sink:
    """An embedded OTLP receiver (gRPC, HTTP with protobuf and JSON; gzip, deflate and zstd); a context manager.

    It listens from :meth:`start` or ``with`` until :meth:`close`; what was received stays readable afterwards.
    Several may live in one process. In a child made by fork an inherited sink is dead and does no harm: its port
    stays the parent's, and using it raises RuntimeError.

    :param host: name or address to listen on, IPv4 or IPv6.
    :param port: 0 lets the system choose a free one. gRPC and HTTP share it.
    :param grpc_port: a port for gRPC alone, besides; 0 lets the system choose.
    :param unix_path: a Unix socket to listen on besides, for both; removed at the end. One that a killed process left is
        replaced.
    :param max_bytes: bytes of requests kept in memory; over it the oldest are forgotten, yet stay counted.
    :param max_request_bytes: bytes of a request's body, on the wire and again after decompression; more is 413.
        Bodies being read at once may have four times as much together; above that it is 503.
    :param max_connections: connections at once; further ones wait.
    :param header_timeout: seconds for a request's headers to come, idle time before them included.
    :param body_timeout: seconds for a request's body to come; later is 408.
    :param stream_window: bytes of a request that an HTTP/2 client may send before it is told to go on (a megabyte by
        default); with 0 no body ever comes.
    :param tls: serve https with this certificate.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        max_bytes: int = 64 << 20,
        max_request_bytes: int = 64 << 20,
        max_connections: int = 1024,
        header_timeout: float = 60.0,
        body_timeout: float = 30.0,
        grpc_port: int | None = None,
        unix_path: "str | os.PathLike[str] | None" = None,
        stream_window: int | None = None,
        tls: TLS | None = None,
    ) -> None:
        for name, number in (("port", port), ("grpc_port", grpc_port)):
            if number is not None and not 0 <= number <= 65535:
                raise ValueError(f"{name} must be from 0 to 65535, not {number}")
        if stream_window is not None and not 0 <= stream_window <= 0x7FFF_FFFF:
            raise ValueError(f"stream_window must be from 0 to {0x7FFF_FFFF}, not {stream_window}")
        for name, value in (
            ("max_bytes", max_bytes),
            ("max_request_bytes", max_request_bytes),
            ("max_connections", max_connections),
            ("header_timeout", header_timeout),
            ("body_timeout", body_timeout),
        ):
            if not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value}")
        self._host = host
        self._port = port
        self._max_bytes = max_bytes
        self._max_request_bytes = max_request_bytes
        self._max_connections = max_connections
        self._header_timeout = header_timeout
        self._body_timeout = body_timeout
        self._grpc_port = grpc_port
        self._unix_path = None if unix_path is None else str(Path(unix_path).absolute())
        self._stream_window = stream_window
        self._tls = tls
        self._started: SinkServer | None = None

    def start(self) -> "Self":
        """Start to listen; does nothing if it was started already.

        :raises OSError: if the host does not resolve, or a port or the path is taken.
        :raises ValueError: if a certificate or key can't be used.
        """
        if self._started is None:
            tls = self._tls
            self._started = SinkServer(
                self._host,
                self._port,
                kept_bytes=self._max_bytes,
                request_bytes=self._max_request_bytes,
                connections=self._max_connections,
                header_timeout=self._header_timeout,
                body_timeout=self._body_timeout,
                grpc_port=self._grpc_port,
                unix_path=self._unix_path,
                stream_window=self._stream_window,
                certificate=None if tls is None else _read_pem(tls.certificate),
                private_key=None if tls is None else _read_pem(tls.key),
                client_ca=None if tls is None or tls.client_ca is None else _read_pem(tls.client_ca),
            )
        return self

    def close(self) -> None:
        """Stop to listen; requests in progress have a second to finish. Idempotent; does nothing in a forked child."""
        if self._started is not None:
            self._started.close(CLOSE_GRACE_SECONDS)

    def __enter__(self) -> "Self":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._started is None:
            return "<Sink, not started>"
        return f"<Sink at {self.http_endpoint}>"

    @property
    def http_endpoint(self) -> str:
        """The base URL, for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return self._endpoint(self._server.address)

    @property
    def traces_endpoint(self) -> str:
        """The URL that traces are posted to, for ``OTLPSpanExporter(endpoint=...)``."""
        return f"{self.http_endpoint}/v1/traces"

    @property
    def grpc_endpoint(self) -> str:
        """The URL for exporters over gRPC: of ``grpc_port`` where it was given, else of the port that HTTP has too."""
        return self._endpoint(self._server.grpc_address)

    def _endpoint(self, address_and_port: tuple[str, int]) -> str:
        scheme = "http" if self._tls is None else "https"
        address, port = address_and_port
        host = address if self._tls is None else self._host  # a certificate is for the name that was asked for
        if not host.strip("0.:"):  # any address, which nobody can connect to
            host = "::1" if ":" in host else "127.0.0.1"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._server.address[1]

    @property
    def grpc_port(self) -> int:
        """The port of :attr:`grpc_endpoint`."""
        return self._server.grpc_address[1]

    @property
    def unix_path(self) -> str | None:
        """The absolute path of the Unix socket that is listened on besides, where one was asked for."""
        return self._unix_path

    @property
    def span_count(self) -> int:
        """Spans acknowledged since the start or :meth:`clear`, forgotten ones included."""
        return self._server.counts()[2]

    @property
    def request_count(self) -> int:
        """Requests acknowledged since the start or :meth:`clear`, forgotten ones included."""
        return self._server.counts()[1]

    @property
    def attempt_count(self) -> int:
        """POSTs of an OTLP content type to ``/v1/traces`` and calls of gRPC's ``Export``, also if refused or met by a fault."""
        return self._server.counts()[0]

    @property
    def forgotten_request_count(self) -> int:
        """Acknowledged requests that had to leave memory because of ``max_bytes``."""
        return self._server.counts()[3]

    def requests(self) -> list[ReceivedRequest]:
        """The acknowledged requests in memory, oldest first."""
        return self._server.requests()

    def requests_since(self, seen: int) -> tuple[list[ReceivedRequest], int]:
        """For those who follow: the requests after the first ``seen`` ones, and how many were acknowledged so far.

        Fewer than the difference are returned if some had to leave memory already. :meth:`clear` starts at 0 again.
        """
        return self._server.requests_since(seen)

    def spans(self) -> list[ReceivedSpan]:
        """The acknowledged spans in memory, in order of arrival; each is decoded when its attributes are read."""
        return self._server.spans()

    def traces(self) -> list[Trace]:
        """The acknowledged spans in memory as trees, in the order in which their traces came first."""
        return build_traces(self.spans())

    def wait_for(self, n: int, timeout: float = 10.0) -> None:
        """Wait until at least ``n`` spans were acknowledged; Ctrl-C and other signals interrupt it.

        :param timeout: seconds.
        :raises TimeoutError: if fewer came in time; the message says how many.
        :raises RuntimeError: if the sink is closed meanwhile.
        """
        start = time.monotonic()
        outcome = self._server.wait(n, timeout)
        if outcome == "reached":
            return
        attempts, requests, spans, _ = self._server.counts()
        came = f"{spans} of {n} spans came, in {requests} requests ({attempts - requests} more were not accepted)"
        if outcome == "stopped":
            raise RuntimeError(f"the sink was closed after {time.monotonic() - start:.3g} s of waiting: {came}")
        raise TimeoutError(f"{came}, within {timeout:g} s")

    def clear(self) -> None:
        """Forget all requests and set the counts to 0; the schedule of faults stays."""
        self._server.clear()

    def inject(
        self,
        fault: Fault | None = None,
        *,
        times: int | None = 1,
        status: int | None = None,
        delay: float = 0.0,
        retry_after: float | datetime | None = None,
        disconnect: Disconnect | None = None,
        body: bytes | None = None,
        body_size: int | None = None,
        chunk_size: int | None = None,
        chunk_delay: float = 0.0,
        rejected: int = 0,
        message: str | None = None,
        keep: bool | None = None,
        stage: Stage = "body",
        error_code: int | None = None,
        grpc_status: int | None = None,
        retry_delay: float | None = None,
        content_type: str | None = None,
    ) -> None:
        """Let the next ``times`` requests (None: all from then on) meet a fault, after those injected before.

        :param fault: a :class:`Fault`; or give its fields here as keywords.
        :raises ValueError: if a value is out of its range, or if both a fault and fields are given.
        """
        fields = Fault(
            status=status,
            delay=delay,
            retry_after=retry_after,
            disconnect=disconnect,
            body=body,
            body_size=body_size,
            chunk_size=chunk_size,
            chunk_delay=chunk_delay,
            rejected=rejected,
            message=message,
            keep=keep,
            stage=stage,
            error_code=error_code,
            grpc_status=grpc_status,
            retry_delay=retry_delay,
            content_type=content_type,
        )
        if fault is None:
            fault = fields
        elif fields != Fault():
            raise ValueError("give a Fault or its fields as keywords, not both")
        if times is not None and times < 0:
            raise ValueError(f"times must be 0 or more, or None for all requests, not {times}")
        retry = fault.retry_after
        self._server.inject(
            times,
            status=fault.status,
            delay=fault.delay,
            retry_after=None if retry is None else _retry_after(retry),
            disconnect=fault.disconnect,
            body=fault.body,
            body_size=fault.body_size,
            chunk_size=fault.chunk_size,
            chunk_delay=fault.chunk_delay,
            rejected=fault.rejected,
            message=fault.message,
            keep=fault.keep,
            stage=fault.stage,
            error_code=_default_code(fault.disconnect) if fault.error_code is None else fault.error_code,
            grpc_status=fault.grpc_status,
            retry_delay=fault.retry_delay,
            content_type=fault.content_type,
        )

    def schedule(self, steps: Iterable[Fault | None]) -> None:
        """Let the next requests meet these faults one after the other, None being none."""
        for fault in steps:
            if fault is None:
                self._server.pass_requests(1)
            else:
                self.inject(fault)

    @property
    def pending_faults(self) -> int | None:
        """Requests that the schedule of faults still covers; None if it has no end."""
        return self._server.pending_faults()

    def clear_faults(self) -> None:
        """Forget the schedule of faults: requests are answered as they should be."""
        self._server.clear_faults()

    @property
    def _server(self) -> SinkServer:
        if self._started is None:
            raise RuntimeError("the Sink is not started: use it in a with statement, or call start()")
        return self._started


def _read_pem(source: Pem) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str) and "-----BEGIN" in source:  # which must be in no error
        raise ValueError("the text of a PEM file is given as a str: give its path, or its content as bytes")
    return Path(source).read_bytes()


def _retry_after(value: float | datetime) -> str:
    if isinstance(value, datetime):
        from email.utils import format_datetime

        return format_datetime(value.astimezone(timezone.utc), usegmt=True)
    return f"{value:g}"


def _default_code(disconnect: Disconnect | None) -> int:
    return 0 if disconnect in ("goaway", "goaway-after") else 2
