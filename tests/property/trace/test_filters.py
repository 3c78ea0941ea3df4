"""``spanwire.filters.SpanFilter`` sends what its conditions say, by a plain reading of them, of random spans."""

import fnmatch
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.filters import SpanFilter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

NAMES = st.text("ab", min_size=1, max_size=3)
PATTERNS = st.text("ab*", min_size=1, max_size=3)
VALUES = st.sampled_from(["a", "ab", True, False, 0, 1, 1.0, -5])
SPANS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "scope": NAMES,
        "kind": st.sampled_from(list(SpanKind)),
        "failed": st.booleans(),
        "attributes": st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3),
        "nanoseconds": st.integers(0, 10),
        "is_root": st.booleans(),
    }
)
FILTERS = st.builds(
    SpanFilter,
    names=st.lists(PATTERNS, max_size=2),
    scopes=st.lists(PATTERNS, max_size=2),
    kinds=st.lists(st.sampled_from(list(SpanKind)), max_size=3),
    failed=st.none() | st.booleans(),
    attributes=st.dictionaries(
        st.sampled_from("xyz"), st.none() | VALUES | st.lists(VALUES, min_size=1, max_size=2), max_size=2
    ),
    min_duration=st.none() | st.integers(0, 10).map(lambda nanoseconds: nanoseconds / 1e9),
    is_root=st.none() | st.booleans(),
    is_inverted=st.booleans(),
)


def is_same(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        return fnmatch.fnmatchcase(value, wanted)
    return type(wanted) is type(value) and bool(wanted == value)


def passes(filter_: SpanFilter, span: dict[str, Any]) -> bool:
    def has(key: str, wanted: Any) -> bool:
        several = wanted if isinstance(wanted, list) else [wanted]
        return key in span["attributes"] and (
            wanted is None or any(is_same(one, span["attributes"][key]) for one in several)
        )

    def is_like(patterns: Any, text: str) -> bool:
        return not patterns or any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)

    held = (
        is_like(filter_.names, span["name"])
        and is_like(filter_.scopes, span["scope"])
        and (not filter_.kinds or span["kind"] in filter_.kinds)
        and filter_.failed in (None, span["failed"])
        and all(has(key, wanted) for key, wanted in filter_.attributes.items())
        and (filter_.min_duration is None or span["nanoseconds"] >= round(filter_.min_duration * 1e9))
        and filter_.is_root in (None, span["is_root"])
    )
    return held != filter_.is_inverted


@given(FILTERS, st.lists(SPANS, max_size=12))
def test_what_passes_is_what_the_conditions_say(filter_: SpanFilter, spans: list[dict[str, Any]]) -> None:
    with Sink() as sink:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=sink.traces_endpoint), span_filter=filter_)
        )
        before = spanwire.stats()["traces"].get(sink.traces_endpoint, {"dropped": {}})["dropped"].get("stage", 0)
        parent = provider.get_tracer("parent").start_span("parent")
        around = set_span_in_context(parent)
        for number, span in enumerate(spans):
            started = provider.get_tracer(span["scope"]).start_span(
                span["name"],
                context=None if span["is_root"] else around,
                kind=span["kind"],
                attributes={**span["attributes"], "number": number},
                start_time=1_000,
            )
            if span["failed"]:
                started.set_status(Status(StatusCode.ERROR))
            started.end(1_000 + span["nanoseconds"])
        provider.shutdown()
        arrived = sorted(span.attributes["number"] for span in sink.spans())
        dropped = spanwire.stats()["traces"].get(sink.traces_endpoint, {"dropped": {}})["dropped"].get("stage", 0)
    expected = [number for number, span in enumerate(spans) if passes(filter_, span)]
    assert arrived == expected
    assert dropped - before == len(spans) - len(expected)


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"names": "GET"}, "names must be a list of str"),
        ({"scopes": [1]}, "scopes must be a list of str"),
        ({"kinds": [1]}, "SpanKind"),
        ({"failed": "yes"}, "failed must be True, False or None"),
        ({"attributes": {"a": object()}}, "attributes['a'] must be"),
        ({"attributes": {"a": 1 << 63}}, "attributes['a'] must be"),
        ({"attributes": {"a": []}}, "attributes['a'] is an empty list"),
        ({"attributes": {1: "a"}}, "attribute keys"),
        ({"min_duration": -1}, "min_duration must be seconds"),
        ({"min_duration": float("nan")}, "min_duration must be seconds"),
    ],
)
def test_a_condition_that_is_none_is_refused(conditions: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("[", r"\[").replace("]", r"\]")):
        SpanFilter(**conditions)
