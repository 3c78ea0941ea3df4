"""Whoever holds a Context keeps what is in it, though ours come from a pool: nothing captured may change under its holder."""

import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as context_api
from opentelemetry.context import Context

from tests.integration.trace.concurrent import Side, current

SpanOf = Callable[[], str | None]


def by_copy(_: Any) -> Iterator[SpanOf]:
    copied = contextvars.copy_context()
    yield lambda: copied.run(current)


def by_copy_of_a_copy(_: Any) -> Iterator[SpanOf]:
    copied = contextvars.copy_context().run(contextvars.copy_context)
    yield lambda: copied.run(current)


def by_get_current(_: Any) -> Iterator[SpanOf]:
    held = context_api.get_current()
    yield lambda: current(held)


def by_items(_: Any) -> Iterator[SpanOf]:
    view = context_api.get_current().items()
    yield lambda: next(getattr(value, "name", None) for _, value in view)


def by_iterator(_: Any) -> Iterator[SpanOf]:
    iterator = iter(context_api.get_current().values())
    values: list[Any] = []

    def name() -> str | None:
        values.extend(iterator)
        return str(values[0].name)

    yield name


def by_token_of_what_follows(_: Any) -> Iterator[SpanOf]:
    token = context_api.attach(Context({"other": 1}))
    held = token.old_value
    del token
    assert isinstance(held, Context)
    context_api.attach(held)  # what was there before, so that the scope can be left
    yield lambda: current(held)


def by_context_made_of_it(_: Any) -> Iterator[SpanOf]:
    made = context_api.set_value("key", "value")
    yield lambda: current(made)


def by_bound_method(_: Any) -> Iterator[SpanOf]:
    get = context_api.get_current().get
    key = next(iter(context_api.get_current()))
    yield lambda: str(getattr(get(key), "name", None))


def by_span(span: Any) -> Iterator[SpanOf]:
    made = trace.set_span_in_context(span)
    yield lambda: current(made)


WAYS = [
    by_copy,
    by_copy_of_a_copy,
    by_get_current,
    by_items,
    by_iterator,
    by_token_of_what_follows,
    by_context_made_of_it,
    by_bound_method,
    by_span,
]


def churn(side: Side) -> None:
    """Many scopes, nested deeper than any pool, so that a Context given back too early is used again."""
    for number in range(20):
        scopes = [side.tracer.start_as_current_span(f"churn {number} {depth}") for depth in range(40)]
        for scope in scopes:
            scope.__enter__()
        for scope in reversed(scopes):
            scope.__exit__(None, None, None)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("depth", [1, 2, 30])
def test_a_captured_context_keeps_its_span(
    side: Side, way: Callable[[Any], Iterator[SpanOf]], depth: int, caplog: pytest.LogCaptureFixture
) -> None:
    held: list[tuple[str, SpanOf]] = []

    def nest(left: int) -> None:
        if left == 0:
            return
        name = f"held {left}"
        with side.tracer.start_as_current_span(name) as span:
            held.extend((name, span_of) for span_of in way(span))
            nest(left - 1)
            assert current() == name

    contextvars.copy_context().run(nest, depth)
    churn(side)
    assert len(held) == depth
    assert [span_of() for _, span_of in held] == [name for name, _ in held]
    assert [record.getMessage() for record in caplog.records] == []


def test_a_token_leads_back_to_the_context_it_was_made_in(side: Side) -> None:
    """Someone else's attach, undone after our scope was left: the current span is what it was at the attach."""

    def program() -> list[str | None]:
        scope = side.tracer.start_as_current_span("ours")
        scope.__enter__()
        token = context_api.attach(baggage.set_baggage("key", "value"))
        seen = [current()]
        scope.__exit__(None, None, None)  # out of order: back to before ours
        seen.append(current())
        churn(side)
        context_api.detach(token)
        seen.append(current())
        churn(side)
        seen.append(current())
        return seen

    assert contextvars.copy_context().run(program) == ["ours", None, "ours", "ours"]


def test_foreign_entries_are_seen_inside_and_unchanged_outside(side: Side) -> None:
    outside = baggage.set_baggage("key", "outside")
    token = context_api.attach(outside)
    try:
        with side.tracer.start_as_current_span("outer"):
            assert baggage.get_baggage("key") == "outside"
            inner = context_api.attach(baggage.set_baggage("key", "inside"))
            with side.tracer.start_as_current_span("inner"):
                held = context_api.get_current()
                assert baggage.get_baggage("key") == "inside"
            context_api.detach(inner)
            assert (baggage.get_baggage("key"), current()) == ("outside", "outer")
        assert context_api.get_current() is outside
        assert trace.get_current_span(outside) is trace.INVALID_SPAN
    finally:
        context_api.detach(token)
    churn(side)
    assert (baggage.get_baggage("key", held), current(held)) == ("inside", "inner")
    tree = side.tree()
    assert (tree["outer"], tree["inner"]) == (None, "outer")


def test_children_of_captured_contexts_have_their_parents(side: Side) -> None:
    contexts: list[tuple[str, contextvars.Context, Context]] = []
    for number in range(100):
        with (
            side.tracer.start_as_current_span(f"outer {number}"),
            side.tracer.start_as_current_span(f"inner {number}"),
        ):
            contexts.append((f"inner {number}", contextvars.copy_context(), context_api.get_current()))
    churn(side)
    for name, copied, held in contexts:
        copied.run(side.tracer.start_span, f"run in {name}").end()
        side.tracer.start_span(f"given {name}", context=held).end()
        with side.tracer.start_as_current_span(f"scope in {name}", context=held):
            side.tracer.start_span(f"below {name}").end()
    tree = side.tree()
    for name, _, _ in contexts:
        assert tree[name] == name.replace("inner", "outer")
        assert (tree[f"run in {name}"], tree[f"given {name}"]) == (name, name)
        assert (tree[f"scope in {name}"], tree[f"below {name}"]) == (name, f"scope in {name}")
