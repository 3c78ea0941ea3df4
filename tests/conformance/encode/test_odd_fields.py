"""Where one bad field makes the official encoder give up on the whole batch, we lose that field (or that event, link or span).

Each case is a pair: fields that the official encoder refuses, and the same fields without what cannot be encoded. Ours must
write for the first, among good neighbours, what the official encoder writes for the second.
"""

import logging
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceState

import spanwire
import spanwire._telemetry.log
from tests.official import assert_same_bytes, official_bytes
from tests.spans import context, span

LONE = "a\ud800z"
REPAIRED = "a\ufffdz"
HERE = context()
THERE = context()


def status_with(code: Any, description: Any) -> Status:
    status = Status(StatusCode.ERROR)
    status._status_code = code
    status._description = description
    return status


def state_with(**entries: Any) -> TraceState:
    state = TraceState()
    state._dict = entries
    return state


def scope_with(**fields: Any) -> InstrumentationScope:
    return InstrumentationScope(**{"name": "shop", "version": "1", **fields})


class NoTruth:
    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "name with a lone surrogate": ({"name": LONE}, {"name": REPAIRED}),
    "name that is only surrogates": ({"name": "\udfff\ud800"}, {"name": "\ufffd\ufffd"}),
    "name with astral text and a lone surrogate": ({"name": "😀\ud800é"}, {"name": "😀\ufffdé"}),
    "name that is a number": ({"name": 3}, {"name": None}),
    "name that is bytes but no UTF-8": ({"name": b"\xff"}, {"name": None}),
    "negative start": ({"start_time": -1}, {"start_time": None}),
    "start beyond 64 bits": ({"start_time": 2**64}, {"start_time": None}),
    "start that is a float": ({"start_time": 1.5}, {"start_time": None}),
    "start that is text": ({"start_time": "now"}, {"start_time": None}),
    "negative end": ({"end_time": -(2**70)}, {"end_time": None}),
    "end beyond 64 bits": ({"end_time": 2**200}, {"end_time": None}),
    "description with a lone surrogate": (
        {"status": status_with(StatusCode.ERROR, LONE)},
        {"status": status_with(StatusCode.ERROR, REPAIRED)},
    ),
    "description that is a number": (
        {"status": status_with(StatusCode.ERROR, 5)},
        {"status": status_with(StatusCode.ERROR, None)},
    ),
    "status code that is no StatusCode": (
        {"status": status_with(None, "text")},
        {"status": status_with(StatusCode.UNSET, "text")},
    ),
    "trace state with a lone surrogate": (
        {"context": SpanContext(1, 2, False, None, state_with(a=LONE))},
        {"context": SpanContext(1, 2, False, None, None)},
    ),
    "trace state without items": (
        {"context": SpanContext(1, 2, False, None, ["a"])},  # type: ignore[arg-type]
        {"context": SpanContext(1, 2, False, None, None)},
    ),
    "attributes that are a list": ({"attributes": [("a", 1)]}, {"attributes": None}),
    "attributes that are a number": ({"attributes": 7}, {"attributes": None}),
    "attributes without truth": ({"attributes": NoTruth()}, {"attributes": None}),
    "events that cannot be iterated": ({"events": None}, {"events": ()}),
    "links that cannot be iterated": ({"links": 5}, {"links": ()}),
    "event name with a lone surrogate": ({"events": [Event(LONE, None, 7)]}, {"events": [Event(REPAIRED, None, 7)]}),
    "event name that is a number": (
        {"events": [Event(1, {"a": 1}, 7)]},  # type: ignore[arg-type]
        {"events": [Event(None, {"a": 1}, 7)]},  # type: ignore[arg-type]
    ),
    "event with a negative time": ({"events": [Event("e", None, -7)]}, {"events": [Event("e", None, 0)]}),
    "event with attributes that are a list": (
        {"events": [Event("e", [1], 7), Event("f", {"b": 2}, 8)]},  # type: ignore[arg-type]
        {"events": [Event("e", None, 7), Event("f", {"b": 2}, 8)]},
    ),
    "link without context": (
        {"links": [Link(THERE), Link(None), Link(HERE, {"a": 1})]},  # type: ignore[arg-type]
        {"links": [Link(THERE), Link(HERE, {"a": 1})]},
    ),
    "link with an id beyond 64 bits": (
        {"links": [Link(SpanContext(1, 2**64, False)), Link(HERE)]},
        {"links": [Link(HERE)]},
    ),
    "link with attributes that are a number": (
        {"links": [Link(THERE, 3), Link(HERE)]},  # type: ignore[arg-type]
        {"links": [Link(THERE), Link(HERE)]},
    ),
    "scope name with a lone surrogate": (
        {"instrumentation_scope": scope_with(name=LONE)},
        {"instrumentation_scope": scope_with(name=REPAIRED)},
    ),
    "scope version that is a number": (
        {"instrumentation_scope": scope_with(version=3)},
        {"instrumentation_scope": scope_with(version=None)},
    ),
    "scope schema URL with a lone surrogate": (
        {"instrumentation_scope": scope_with(schema_url=LONE)},
        {"instrumentation_scope": scope_with(schema_url=REPAIRED)},
    ),
    "resource schema URL with a lone surrogate": (
        {"resource": Resource({"a": 1}, LONE)},
        {"resource": Resource({"a": 1}, REPAIRED)},
    ),
}

SPANS: dict[str, dict[str, Any]] = {
    "no context": {"context": None},
    "a trace id beyond 128 bits": {"context": SpanContext(2**128, 1, False)},
    "a negative trace id": {"context": SpanContext(-1, 1, False)},
    "a span id beyond 64 bits": {"context": SpanContext(1, 2**64, False)},
    "a negative span id": {"context": SpanContext(1, -5, False)},
    "a span id that is text": {"context": tuple.__new__(SpanContext, (1, "2", False, 0, TraceState(), True))},
    "a context that is too short": {"context": tuple.__new__(SpanContext, (1,))},
}


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had been logged for a minute."""
    monkeypatch.setattr(spanwire._telemetry.log, "_last", {})


def as_list(*spans: Any) -> list[Any]:
    return list(spans)


@pytest.mark.parametrize("case", FIELDS)
def test_a_span_survives(case: str, caplog: pytest.LogCaptureFixture) -> None:
    odd, repaired = FIELDS[case]
    here = {"context": HERE}
    neighbours = span("before"), span("after")
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the batch is lost upstream
        official_bytes([span(**{**here, **odd})])

    with caplog.at_level(logging.WARNING, logger="spanwire"):
        ours = spanwire.encode_spans(as_list(neighbours[0], span(**{**here, **odd}), neighbours[1]))

    assert_same_bytes(ours, official_bytes(as_list(neighbours[0], span(**{**here, **repaired}), neighbours[1])))
    assert [record.levelname for record in caplog.records if record.name == "spanwire"] == ["WARNING"]


@pytest.mark.parametrize("case", SPANS)
def test_a_span_without_usable_ids_is_left_out_alone(case: str, caplog: pytest.LogCaptureFixture) -> None:
    before, lost, after = span("before"), span("lost", **SPANS[case]), span("after")
    with pytest.raises(Exception):  # noqa: B017
        official_bytes([lost])

    with caplog.at_level(logging.WARNING, logger="spanwire"):
        ours = spanwire.encode_spans([before, lost, after])

    assert_same_bytes(ours, official_bytes([before, after]))
    assert [record.levelname for record in caplog.records if record.name == "spanwire"] == ["WARNING"]


@pytest.mark.parametrize("case", SPANS)
def test_a_batch_of_nothing_usable_is_an_empty_request(case: str) -> None:
    assert spanwire.encode_spans([span(**SPANS[case])]) == b""


def test_every_odd_field_at_once_costs_no_other_span() -> None:
    odd = [span(**{"context": HERE, **fields}) for fields, _ in FIELDS.values()] + [
        span(**fields) for fields in SPANS.values()
    ]
    repaired = [span(**{"context": HERE, **fields}) for _, fields in FIELDS.values()]
    assert_same_bytes(spanwire.encode_spans(odd), official_bytes(repaired))


def test_one_line_a_minute_for_each_kind_of_trouble(caplog: pytest.LogCaptureFixture) -> None:
    batch = [span(attributes={"big": 2**64, "lone": LONE, "foreign": object()}) for _ in range(50)]
    with caplog.at_level(logging.WARNING, logger="spanwire"):
        for _ in range(20):
            spanwire.encode_spans(batch)

    lines = [record.getMessage() for record in caplog.records if record.name == "spanwire"]
    assert len(lines) == 3, lines
    for key in ("big", "lone", "foreign"):
        assert sum(key in line for line in lines) == 1, lines


def test_a_clean_batch_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    spanwire.encode_spans([span(), span(attributes=None), span(events=[Event("e", {"a": [1, None]}, 1)])])
    assert [record for record in caplog.records if record.name == "spanwire"] == []
