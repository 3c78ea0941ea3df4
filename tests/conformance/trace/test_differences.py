"""Differences that docs/compatibility.md lists and no other file here has: each with what the SDK does."""

import time
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling
from opentelemetry.trace import SpanKind

import spanwire.trace
from tests.conformance.trace.sides import Side, both


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
