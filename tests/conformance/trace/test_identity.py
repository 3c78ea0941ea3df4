"""Contexts are read back as the very objects that the SDK gives: a child's parent, a link's context."""

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from tests.conformance.trace.sides import Side, same

REMOTE = SpanContext(0x1234, 0x56, is_remote=True, trace_flags=TraceFlags(1))
REMOTE_WITH_STATE = SpanContext(
    0x1234, 0x56, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("k", "v")])
)

Read = Callable[[Any, Any], tuple[Any, Any]]

# In which order the two are asked for, and when.
ORDERS: dict[str, Read] = {
    "parent-first": lambda parent, child: (parent.get_span_context(), child.parent),
    "child-first": lambda parent, child: (child.parent, parent.get_span_context())[::-1],
    "context": lambda parent, child: (parent.context, child._parent),
    "views": lambda parent, child: (parent._readable_span().context, child._readable_span().parent),
    "views-child-first": lambda parent, child: (child._readable_span().parent, parent._readable_span().context)[::-1],
}
PARENTS = {"root": None, "remote": REMOTE, "remote-with-state": REMOTE_WITH_STATE}


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("above", PARENTS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_parent_of_a_child_is_the_context_of_its_parent(order: str, above: str, ended: bool) -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        given = PARENTS[above]
        context = None if given is None else set_span_in_context(NonRecordingSpan(given))
        parent = tracer.start_span("parent", context=context)
        children = [tracer.start_span("child", context=set_span_in_context(parent)) for _ in range(2)]
        grandchild = tracer.start_span("grandchild", context=set_span_in_context(children[0]))
        if ended:
            for span in (grandchild, *children, parent):
                span.end()
        pairs = [(parent, children[0]), (parent, children[1]), (children[0], grandchild)]
        found = [ORDERS[order](*pair) for pair in pairs]
        return [mine is its for mine, its in found], given is None or parent.parent is given

    assert same(scenario).result == ([True] * 3, True)


def test_a_context_asked_for_before_the_child_starts_is_its_parent_when_the_parent_is_gone() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer(collect=False)
        asked_before = []
        for before in (True, False):
            parent = tracer.start_span("parent")
            context = parent.get_span_context() if before else None
            child = tracer.start_span("child", context=set_span_in_context(parent))
            context = context or parent.get_span_context()
            parent.end()
            del parent
            gc.collect()
            others = [tracer.start_span("other") for _ in range(10)]  # which use its memory again
            asked_before.append(child.parent is context and all(one.context is not context for one in others))
        return asked_before

    assert same(scenario).result == [True, True]


def test_the_parent_may_be_current_or_not_sampled_or_have_its_context_replaced() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        with tracer.start_as_current_span("parent") as parent, tracer.start_as_current_span("child") as child:
            seen = [child.parent is parent.get_span_context()]
        replaced = tracer.start_span("replaced")
        early = tracer.start_span("early", context=set_span_in_context(replaced))
        before = replaced.get_span_context()
        replaced._context = REMOTE
        late = tracer.start_span("late", context=set_span_in_context(replaced))
        return [*seen, early.parent is before, late.parent is REMOTE]

    assert same(scenario).result == [True, True, True]


def test_finished_spans_of_an_exporter_in_memory() -> None:
    def scenario(side: Side) -> Any:
        export = import_module(f"{side.trace.__name__}.export")
        exporter = import_module(f"{export.__name__}.in_memory_span_exporter").InMemorySpanExporter()
        provider = side.provider(collect=False)
        provider.add_span_processor(export.SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("name")
        with tracer.start_as_current_span("parent"), tracer.start_as_current_span("child", links=[Link(REMOTE)]):
            pass
        child, parent = exporter.get_finished_spans()
        return (
            child.parent is parent.get_span_context(),
            child.parent is parent.context,
            child.links[0].context is REMOTE,
        )

    assert same(scenario).result == (True, True, True)


WORD: Any = "foo=bar"  # what tests of the SDK's give for a trace state
LINKS = {
    "remote": REMOTE,
    "state": REMOTE_WITH_STATE,
    "invalid-with-state": SpanContext(0, 0, is_remote=False, trace_state=TraceState([("k", "v")])),
    "invalid-with-a-str": SpanContext(0, 0, is_remote=False, trace_state=WORD),
    "ids-of-any-size": SpanContext(1 << 200, 1 << 100, is_remote=False, trace_state=TraceState([("k", "v")])),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_links_context_is_read_back_as_it_was_given(name: str) -> None:
    def scenario(side: Side) -> Any:
        context = LINKS[name]
        span = side.tracer(collect=False).start_span("name", links=[Link(context)])
        span.add_link(context)
        before = [link.context is context and link.context.trace_state is context.trace_state for link in span.links]
        span.end()
        view = span._readable_span()
        return before, [link.context is context for one in (span, view) for link in one.links]

    # Ours says besides what OTLP cannot send.
    assert same(scenario, differ=["ours"]).result == ([True] * 2, [True] * 4)
