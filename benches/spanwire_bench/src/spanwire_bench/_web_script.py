"""What instrumentations call on tracers and spans while they serve a request: written down, counted, and done again without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import repeat
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from spanwire_bench._web_null import NullSpan, NullTracer

__all__ = ["Call", "RecordingProvider", "Script", "replay"]

_LEAVE = "leave"  # a scope that start_as_current_span opened


class Call(NamedTuple):
    """A method of the tracer, which makes span number ``span``, or of that span."""

    method: str
    span: int
    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = {}  # noqa: RUF012 - never changed


Script = list[Call]


class RecordingProvider(trace.TracerProvider):
    """Writes down the calls on its tracers and their spans; what a call of a tracer calls itself is not among them."""

    def __init__(self) -> None:
        self.script: Script = []

    def get_tracer(self, *arguments: Any, **named: Any) -> trace.Tracer:
        """A tracer that writes into ``script``."""
        return _RecordingTracer(self)

    def calls(self) -> dict[str, int]:
        """How often each method was called."""
        return dict(Counter(call.method for call in self.script if call.method != _LEAVE))


class _RecordingTracer(NullTracer):
    def __init__(self, provider: RecordingProvider) -> None:
        self._provider = provider

    def start_span(self, *arguments: Any, **named: Any) -> trace.Span:
        return self._start("start_span", arguments, named)[0]

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # the API's decorator is for coroutines too
        self, *arguments: Any, **named: Any
    ) -> Iterator[trace.Span]:
        span, number = self._start("start_as_current_span", arguments, named)
        with trace.use_span(span, end_on_exit=False):
            yield span
        self._provider.script.append(Call(_LEAVE, number))

    def _start(self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[trace.Span, int]:
        script = self._provider.script
        number = sum(call.method.startswith("start_") for call in script)
        script.append(Call(method, number, arguments, named))
        span = NullSpan(named.get("kind", SpanKind.INTERNAL))
        for name in trace.Span.__abstractmethods__:
            setattr(span, name, _recorded(script, name, number, getattr(span, name)))
        return span, number


def _recorded(script: Script, name: str, number: int, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        script.append(Call(name, number, arguments, named))
        return method(*arguments, **named)

    return call


def replay(script: Script, tracer: trace.Tracer, count: int) -> None:
    """Do what ``script`` says ``count`` times."""
    for _ in repeat(None, count):
        spans: dict[int, Any] = {}
        scopes: dict[int, AbstractContextManager[trace.Span]] = {}
        for method, number, arguments, named in script:
            if method == "start_span":
                spans[number] = tracer.start_span(*arguments, **named)
            elif method == "start_as_current_span":
                scopes[number] = scope = tracer.start_as_current_span(*arguments, **named)
                spans[number] = scope.__enter__()
            elif method == _LEAVE:
                scopes[number].__exit__(None, None, None)
            else:
                getattr(spans[number], method)(*arguments, **named)
