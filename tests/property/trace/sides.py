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
    """Keeps each sampled span, as a batch processor does: what later processors leave of it is what is sent."""

    def __init__(self) -> None:
        self._spans: list[Any] = []

    def on_end(self, span: Any) -> None:
        if span.context.trace_flags.sampled:
            self._spans.append(span)

    def requests(self) -> list[bytes]:
        return [spanwire.encode_spans([with_clean_names(span)], w3c_flags=True) for span in self._spans]


def sdk_tap() -> Tap:
    """For a side whose spans are the SDK's."""
    processor = _SdkTap()
    return Tap(processor, processor.requests)


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
