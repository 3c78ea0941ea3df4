"""Values that run code while they are read: that code may do anything, even with the span that is being written."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.conformance.trace.sides import Side, same


class Texts:
    """Acts when its text is asked for."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __str__(self) -> str:
        self.act()
        return "text"


class Items(Sequence[Any]):
    """Acts when it is iterated, or indexed."""

    def __init__(self, act: Callable[[], Any], *, by_index: bool = False) -> None:
        self.act = act
        self.by_index = by_index

    def __getitem__(self, index: Any) -> Any:
        if index == 1:
            self.act()
        if index > 2:
            raise IndexError
        return index

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[Any]:
        if self.by_index:
            for index in range(3):
                yield self[index]
            return
        yield 1
        self.act()
        yield 2


class Entries(Mapping[str, Any]):
    """Acts when its items are asked for."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __getitem__(self, key: str) -> Any:
        self.act()
        return 1

    def __iter__(self) -> Iterator[str]:
        yield "a"
        self.act()
        yield "b"

    def __len__(self) -> int:
        return 2


class Key:
    """A key of a mapping that acts when its text is asked for."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __str__(self) -> str:
        self.act()
        return "key"


VALUES: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "__str__": Texts,
    "__str__ in a list": lambda act: [1, Texts(act), 2],
    "__iter__": Items,
    "__getitem__": lambda act: Items(act, by_index=True),
    "items of a mapping": Entries,
    "a key's __str__": lambda act: {Key(act): 1},
    "deep inside": lambda act: {"a": [{"b": Texts(act)}]},
}
# `end` is not among what works inside the SDK's own lock: there it waits for ever. Ours ends the span.
WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "set_attribute": lambda span, value: span.set_attribute("key", value),
    "set_attributes": lambda span, value: span.set_attributes({"first": 1, "key": value, "last": 2}),
    "add_event": lambda span, value: span.add_event("event", {"key": value}),
    "add_link": lambda span, value: span.add_link(span.get_span_context(), {"key": value}),
}


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_value_that_ends_the_span_leaves_it_ended_and_whole(
    make: Callable[[Callable[[], Any]], Any], write: Callable[[Any, Any], Any]
) -> None:
    from tests.conformance.trace.sides import observe, sides

    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"before": 1})
        write(span, make(lambda: span.end() if span.is_recording() else None))
        assert not span.is_recording()
        span.end()
        return dict(span.attributes), len(span.events), len(span.links)

    for side in sides()[1:]:
        seen = observe(side, scenario)
        assert seen.raised is None
        assert seen.result == ({"before": 1}, 0, 0)
        assert len(seen.spans) == 1
        assert any("on ended span" in text or "on an ended span" in text for text in seen.texts)


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_value_that_writes_to_the_span_is_written_after_what_it_wrote(
    make: Callable[[Callable[[], Any]], Any], write: Callable[[Any, Any], Any]
) -> None:
    from tests.conformance.trace.sides import observe, sides

    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"before": 1})
        count = 0

        def act() -> None:
            nonlocal count
            count += 1
            for index in range(200):  # enough for the record to grow and evict
                span.set_attribute(f"inner {index}", "x" * 100)
            span.add_event("inner", {"a": [1, 2]})
            span.update_name("renamed")
            gc.collect()

        write(span, make(act))
        span.end()
        return count > 0, span.name, len(span.attributes)

    for side in sides()[1:]:
        seen = observe(side, scenario)
        assert seen.raised is None
        assert seen.result == (True, "renamed", 128)
        (span,) = seen.spans
        assert span["dropped"][0] > 0


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_value_that_raises_reaches_the_caller_and_writes_nothing(
    make: Callable[[Callable[[], Any]], Any], write: Callable[[Any, Any], Any]
) -> None:
    def fail() -> None:
        raise LookupError("hostile")

    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"before": 1})
        try:
            write(span, make(fail))
        except LookupError as error:
            raised = str(error)
        span.set_attribute("after", 2)
        span.end()
        return raised, dict(span.attributes), len(span.events), len(span.links)

    assert same(scenario).result == ("hostile", {"before": 1, "after": 2}, 0, 0)


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES)
def test_a_value_that_raises_at_the_start_starts_no_span(make: Callable[[Callable[[], Any]], Any]) -> None:
    def fail() -> None:
        raise LookupError("hostile")

    def scenario(side: Side) -> Any:
        with side.tracer().start_as_current_span("name", attributes={"key": make(fail)}):
            pass

    seen = same(scenario)
    assert seen.raised == ("LookupError", "hostile")
    assert seen.spans == []


def test_a_list_that_grows_while_it_is_read_ends() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        values: list[Any] = [1]
        values.append(Texts(lambda: values.append(3) if len(values) < 10 else None))
        span.set_attribute("key", values)
        return span.attributes["key"]

    assert same(scenario).result == (1, "text", 3)


def test_names_events_and_descriptions_that_run_code_cannot_break_a_span() -> None:
    from tests.conformance.trace.sides import observe, sides

    def scenario(side: Side) -> Any:
        span = side.span()
        span.update_name(Texts(span.end))
        span.add_event(Texts(lambda: None))
        return span.is_recording(), len(side.spans)

    for side in sides()[1:]:
        seen = observe(side, scenario)
        assert seen.raised is None
        assert seen.result == (False, 1)
