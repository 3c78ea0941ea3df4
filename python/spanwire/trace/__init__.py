"""Native spans under the names of ``opentelemetry.sdk.trace``: replace the import, keep the rest.

``Span``, ``Tracer``, ``TracerProvider`` and ``SynchronousMultiSpanProcessor`` are ours; what is not hot is the SDK's own.
Names that are not in ``__all__``, private ones too, are looked up in the SDK's module. With ``SPANWIRE_DISABLED=1`` in the
environment all of them are the SDK's.
"""

import importlib
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk import trace as _sdk
from opentelemetry.sdk.trace import (
    SPAN_ATTRIBUTE_COUNT_LIMIT,
    ConcurrentMultiSpanProcessor,
    Event,
    EventBase,
    ReadableSpan,
    SpanLimits,
    SpanProcessor,
)

from spanwire.trace._disabled import is_disabled as _is_disabled
from spanwire.trace._proxy import shortcut_proxy_tracers

if TYPE_CHECKING or not _is_disabled():
    from spanwire._facade.tracing import Span, Tracer, get_current_span, use_span
    from spanwire.trace._processors import SynchronousMultiSpanProcessor
    from spanwire.trace._provider import TracerProvider
else:
    from opentelemetry.sdk.trace import Span, SynchronousMultiSpanProcessor, Tracer, TracerProvider
    from opentelemetry.trace import get_current_span, use_span

__all__ = [
    "SPAN_ATTRIBUTE_COUNT_LIMIT",
    "ConcurrentMultiSpanProcessor",
    "Event",
    "EventBase",
    "ReadableSpan",
    "Span",
    "SpanLimits",
    "SpanProcessor",
    "SynchronousMultiSpanProcessor",
    "Tracer",
    "TracerProvider",
    "get_current_span",
    "shortcut_proxy_tracers",
    "use_span",
]

# The SDK's module has some of these as attributes, and they must not be found there.
_SUBMODULES = {"export", "id_generator", "sampling"}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("__"):  # of this module, and it has none
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(_sdk, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBMODULES, *(name for name in vars(_sdk) if not name.startswith("_"))})
