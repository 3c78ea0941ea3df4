"""What ``spanwire bench trace`` measures: one case a question, the same calls on both sides unless its note says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags

from spanwire_bench._trace_loops import CALLS, KEYS, Run, by_process, by_thread, on_spans, on_threads, w5, w10
from spanwire_bench._trace_sides import SCOPE

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from spanwire_bench._trace_sides import Side

__all__ = ["CASES", "THREADS", "TOLERANCE", "Case", "select"]

THREADS = 8
TOLERANCE = 0.03  # of a goal of 1 ("no slower"): what two runs of the same code differ by
Make = Callable[["Side"], Run]


@dataclass(frozen=True, slots=True)
class Case:
    """One question.

    :param make: gives the run of a side.
    :param goal: the ratio (official ÷ spanwire) that is to be reached; None where there is none.
    :param pinned: whether it is kept on one core; what asks how threads get along is not.
    """

    name: str
    group: str
    what: str
    make: Make
    goal: float | None = None
    note: str = ""
    pinned: bool = True


def select(asked: list[str] | None) -> tuple[list[Case], list[str]]:
    """The cases asked for, in their own order, by name or by what names begin with; and what no name begins with."""
    if not asked:
        return list(CASES), []
    chosen: set[str] = set()
    unknown = []
    for name in map(str.lower, asked):
        exact = [case.name for case in CASES if case.name == name]
        found = exact or [case.name for case in CASES if case.name.startswith(name)]
        chosen.update(found)
        if not found:
            unknown.append(name)
    return [case for case in CASES if case.name in chosen], unknown


# --- spans -----------------------------------------------------------------------------------------------------------


def _w5_on(tracer: Tracer) -> Run:
    return by_thread(lambda count: w5(tracer, count))


def _w10(side: Side) -> Run:
    tracer = side.discarding()
    return by_thread(lambda count: w10(tracer, count))


def _w5_batch(side: Side) -> Run:
    tracer = side.tracer(side.batching())
    return by_process(lambda count: w5(tracer, count))


def _w5_batch_sdk(side: Side) -> Run:
    tracer = side.tracer(side.sdk_batching())
    return by_process(lambda count: w5(tracer, count))


def _below(parent: Tracer, tracer: Tracer) -> Run:
    """W5 below a span of ``parent``."""
    run = _w5_on(tracer)

    def below(count: int) -> float:
        with parent.start_as_current_span("parent"):
            return run(count)

    return below


def _child(side: Side) -> Run:
    tracer = side.discarding()
    return _below(tracer, tracer)


def _unsampled_child(side: Side) -> Run:
    sampling = side.sampling
    return _below(side.discarding(sampling.ALWAYS_OFF), side.discarding(sampling.ParentBased(sampling.ALWAYS_ON)))


def _scope(side: Side) -> Run:
    tracer = side.discarding()

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            with tracer.start_as_current_span("GET /users/{id}"):
                pass

    return by_thread(loop)


def _start_end(side: Side) -> Run:
    tracer = side.discarding()

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            tracer.start_span("GET /users/{id}").end()

    return by_thread(loop)


def _start_end_kind(side: Side) -> Run:
    tracer = side.discarding()

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            tracer.start_span("GET /users/{id}", kind=SpanKind.SERVER).end()

    return by_thread(loop)


def _start_end_attributes(side: Side) -> Run:
    tracer = side.discarding()
    five = _fives()[0]

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            tracer.start_span("GET /users/{id}", attributes=five).end()

    return by_thread(loop)


def _start_end_unsampled(side: Side) -> Run:
    tracer = side.discarding(side.sampling.ALWAYS_OFF)

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            tracer.start_span("GET /users/{id}").end()

    return by_thread(loop)


def _threads(side: Side) -> Run:
    tracer = side.discarding()
    return on_threads(lambda count: w5(tracer, count), THREADS)


# --- attributes ------------------------------------------------------------------------------------------------------


def _on_span(body: Callable[[Any], object], **options: Any) -> Make:
    """Calls on spans of a tracer as in W5."""

    def make(side: Side) -> Run:
        tracer = side.discarding()
        return on_spans(lambda: tracer.start_span("GET /users/{id}"), body, **options)

    return make


def _bare(span: Span) -> None:
    for _key in KEYS:
        pass


def _set(value: Any) -> Make:
    def body(span: Span) -> None:
        for key in KEYS:
            span.set_attribute(key, value)

    return _on_span(body)


def _set_by_keyword(span: Span) -> None:
    for key in KEYS:
        span.set_attribute(key=key, value="GET")


def _set_same_key(span: Span) -> None:
    for _key in KEYS:
        span.set_attribute("url.path", "/users/42")


def _set_get(span: Span) -> None:
    for key in KEYS:
        span.set_attribute(key, "GET")


def _fill(span: Span) -> None:
    for number in range(128):  # what the SDK and we allow unless told otherwise
        span.set_attribute(f"filler{number}", number)


def _fives() -> list[dict[str, Any]]:
    values = ("GET", "/users/42", 200, 0.42, True)
    return [dict(zip(KEYS[first : first + 5], values, strict=True)) for first in range(0, CALLS, 5)]


def _set_five(side: Side) -> Run:
    fives = _fives()

    def body(span: Span) -> None:
        for five in fives:
            span.set_attributes(five)

    return _on_span(body, calls=len(fives))(side)


def _read_one(side: Side) -> Run:
    span = _w5_span(side)

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            span.attributes["url.path"]

    return by_thread(loop)


def _read_all(side: Side) -> Run:
    span = _w5_span(side)

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            dict(span.attributes)

    return by_thread(loop)


def _w5_span(side: Side) -> Any:
    span = side.discarding().start_span("GET /users/{id}")
    span.set_attributes(
        {
            "http.request.method": "GET",
            "url.path": "/users/42",
            "http.response.status_code": 200,
            "server.load": 0.42,
            "cache.hit": True,
        }
    )
    return span


# --- events, links, exceptions, status, name --------------------------------------------------------------------------

_TARGET = SpanContext(0x5B8AA5A2D2C872E8321CF37308D69DF2, 0x051581BF3CB55C13, True, TraceFlags(TraceFlags.SAMPLED))
_FEW: dict[str, AttributeValue] = {"messaging.message.id": "a1b2c3", "messaging.batch.size": 12}


def _add_event(span: Span) -> None:
    for _key in KEYS:
        span.add_event("cache.miss")


def _add_event_attributes(span: Span) -> None:
    for _key in KEYS:
        span.add_event("cache.miss", _FEW)


def _add_link(span: Span) -> None:
    for _key in KEYS:
        span.add_link(_TARGET, _FEW)


def _set_status(span: Span) -> None:
    for _key in KEYS:
        span.set_status(StatusCode.ERROR, "upstream answered 502")


def _update_name(span: Span) -> None:
    for key in KEYS:
        span.update_name(key)


def _raised() -> ValueError:
    def inner(depth: int) -> None:
        if depth:
            inner(depth - 1)
        raise ValueError("no such user")

    try:
        inner(2)
    except ValueError as error:
        return error
    raise AssertionError


def _record_exception(side: Side) -> Run:
    error = _raised()

    def body(span: Span) -> None:
        for _key in KEYS:
            span.record_exception(error)

    return _on_span(body)(side)


# --- what is current -------------------------------------------------------------------------------------------------


def _isinstance(side: Side) -> Run:
    span = side.discarding().start_span("GET /users/{id}")

    def loop(count: int) -> None:
        kind = trace.Span
        for _ in repeat(None, count):
            isinstance(span, kind)

    return by_thread(loop)


def _current_of(module: Callable[[Side], Any]) -> Make:
    def make(side: Side) -> Run:
        tracer = side.discarding()
        get_current_span = module(side).get_current_span

        def loop(count: int) -> None:
            for _ in repeat(None, count):
                get_current_span()

        run = by_thread(loop)

        def within(count: int) -> float:
            with tracer.start_as_current_span("GET /users/{id}"):
                return run(count)

        return within

    return make


def _span_context_first(spans: list[Span]) -> None:
    for span in spans:
        span.get_span_context()


def _span_context_again(side: Side) -> Run:
    span = side.discarding().start_span("GET /users/{id}")

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            span.get_span_context()

    return by_thread(loop)


def _use_span(side: Side) -> Run:
    span = side.discarding().start_span("GET /users/{id}")

    def loop(count: int) -> None:
        for _ in repeat(None, count):
            with trace.use_span(span):
                pass

    return by_thread(loop)


def _context_variable(*, within: bool) -> Make:
    """What making a span current costs at least: CPython's own."""

    def make(side: Side) -> Run:
        variable: ContextVar[object] = ContextVar("bench")
        value = object()

        def loop(count: int) -> None:
            for _ in repeat(None, count):
                variable.reset(variable.set(value))

        def run(count: int) -> float:
            token = variable.set(side) if within else None
            took = by_thread(loop)(count)
            if token is not None:
                variable.reset(token)
            return took

        return run

    return make


def _enum_member(side: Side) -> Run:
    def loop(count: int) -> None:
        for _ in repeat(None, count):
            SpanKind.SERVER  # noqa: B018 - as in W5's loop

    return by_thread(loop)


def _proxied(*, shortcut: bool) -> Make:
    """W5 through the API's ProxyTracer: what who asks for a tracer before there is a provider gets."""

    def make(side: Side) -> Run:
        provider = side.discarding_provider()
        with _global_provider(provider):
            proxy = trace.ProxyTracer(*SCOPE)
            if shortcut and side.ours:
                side.trace.shortcut_proxy_tracers()
            proxy.start_span("the first finds the provider").end()
        return _w5_on(proxy)

    return make


@contextmanager
def _global_provider(provider: Any) -> Iterator[None]:
    """The API takes a provider once a process, and we have two sides: its own variable, set and put back."""
    before, resolving = trace._TRACER_PROVIDER, vars(trace.ProxyTracer)["_tracer"]
    trace._TRACER_PROVIDER = provider
    try:
        yield
    finally:
        trace._TRACER_PROVIDER = before
        setattr(trace.ProxyTracer, "_tracer", resolving)  # noqa: B010 - the shortcut was taken here, and nowhere else


def _api(side: Side) -> Any:
    return trace


def _own_or_api(side: Side) -> Any:
    return side.trace if side.ours else trace


CASES = (
    Case(
        "w5",
        "span",
        "W5, discarded",
        lambda side: _w5_on(side.discarding()),
        goal=32,
        note="official: a processor that does nothing; spanwire: the whole native way, frames written to a queue that "
        "drops the oldest at its bound",
    ),
    Case("w5-no-processor", "span", "W5, no processor", lambda side: _w5_on(side.tracer())),
    Case(
        "w5-noop-processor",
        "span",
        "W5, base SpanProcessor",
        lambda side: _w5_on(side.tracer(side.noop())),
        note="both: a processor that overrides nothing",
    ),
    Case(
        "w5-python-processor",
        "span",
        "W5, Python processor",
        lambda side: _w5_on(side.tracer(side.listening())),
        note="both: a processor in Python with empty on_start and on_end",
    ),
    Case(
        "w5-batch",
        "span",
        "W5, batched",
        _w5_batch,
        goal=32,
        note="both: the side's BatchSpanProcessor by default, with an exporter that does nothing; CPU of its thread included",
    ),
    Case(
        "w5-batch-sdk",
        "span",
        "W5, SDK's batches",
        _w5_batch_sdk,
        note="both: the SDK's BatchSpanProcessor with an exporter that does nothing",
    ),
    Case("w5-child", "span", "W5, child", _child, note="below a span of the same tracer"),
    Case("w10", "span", "W10, discarded", _w10),
    Case(
        "unsampled-root",
        "span",
        "W5, unsampled root",
        lambda side: _w5_on(side.discarding(side.sampling.ALWAYS_OFF)),
        goal=15,
        note="ALWAYS_OFF",
    ),
    Case(
        "unsampled-child",
        "span",
        "W5, unsampled child",
        _unsampled_child,
        goal=15,
        note="ParentBased below an unsampled span",
    ),
    Case("scope", "span", "as current, no attributes", _scope),
    Case("start-end", "span", "start_span and end", _start_end),
    Case("start-end-kind", "span", "... with kind=", _start_end_kind),
    Case("start-end-attributes", "span", "... with 5 attributes=", _start_end_attributes),
    Case("start-end-unsampled", "span", "... unsampled", _start_end_unsampled),
    Case("threads", "span", f"W5 on {THREADS} threads", _threads, note="CPU of all threads, not pinned", pinned=False),
    Case(
        "set-attribute-loop",
        "attribute",
        "the loop alone",
        _on_span(_bare),
        note="part of each line that sets 100 attributes, on both sides",
    ),
    Case("set-attribute-str", "attribute", "str of 3", _set("GET"), goal=15),
    Case("set-attribute-str-64", "attribute", "str of 64", _set("x" * 64), goal=15),
    Case("set-attribute-str-non-ascii", "attribute", "str, not ASCII", _set("жукжукжук"), goal=15),
    Case("set-attribute-int", "attribute", "int 200", _set(200), goal=15),
    Case("set-attribute-int-large", "attribute", "int 2**60", _set(2**60), goal=15),
    Case("set-attribute-float", "attribute", "float", _set(0.42), goal=15),
    Case("set-attribute-bool", "attribute", "bool", _set(True), goal=15),
    Case("set-attribute-bytes", "attribute", "bytes", _set(b"0123456789"), goal=15),
    Case("set-attribute-list", "attribute", "list of 3 str", _set(["a", "bc", "def"]), goal=15),
    Case("set-attribute-keyword", "attribute", "key=, value=", _on_span(_set_by_keyword)),
    Case("set-attribute-same-key", "attribute", "the same key again", _on_span(_set_same_key)),
    Case(
        "set-attribute-evicting",
        "attribute",
        "at the limit",
        _on_span(_set_get, prepare=_fill),
        note="each drops the oldest of 128; warnings are switched off by the level of the logger",
    ),
    Case("set-attributes", "attribute", "set_attributes of 5", _set_five),
    Case("read-one", "attribute", "attributes[key]", _read_one),
    Case("read-all", "attribute", "dict(attributes)", _read_all),
    Case("add-event", "detail", "add_event", _on_span(_add_event)),
    Case("add-event-attributes", "detail", "... with 2 attributes", _on_span(_add_event_attributes)),
    Case("add-link", "detail", "add_link", _on_span(_add_link), note="with 2 attributes"),
    Case(
        "record-exception",
        "detail",
        "record_exception",
        _record_exception,
        note="its text is made by Python's traceback",
    ),
    Case("set-status", "detail", "set_status", _on_span(_set_status)),
    Case("update-name", "detail", "update_name", _on_span(_update_name)),
    Case("isinstance", "current", "isinstance(_, Span)", _isinstance, goal=1),
    Case("get-current-span", "current", "get_current_span", _current_of(_api), goal=1, note="both: the API's"),
    Case(
        "native-get-current-span",
        "current",
        "... our own",
        _current_of(_own_or_api),
        note="official: the API's; spanwire: spanwire.trace.get_current_span",
    ),
    Case("get-span-context-first", "current", "get_span_context, first", _on_span(_span_context_first, spans=CALLS)),
    Case("get-span-context-again", "current", "... again", _span_context_again),
    Case("use-span", "current", "API use_span", _use_span),
    Case(
        "context-variable",
        "current",
        "a ContextVar set, reset",
        _context_variable(within=False),
        note="the same for both: part of whatever makes a span current",
    ),
    Case(
        "context-variable-within",
        "current",
        "... that was set before",
        _context_variable(within=True),
        note="the same for both: part of whatever makes a child current",
    ),
    Case(
        "enum-member", "current", "SpanKind.SERVER", _enum_member, note="the user's own, the same for both: part of W5"
    ),
    Case("proxy", "current", "W5 by ProxyTracer", _proxied(shortcut=False)),
    Case(
        "proxy-shortcut",
        "current",
        "... with the shortcut",
        _proxied(shortcut=True),
        note="spanwire: after spanwire.trace.shortcut_proxy_tracers()",
    ),
)
