"""Differences that docs/compatibility.md lists and no other file here has: each with what the SDK does."""

import contextlib
import copy
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling
from opentelemetry.trace import Link, SpanContext, SpanKind

import spanwire.trace
from tests.conformance.trace.sides import IS_NEWEST, Side, both, same, sides


def test_a_patched_clock_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As freezegun and others patch it: the time is read natively."""
    for module in (time, sdk):
        monkeypatch.setattr(module, "time_ns", lambda: 5)

    def scenario(side: Side) -> Any:
        span = side.span()
        span.end()
        return span.start_time == 5, span.end_time == 5

    theirs, ours = both(scenario)
    assert theirs.result == (True, True)
    assert ours.result == (False, False)


@pytest.mark.parametrize("odd", [-1, 2**70, "soon"], ids=repr)
def test_a_time_that_is_none_is_replaced_by_the_present(odd: Any) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", start_time=odd)
        span.end(odd)
        return span.start_time == odd, span.end_time == odd

    theirs, ours = both(scenario)
    assert theirs.result == (True, True)
    assert ours.result == (False, False)
    assert "nanoseconds since 1970" in ours.ours[0]


@pytest.mark.parametrize("odd", [3, "SERVER", None], ids=repr)
def test_a_kind_that_is_none_is_internal(odd: Any) -> None:
    def scenario(side: Side) -> Any:
        return side.tracer().start_span("name", kind=odd).kind

    theirs, ours = both(scenario)
    assert theirs.result == odd
    assert ours.result is SpanKind.INTERNAL
    assert "kind should be a SpanKind" in ours.ours[0]


def test_methods_patched_into_the_sdks_classes_are_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(sdk.Span, "set_attribute", lambda *_: calls.append("set_attribute"))

    def scenario(side: Side) -> Any:
        calls.clear()
        side.span().set_attribute("a", 1)
        return list(calls)

    theirs, ours = both(scenario)
    assert theirs.result == ["set_attribute"]
    assert ours.result == []


def test_our_span_class_cannot_be_patched_or_subclassed() -> None:
    with pytest.raises(TypeError):
        spanwire.trace.Span.set_attribute = None  # type: ignore[method-assign, assignment]
    with pytest.raises(TypeError):
        type("Mine", (spanwire.trace.Span,), {})


def test_an_unsampled_span_has_a_to_json_that_raises() -> None:
    def scenario(side: Side) -> Any:
        return hasattr(side.span(sampler=sampling.ALWAYS_OFF), "to_json")

    theirs, ours = both(scenario)
    assert (theirs.result, ours.result) == (False, True)


def test_a_samplers_decision_is_taken_when_the_tracer_is_made() -> None:
    """Stock samplers only: a change of their private fields later is not seen."""

    def scenario(side: Side) -> Any:
        side.asked = False
        sampler: Any = sampling.StaticSampler(sampling.Decision.DROP)
        tracer = side.tracer(sampler=sampler)
        sampler._decision = sampling.Decision.RECORD_AND_SAMPLE
        return tracer.start_span("name").is_recording()

    theirs, ours = both(scenario)
    assert (theirs.result, ours.result) == (True, False)


def written(thing: Any, names: Iterable[str]) -> list[str]:
    """Those of the names to which what they have can be assigned."""
    found = []
    for name in names:
        with warnings.catch_warnings(), contextlib.suppress(AttributeError):
            warnings.simplefilter("ignore")
            setattr(thing, name, getattr(thing, name))
            found.append(name)
    return found


def test_which_of_the_private_fields_of_a_running_span_can_be_written() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        span = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("scope").start_span("name")
    fields = sorted(vars(span))

    def scenario(side: Side) -> Any:
        span = side.span()
        return written(span, fields), [name for name in fields if not hasattr(span, name)]

    theirs, ours = both(scenario)
    assert theirs.result == (fields, [])
    assert ours.result[0] == [
        "_attributes",
        "_context",
        "_events",
        "_instrumentation_scope",
        "_kind",
        "_links",
        "_name",
        "_parent",
        "_resource",
        "_start_time",
        "_status",
    ]
    missing = {"_lock", "_record_end_metrics", "_record_exception", "_set_status_on_exception", "_trace_config"}
    assert set(ours.result[1]) == missing & set(fields)


def test_events_and_links_of_a_running_span_are_copies() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        span.add_event("event")
        span._events.append(None)
        return len(span._events)

    theirs, ours = both(scenario)
    assert (theirs.result, ours.result) == (2, 1)


def test_the_private_fields_of_what_a_processor_gets_can_be_written() -> None:
    def scenario(side: Side) -> Any:
        side.span().end()
        view: Any = side.spans[0]
        return written(view, ["_attributes", "_events", "_links", "_name", "_parent", "_end_time", "_resource", "_own"])

    assert same(scenario).result == [
        "_attributes",
        "_events",
        "_links",
        "_name",
        "_parent",
        "_end_time",
        "_resource",
    ]


def test_of_the_parts_of_a_tracer_three_can_be_replaced() -> None:
    parts = ["id_generator", "instrumentation_info", "resource", "sampler", "span_processor", "_span_limits"]

    def scenario(side: Side) -> Any:
        return written(side.tracer(), parts)

    theirs, ours = both(scenario)
    assert theirs.result == parts
    assert ours.result == ["id_generator", "resource", "sampler"]


def test_a_copy_of_a_span_is_a_view_of_it() -> None:
    def scenario(side: Side) -> Any:
        again = copy.copy(side.span())
        return again.name, hasattr(again, "set_attribute")

    theirs, ours = both(scenario)
    assert (theirs.result, ours.result) == (("name", True), ("name", False))


def test_an_unsampled_span_is_an_instance_of_our_span_class() -> None:
    def scenario(side: Side) -> Any:
        span = side.span(sampler=sampling.ALWAYS_OFF)
        return isinstance(span, side.trace.Span), isinstance(span, sdk.Span)

    theirs, ours = both(scenario)
    assert (theirs.result, ours.result) == ((False, False), (True, False))


@pytest.mark.parametrize("method, arguments", [("update_name", ()), ("set_status", (1, 2, 3))])
def test_wrong_arguments_are_refused_after_the_end_too(method: str, arguments: tuple[Any, ...]) -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        span.end()
        getattr(span, method)(*arguments)

    theirs, ours = both(scenario)
    assert (theirs.raised, theirs.texts) == (None, [f"Tried calling {method} on an ended span."])
    assert ours.raised is not None and ours.raised[0] == "TypeError"


def test_what_is_no_mapping_counts_nothing_as_dropped() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        with pytest.raises(AttributeError):
            span.set_attributes({"a"})
        return span.dropped_attributes

    theirs, ours = both(scenario)
    if IS_NEWEST:
        assert theirs.result < 0  # by the length of the text that the SDK makes of it
    assert ours.result == 0


def test_links_that_are_given_are_not_changed() -> None:
    def scenario(side: Side) -> Any:
        link = Link(SpanContext(1, 2, is_remote=True), {"a": [1]})
        side.tracer().start_span("name", links=[link])
        return link.attributes

    theirs, ours = both(scenario)
    assert theirs.result == {"a": (1,)}
    assert ours.result == {"a": [1]}


def test_a_value_that_otlp_cannot_hold_takes_no_place() -> None:
    """It pushes nothing out, and with it alone a span has no attributes, so that they do not follow."""

    def scenario(side: Side) -> Any:
        span = side.span(span_limits=sdk.SpanLimits(max_span_attributes=1))
        span.set_attribute("odd", 2**70)
        before = span.attributes
        span.set_attribute("a", 1)
        followed = len(before)
        span.set_attribute("odd", 2**70)
        return followed, list(span.attributes), span.dropped_attributes

    theirs, ours = both(scenario)
    assert theirs.result == (1, ["odd"], 2)
    assert ours.result == (0, ["a"], 0)


def test_texts_of_type_errors_are_not_the_sdks() -> None:
    def scenario(side: Side) -> None:
        side.span().add_event(attributes={})

    theirs, ours = both(scenario)
    assert theirs.raised is not None and ours.raised is not None
    assert theirs.raised[0] == ours.raised[0] == "TypeError"
    assert theirs.raised != ours.raised


def test_what_is_logged_names_the_line_of_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    for side in sides():
        span = side.span()
        span.end()
        span.set_attribute("late", 1)
        span.update_name("late")
    assert [record.message for record in caplog.records] == [
        "Setting attribute on ended span.",
        "Tried calling update_name on an ended span.",
    ] * 3
    assert [record.filename == Path(__file__).name for record in caplog.records] == [False] * 2 + [True] * 4
