"""The workloads are what the benchmarks and documents say they are."""

import re
from collections import Counter

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from spanwire_bench import _workloads
from tests.official import official_bytes, parse, spans_of


@pytest.fixture(scope="module")
def recorded() -> list[ReadableSpan]:
    """The whole recording once."""
    return _workloads.make("WR", 47)


@pytest.mark.parametrize("name", _workloads.NAMES)
@pytest.mark.parametrize("count", [0, 1, 46, 48, 513])
def test_as_many_spans_are_made_as_were_asked_for(name: str, count: int) -> None:
    spans = _workloads.make(name, count)
    assert len(spans) == count
    assert len({span.context.span_id for span in spans}) == count


@pytest.mark.parametrize("name", _workloads.NAMES)
def test_the_same_seed_gives_equal_spans_in_objects_of_their_own(name: str) -> None:
    first, second, other = _workloads.make(name, 60), _workloads.make(name, 60), _workloads.make(name, 60, seed=1)
    assert official_bytes(first) == official_bytes(second) != official_bytes(other)
    assert all(a is not b and a.attributes is not b.attributes for a, b in zip(first, second, strict=True))


def test_unknown_workloads_are_refused() -> None:
    with pytest.raises(KeyError):
        _workloads.make("W6", 1)


def test_w5_is_a_root_server_span_with_the_five_attributes() -> None:
    (span,) = _workloads.make("W5", 1)
    assert (span.name, span.kind, span.parent) == ("GET /users/{id}", SpanKind.SERVER, None)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "url.path": "/users/42",
        "http.response.status_code": 200,
        "server.load": 0.42,
        "cache.hit": True,
    }


def test_w10_has_ten_attributes_of_twenty_characters() -> None:
    (span,) = _workloads.make("W10", 1)
    attributes = span.attributes or {}
    assert len(attributes) == 10
    assert {len(text) for pair in attributes.items() for text in pair if isinstance(text, str)} == {20}
    assert span.parent is None and span.kind is SpanKind.INTERNAL


def test_wr_is_what_instrumentations_make(recorded: list[ReadableSpan]) -> None:
    scopes = {span.instrumentation_scope.name for span in recorded if span.instrumentation_scope}
    assert scopes == {
        "opentelemetry.instrumentation.flask",
        "opentelemetry.instrumentation.requests",
        "opentelemetry.instrumentation.sqlalchemy",
        "shop.orders",
    }
    assert {span.kind for span in recorded} == {
        SpanKind.SERVER,
        SpanKind.CLIENT,
        SpanKind.INTERNAL,
        SpanKind.PRODUCER,
    }
    assert 10 <= sum(len(span.attributes or ()) for span in recorded) / len(recorded) <= 14
    stacks = [
        str((event.attributes or {})["exception.stacktrace"])
        for span in recorded
        for event in span.events
        if event.name == "exception"
    ]
    assert len(stacks) >= 3
    assert all(stack.startswith("Traceback") for stack in stacks)
    assert sum(span.status.status_code is StatusCode.ERROR for span in recorded) >= 4
    assert any(span.links for span in recorded)
    assert any(span.context.trace_state for span in recorded)


def test_wr_spans_are_up_to_two_kilobytes(recorded: list[ReadableSpan]) -> None:
    sizes = [span.ByteSize() for span in spans_of(parse(official_bytes(recorded)))]
    assert 300 <= sum(sizes) / len(sizes) <= 800
    assert 1800 <= max(sizes) <= 2600


def test_wr_links_and_parents_lead_to_spans_of_the_same_replay(recorded: list[ReadableSpan]) -> None:
    known = {(span.context.trace_id, span.context.span_id) for span in recorded}
    local = [span.parent for span in recorded if span.parent is not None and not span.parent.is_remote]
    linked = [link.context for span in recorded for link in span.links]
    assert len(local) > 30 and linked
    assert {(context.trace_id, context.span_id) for context in local + linked} <= known
    assert sum(span.parent is not None and span.parent.is_remote for span in recorded) == 7


def test_wr_replays_have_values_of_their_own_but_share_keys() -> None:
    first, second = (_workloads.make("WR", 1)[0].attributes or {} for _ in range(2))
    assert first["db.system"] == second["db.system"] and first["db.system"] is not second["db.system"]
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_the_recording_names_no_directory_of_the_machine_that_made_it(recorded: list[ReadableSpan]) -> None:
    text = " ".join(str(event.attributes) for span in recorded for event in span.events)
    folders = Counter(re.findall(r'File "(/\w+/\w+)', text))
    assert folders and set(folders) <= {"/srv/shop", "/usr/local"}
