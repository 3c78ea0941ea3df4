"""The two sides of the comparison: the SDK, and what should behave like it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import opentelemetry.sdk.resources
import opentelemetry.sdk.trace
import opentelemetry.sdk.trace.id_generator
import opentelemetry.sdk.trace.sampling
import opentelemetry.trace

import spanwire
from tests.property.trace.differences import taken, with_clean_names

__all__ = ["SDK", "Side", "Tap", "sdk_tap"]


@dataclass(frozen=True)
class Tap:
    """Takes what would be sent: a processor, and the requests that it has gathered so far."""

    processor: Any
    requests: Callable[[], list[bytes]]


@dataclass(frozen=True)
class Side:
    """Where a program finds what it calls."""

    name: str
    trace: ModuleType
    sampling: ModuleType
    id_generator: ModuleType
    resources: ModuleType
    use_span: Callable[..., Any]
    get_current_span: Callable[[], Any]
    tap: Callable[[], Tap]
    # What is given for an argument of a span or tracer, by its name: a deliberate difference is levelled there.
    given: Callable[[str, Any], Any] = lambda _, value: value
    # Round each run: what a mutant of the SDK breaks.
    broken: Callable[[], AbstractContextManager[Any]] = nullcontext


class _SdkTap(opentelemetry.sdk.trace.SpanProcessor):
    """Encodes each sampled span as an exporter behind a simple processor would."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    def on_end(self, span: Any) -> None:
        if span.context.trace_flags.sampled:
            self.requests.append(spanwire.encode_spans([with_clean_names(span)], w3c_flags=True))


def sdk_tap() -> Tap:
    """For a side whose spans are the SDK's."""
    processor = _SdkTap()
    return Tap(processor, lambda: list(processor.requests))


SDK = Side(
    name="opentelemetry.sdk",
    trace=opentelemetry.sdk.trace,
    sampling=opentelemetry.sdk.trace.sampling,
    id_generator=opentelemetry.sdk.trace.id_generator,
    resources=opentelemetry.sdk.resources,
    use_span=opentelemetry.trace.use_span,
    get_current_span=opentelemetry.trace.get_current_span,
    tap=sdk_tap,
    given=taken,
)
