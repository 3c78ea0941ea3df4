"""An OTLP receiver inside your process: see what an exporter sends, and how it takes trouble.

::

    with Sink() as sink:
        endpoint = sink.http_endpoint  # for OTEL_EXPORTER_OTLP_ENDPOINT
        sink.inject(status=503, retry_after=1)
        ...  # run what sends spans, logs, metrics or profiles
        sink.wait_for(1)

The server is one native thread that never needs the GIL; it speaks OTLP/gRPC and OTLP/HTTP on the same port. Requests are
checked as strictly as a backend would, counted exactly, kept up to a bound of bytes, and only then acknowledged.
"""

from spanwire._native import (
    ReceivedEvent,
    ReceivedLink,
    ReceivedRequest,
    ReceivedSpan,
    ReceivedStatus,
)
from spanwire.sink._faults import Disconnect, Fault, Stage
from spanwire.sink._items import ReceivedLog, ReceivedMetric, ReceivedPoint, ReceivedProfile, Signal
from spanwire.sink._server import Sink
from spanwire.sink._tls import TLS
from spanwire.sink._trees import Trace, TraceNode

__all__ = [
    "TLS",
    "Disconnect",
    "Fault",
    "ReceivedEvent",
    "ReceivedLink",
    "ReceivedLog",
    "ReceivedMetric",
    "ReceivedPoint",
    "ReceivedProfile",
    "ReceivedRequest",
    "ReceivedSpan",
    "ReceivedStatus",
    "Signal",
    "Sink",
    "Stage",
    "Trace",
    "TraceNode",
]

# Where users find them, for pickle and for what is shown.
for _public in (TLS, Fault, ReceivedLog, ReceivedMetric, ReceivedPoint, ReceivedProfile, Sink, Trace, TraceNode):
    _public.__module__ = __name__
del _public
