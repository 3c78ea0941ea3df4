"""Status, names, kinds and times."""

from typing import Any

import pytest
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.conformance.trace.sides import Side, both, observe, same, sides

UNSET, OK, ERROR = StatusCode.UNSET, StatusCode.OK, StatusCode.ERROR
PROGRAMS: dict[str, tuple[list[tuple[Any, ...]], tuple[StatusCode, str | None]]] = {
    "nothing": ([], (UNSET, None)),
    "ok": ([(OK,)], (OK, None)),
    "ok is final": ([(OK,), (ERROR, "late")], (OK, None)),
    "error, then ok": ([(ERROR, "why"), (OK,)], (OK, None)),
    "a later error replaces": ([(ERROR, "first"), (ERROR, "second")], (ERROR, "second")),
    "a later error without a description": ([(ERROR, "first"), (ERROR,)], (ERROR, None)),
    "unset is ignored": ([(ERROR, "why"), (UNSET,)], (ERROR, "why")),
    "unset with a description": ([(UNSET, "why")], (UNSET, None)),
    "a description only with an error": ([(OK, "why")], (OK, None)),
    "an empty description": ([(ERROR, "")], (ERROR, "")),
    "a status": ([(Status(ERROR, "why"),)], (ERROR, "why")),
    "a status and a description": ([(Status(ERROR, "why"), "ignored")], (ERROR, "why")),
    "an ok status and a description": ([(Status(OK), "ignored")], (OK, None)),
    "an unset status": ([(Status(UNSET),)], (UNSET, None)),
    "a status after ok": ([(OK,), (Status(ERROR, "late"), "ignored")], (OK, None)),
    "a description that is no str": ([(ERROR, 5)], (ERROR, None)),
    "no status": ([("ERROR", "why")], (UNSET, None)),
    "none": ([(None,)], (UNSET, None)),
    "beyond ASCII": ([(ERROR, "größer 🌍")], (ERROR, "größer 🌍")),
}


@pytest.mark.parametrize("calls, expected", PROGRAMS.values(), ids=PROGRAMS)
def test_set_status(calls: list[tuple[Any, ...]], expected: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        for arguments in calls:
            assert span.set_status(*arguments) is None
        span.end()
        return span.status.status_code, span.status.description

    seen = same(scenario)
    assert seen.result == expected == seen.spans[0]["status"]


def test_update_name_renames() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.update_name("größer")
        return span.name

    assert same(scenario).result == "größer"


@pytest.mark.parametrize("kind", SpanKind)
def test_every_kind_is_kept(kind: SpanKind) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", kind=kind)
        span.end()
        with side.tracer().start_as_current_span("name", kind=kind) as other:
            pass
        return span.kind, other.kind

    assert same(scenario).result == (kind, kind)


def test_explicit_times_are_kept() -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", start_time=1_000)
        span.add_event("event", timestamp=2_000)
        span.record_exception(ValueError("x"), timestamp=3_000)
        span.end(end_time=4_000)
        return span.start_time, [event.timestamp for event in span.events], span.end_time

    assert same(scenario).result == (1_000, [2_000, 3_000], 4_000)


def test_an_explicit_start_is_kept_by_start_as_current_span() -> None:
    def scenario(side: Side) -> Any:
        with side.tracer().start_as_current_span("name", start_time=1_000) as span:
            return span.start_time

    assert same(scenario).result == 1_000


def test_the_end_can_be_before_the_start() -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", start_time=10)
        span.end(5)
        return span.start_time, span.end_time

    assert same(scenario).result == (10, 5)


def test_clock_times_are_in_order_and_ints() -> None:
    from time import time_ns

    def scenario(side: Side) -> Any:
        before = time_ns()
        span = side.span()
        span.add_event("event")
        unended: Any = span.end_time
        assert unended is None
        span.end()
        return before <= span.start_time <= span.events[0].timestamp <= span.end_time <= time_ns()

    assert same(scenario).result is True


@pytest.mark.parametrize("name", [5, None, b"bytes"], ids=repr)
def test_a_name_that_is_no_str_becomes_one(name: Any) -> None:
    """Difference: the SDK keeps it, and the exporter then loses the batch."""

    def scenario(side: Side) -> Any:
        span = side.tracer().start_span(name)
        first = span.name
        span.update_name(name)
        span.end()
        return first, span.name

    theirs, ours = both(scenario)
    assert theirs.result == (name, name)
    assert ours.result == (str(name), str(name))
    assert ours.ours and "should be a str" in ours.ours[0]


@pytest.mark.parametrize("odd", ["n" * 10**6 + "\ud800", ["n" * 10**6], "\ud800" * 10**6])
def test_a_line_about_a_value_does_not_have_all_of_it(odd: Any) -> None:
    def scenario(side: Side) -> None:
        span = side.tracer(collect=False).start_span("span", kind=odd, start_time=odd)
        span.update_name(odd)
        span.set_attribute(str(odd) + "\ud800", 1)

    for side in sides()[1:]:
        lines = observe(side, scenario).ours
        assert len(lines) >= 4
        assert all(len(line) < 500 for line in lines)


def test_lone_surrogates_of_a_name_and_a_description_become_replacement_characters() -> None:
    """Difference: a span without its name is worth more than no span."""

    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("a\ud800b")
        span.set_status(ERROR, "\udfff")
        return span.name, span.status.description

    theirs, ours = both(scenario)
    assert theirs.result == ("a\ud800b", "\udfff")
    assert ours.result == ("a\ufffdb", "\ufffd")
