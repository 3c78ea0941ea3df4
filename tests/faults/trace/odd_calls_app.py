"""Calls everything that Python can reach of the compiled modules, with wrong arguments: exceptions are right, a crash is not.

Arguments: a seed and the number of calls. The last line of stderr is the call that was under way.
"""

import contextlib
import logging
import os
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

from opentelemetry import trace as trace_api
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import spanwire
import spanwire.trace
from spanwire import _native
from spanwire._facade import core
from spanwire._facade import tracing as _typed_tracing

tracing: Any = _typed_tracing  # more than the stub says
MODULES = (tracing, core, _native, spanwire, spanwire.trace)
# Their arguments say how long to wait, or are addresses on the network.
SMALL_NUMBERS_ONLY = {
    "wait",
    "wait_done",
    "wait_events",
    "flush_all",
    "force_flush",
    "shutdown",
    "export",
    "export_encoded",
    "inject",
    "close",
}
NEVER = {"HttpClient", "SinkServer", "_panic_next", "BatchSpanProcessor", "serve", "Sink"}


class Hostile:
    """Answers every question with an exception."""

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise ValueError("hostile")

    __bool__ = __len__ = __iter__ = __str__ = __repr__ = __hash__ = __eq__ = __int__ = __index__ = __getattr__ = _raise
    __call__ = __enter__ = __exit__ = __getitem__ = __float__ = _raise


def instances() -> list[Any]:
    """One of each kind, in each state: what calls left of the last ones is not used again."""
    provider = spanwire.trace.TracerProvider(shutdown_on_exit=False)
    tracer: Any = provider.get_tracer("odd")
    live, ended, bare = (
        tracer.start_span("live"),
        tracer.start_span("ended", attributes={"a": 1}),
        tracer.start_span(""),
    )
    live.set_attributes({"a": 1, "b": [1, "x"]})
    live.add_event("event", {"a": 1})
    live.add_link(trace_api.SpanContext(1, 2, False), {"a": 1})
    ended.end()
    unsampled = (
        spanwire.trace.TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("odd").start_span("")
    )
    queue = _native.FrameQueue()
    queue.push(ended, True)
    request: Any = queue.take(1, 1000)
    found = _native.decode_spans(request[0])
    made = [
        live,
        ended,
        bare,
        unsampled,
        live._readable_span(),
        ended._readable_span(),
        tracing.detached(ended._readable_span()),
        live._attributes,
        tracer,
        queue,
    ]
    made += [tracer.start_as_current_span("scope"), spanwire.trace.use_span(live), tracing.Plan(), tracing.Origin()]
    made += [tracing.SpanAttributes(live), provider, *found]
    for kind in (tracing.Span, tracing.Scope, tracing.Tracer, tracing.ReadableSpan, tracing.SpanAttributes):
        with contextlib.suppress(Exception):
            made.append(kind.__new__(kind))
    return made


def odd_values(made: list[Any]) -> list[Any]:
    plain: list[Any] = [
        None,
        0,
        1,
        -1,
        2**63,
        2**70,
        0.5,
        float("nan"),
        "",
        "a",
        "\ud800",
        b"",
        b"\xff" * 9,
        (),
        (1,),
        [],
        [None],
        {},
    ]
    kinds = [object, tracing.Span, tracing.ReadableSpan, tracing.Scope, tracing.Tracer, type]
    functions = [print, len, lambda *_, **__: None]
    return [*plain, {"a": 1}, {1: {2: [3]}}, {"a"}, object(), Hostile(), iter(()), *kinds, *functions, *made, *made]


def reachable(made: list[Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of modules, of classes, and of instances (bound)."""
    for module in MODULES:
        for name, value in vars(module).items():
            if isinstance(value, types.ModuleType) or name in NEVER or name.startswith("__"):
                continue
            yield name, value
            if isinstance(value, dict):
                yield from value.items()
            elif isinstance(value, type) and value.__module__.startswith("spanwire"):
                for inner, member in vars(value).items():
                    yield inner, member
                    for slot in ("__get__", "__set__", "__delete__", "fget", "fset"):
                        if (function := getattr(member, slot, None)) is not None:
                            yield inner, function
                yield "__new__", value.__new__
    for one in made:
        for name in dir(one):
            with contextlib.suppress(Exception):
                yield name, getattr(one, name)
        yield "setattr", lambda name, value, one=one: setattr(one, name, value)
        yield "call", one


def call(draw: random.Random, name: str, function: Any, values: list[Any], names: list[str]) -> None:
    if name in SMALL_NUMBERS_ONLY:
        values = [0, 0.0, -1, None, "a", 0.01]
    arguments = draw.choices(values, k=draw.choice((0, 1, 1, 2, 2, 3, 4, 5)))
    if name == "setattr":
        arguments = [draw.choice(names), draw.choice(values)]
    keywords = {draw.choice(names): draw.choice(values)} if draw.random() < 0.05 else {}
    shown = [type(argument).__name__ for argument in arguments]
    os.write(2, f"{name} {type(function).__name__} {shown} {list(keywords)}\n".encode("utf-8", "replace"))
    result = function(*arguments, **keywords)
    if draw.random() < 0.5 and not isinstance(result, type):
        repr(result)


def main(seed: int, count: int) -> None:
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(500)
    draw = random.Random(seed)
    made: list[Any] = []
    for number in range(count):
        if number % 200 == 0:
            made = instances()
            values, members = odd_values(made), list(reachable(made))
            names = sorted({str(name) for name, _ in members})
        name, function = draw.choice(members)
        # Whatever is raised is right; what is given up must be collected without harm.
        with contextlib.suppress(BaseException):
            call(draw, str(name), function, values, names)
    print("survived")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
