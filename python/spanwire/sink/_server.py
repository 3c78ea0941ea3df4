"""The server: its lifetime, what it received, and what it is ordered to do wrong."""

import os
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from spanwire._native import ReceivedRequest, ReceivedSpan, SinkServer
from spanwire.sink._faults import Disconnect, Fault, Stage, default_code, retry_after_text
from spanwire.sink._items import ReceivedLog, ReceivedMetric, ReceivedProfile, Signal
from spanwire.sink._tls import TLS, read_pem
from spanwire.sink._trees import Trace, build_traces

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Sink"]

CLOSE_GRACE_SECONDS = 1.0


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
                certificate=None if tls is None else read_pem(tls.certificate),
                private_key=None if tls is None else read_pem(tls.key),
                client_ca=None if tls is None or tls.client_ca is None else read_pem(tls.client_ca),
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
        return self.count("traces")

    @property
    def log_count(self) -> int:
        """Log records acknowledged since the start or :meth:`clear`, forgotten ones included."""
        return self.count("logs")

    @property
    def point_count(self) -> int:
        """Data points of metrics acknowledged since the start or :meth:`clear`, forgotten ones included."""
        return self.count("metrics")

    @property
    def profile_count(self) -> int:
        """Profiles acknowledged since the start or :meth:`clear`, forgotten ones included."""
        return self.count("profiles")

    def count(self, signal: Signal) -> int:
        """Spans, log records, data points or profiles acknowledged since the start or :meth:`clear`.

        :param signal: ``"traces"``, ``"logs"``, ``"metrics"`` or ``"profiles"``.
        :raises ValueError: if there is no such signal.
        """
        return self._server.count(_checked(signal))

    @property
    def request_count(self) -> int:
        """Requests acknowledged since the start or :meth:`clear`, forgotten ones included."""
        return self._server.counts()[1]

    @property
    def attempt_count(self) -> int:
        """POSTs of an OTLP content type to a signal's path and calls of gRPC's ``Export``, also if refused or met by a fault."""
        return self._server.counts()[0]

    @property
    def forgotten_request_count(self) -> int:
        """Acknowledged requests that had to leave memory because of ``max_bytes``."""
        return self._server.counts()[2]

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

    def logs(self) -> list[ReceivedLog]:
        """The acknowledged log records in memory, in order of arrival; each is decoded when it is read."""
        return [ReceivedLog(item) for item in self._server.items("logs")]

    def metrics(self) -> list[ReceivedMetric]:
        """The acknowledged metrics in memory with their data points, in order of arrival; each is decoded when it is read."""
        return [ReceivedMetric(item) for item in self._server.items("metrics")]

    def profiles(self) -> list[ReceivedProfile]:
        """The acknowledged profiles in memory, in order of arrival; each is decoded when it is read."""
        return [ReceivedProfile(item) for item in self._server.items("profiles")]

    def traces(self) -> list[Trace]:
        """The acknowledged spans in memory as trees, in the order in which their traces came first."""
        return build_traces(self.spans())

    def wait_for(self, n: int, timeout: float = 10.0, signal: Signal = "traces") -> None:
        """Wait until at least ``n`` items were acknowledged; Ctrl-C and other signals interrupt it.

        :param n: spans, log records, data points or profiles.
        :param timeout: seconds.
        :param signal: which of these: ``"traces"``, ``"logs"``, ``"metrics"`` or ``"profiles"``.
        :raises TimeoutError: if fewer came in time; the message says how many.
        :raises RuntimeError: if the sink is closed meanwhile.
        """
        start = time.monotonic()
        outcome = self._server.wait(_checked(signal), n, timeout)
        if outcome == "reached":
            return
        attempts, requests, _ = self._server.counts()
        came = (
            f"{self.count(signal)} of {n} {ITEMS[signal]} came, "
            f"in {requests} requests ({attempts - requests} more were not accepted)"
        )
        if outcome == "stopped":
            raise RuntimeError(f"the sink was closed after {time.monotonic() - start:.3g} s of waiting: {came}")
        raise TimeoutError(f"{came}, within {timeout:g} s")

    def wait_for_requests(self, n: int, timeout: float = 10.0) -> None:
        """Wait until at least ``n`` requests of any signal were acknowledged; otherwise as :meth:`wait_for`."""
        outcome = self._server.wait(None, n, timeout)
        if outcome == "stopped":
            raise RuntimeError(f"the sink was closed: {self.request_count} of {n} requests came")
        if outcome != "reached":
            raise TimeoutError(f"{self.request_count} of {n} requests came, within {timeout:g} s")

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
            retry_after=None if retry is None else retry_after_text(retry),
            disconnect=fault.disconnect,
            body=fault.body,
            body_size=fault.body_size,
            chunk_size=fault.chunk_size,
            chunk_delay=fault.chunk_delay,
            rejected=fault.rejected,
            message=fault.message,
            keep=fault.keep,
            stage=fault.stage,
            error_code=default_code(fault.disconnect) if fault.error_code is None else fault.error_code,
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


ITEMS: dict[Signal, str] = {
    "traces": "spans",
    "logs": "log records",
    "metrics": "data points",
    "profiles": "profiles",
}


def _checked(signal: Signal) -> Signal:
    if signal not in ITEMS:
        raise ValueError(f"signal must be one of {', '.join(ITEMS)}, not {signal!r}")
    return signal
