"""What can be read of a span, while it runs, in processors and after the end."""

import copy
import json
import pickle
import weakref
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from tests.conformance.trace.sides import Side, described, same, typed

REMOTE = api.set_span_in_context(
    api.NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "1"), ("b", "2")])))
)


def full_span(side: Side) -> Any:
    span = side.tracer(span_limits=SpanLimits(max_span_attributes=3, max_events=2, max_links=2)).start_span(
        "name", context=REMOTE, kind=SpanKind.CLIENT, attributes={"a": 1, "b": [1, 2]}, start_time=1_000_000_000
    )
    span.set_attributes({"c": {"x": None}, "d": 0.5})
    for index in range(3):
        span.add_event(f"event {index}", {"index": index}, timestamp=2_000_000_000 + index)
        span.add_link(span.get_span_context(), {"index": index})
    span.set_status(StatusCode.ERROR, "why")
    return span


def test_everything_reads_the_same_while_running_and_after_the_end_and_in_a_processor() -> None:
    def scenario(side: Side) -> Any:
        span = full_span(side)
        running = described(span)
        span.end(3_000_000_000)
        ended = described(span)
        del running["times"], ended["times"]
        return running, ended, span.start_time, span.end_time

    seen = same(scenario)
    assert seen.result[0] == seen.result[1]
    assert seen.result[2:] == (1_000_000_000, 3_000_000_000)
    assert seen.spans[0]["dropped"] == (1, 1, 1)


def json_without_ids(text: str) -> Any:
    read = json.loads(text)
    for context in [read["context"], *(link["context"] for link in read["links"])]:
        assert context["span_id"].startswith("0x") and len(context["span_id"]) == 18
        context["span_id"] = context["trace_id"] = None
    return read


@pytest.mark.parametrize("indent", [4, None, 0])
def test_to_json_is_the_sdks(indent: int | None) -> None:
    def scenario(side: Side) -> Any:
        span = full_span(side)
        span.end(3_000_000_000)
        texts = [span.to_json(indent=indent), side.spans[0].to_json(indent)]
        assert texts[0] == texts[1]
        lines = texts[0].count("\n")
        return json_without_ids(texts[0]), lines, list(json.loads(texts[0]))

    assert same(scenario).result[0]["parent_id"] == "0x0000000000000def"


def test_to_json_of_a_running_span() -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", start_time=1_000_000_000)
        return json_without_ids(span.to_json())

    assert same(scenario).result["end_time"] is None


def test_repr_is_the_sdks() -> None:
    class Fixed:
        def generate_trace_id(self) -> int:
            return 5

        def generate_span_id(self) -> int:
            return 6

        def is_trace_id_random(self) -> bool:
            return False

    def scenario(side: Side) -> Any:
        return repr(side.span(id_generator=Fixed()))

    assert same(scenario).result.startswith('_Span(name="name", context=SpanContext(trace_id=0x')


def test_attributes_are_a_mappingproxy_live_while_it_has_entries() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        empty = span.attributes
        span.set_attribute("a", 1)
        first = span.attributes
        span.set_attribute("b", 2)
        span.set_attribute("a", 3)
        before_end = dict(first)
        span.end()
        return (
            type(empty).__name__,
            dict(empty),
            before_end,
            dict(first),
            dict(span.attributes),
            len(first),
            "b" in first,
        )

    assert same(scenario).result == ("mappingproxy", {}, {"b": 2, "a": 3}, {"b": 2, "a": 3}, {"b": 2, "a": 3}, 2, True)


def test_attributes_cannot_be_written_through_the_proxy() -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        span.set_attribute("a", 1)
        span.attributes["b"] = 2

    seen = same(scenario)
    assert seen.raised is not None and seen.raised[0] == "TypeError"


def test_the_context_is_one_object_and_its_fields_are_the_sdks() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        context = span.get_span_context()
        same_object = context is span.get_span_context() and context is span.context
        return (
            type(context),
            same_object,
            context.is_valid,
            context.is_remote,
            type(context.trace_flags),
            context.trace_state,
        )

    assert same(scenario).result[:3] == (SpanContext, True, True)


def test_children_have_their_parents_trace_id_and_flags() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        with tracer.start_as_current_span("parent") as parent, tracer.start_as_current_span("child") as child:
            grandchild = tracer.start_span("grandchild")
            grandchild.end()
        return child.parent == parent.get_span_context(), grandchild.parent == child.get_span_context()

    seen = same(scenario)
    assert seen.result == (True, True)
    assert len({span["context"]["trace"] for span in seen.spans}) == 1


def test_a_remote_parents_trace_state_reaches_children_and_grandchildren() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        with (
            tracer.start_as_current_span("child", context=REMOTE) as child,
            tracer.start_as_current_span("grandchild") as grandchild,
        ):
            pass
        return child.parent.is_remote, [span.context.trace_state.to_header() for span in (child, grandchild)]

    assert same(scenario).result == (True, ["vendor=1,b=2"] * 2)


@pytest.mark.parametrize("what", ["running", "ended", "readable"])
def test_a_span_cannot_be_pickled(what: str) -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        if what != "running":
            span.end()
        try:
            pickle.dumps(side.spans[0] if what == "readable" else span)
        except TypeError:
            return
        raise AssertionError("pickled")

    assert same(scenario).raised is None


@pytest.mark.parametrize("what", ["running", "ended"])
def test_a_span_cannot_be_copied_deeply(what: str) -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        if what == "ended":
            span.end()
        try:
            copy.deepcopy(span)
        except TypeError:
            return
        raise AssertionError("copied")

    assert same(scenario).raised is None


def test_what_a_processor_gets_can_be_copied_deeply() -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"list": [1]})
        span.add_event("event", {"a": 1})
        span.add_link(span.get_span_context(), {"b": 2})
        span.end()
        copied = copy.deepcopy(side.spans[0])
        return described(copied) == described(side.spans[0]), copied.end_time == span.end_time

    assert same(scenario).result == (True, True)


@pytest.mark.parametrize("what", ["running", "ended", "readable"])
def test_copy_copy_gives_a_span_that_reads_alike(what: str) -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"a": 1})
        if what != "running":
            span.end()
        original = side.spans[0] if what == "readable" else span
        return described(copy.copy(original)) == described(original)

    assert same(scenario).result is True


def test_spans_can_be_referred_to_weakly_and_hashed() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        reference = weakref.ref(span)
        alive = reference() is span
        known = span in {span: 1} and span == span and span != side.span()
        del span
        return alive, known, reference() is None

    assert same(scenario).result == (True, True, True)


def test_a_span_has_no_room_for_others_attributes() -> None:
    """Difference: no `__dict__`. A WeakKeyDictionary keeps what belongs to a span."""
    from tests.conformance.trace.sides import both

    def scenario(side: Side) -> Any:
        span = side.span()
        span.mine = 1
        return span.mine

    theirs, ours = both(scenario)
    assert theirs.result == 1
    assert ours.raised is not None and ours.raised[0] == "AttributeError"


def test_what_a_processor_gets_lists_the_names_that_it_has() -> None:
    """Difference: no `__dict__`, so that `vars()` has nothing to give; `dir()` has the names."""
    from tests.conformance.trace.sides import both

    def scenario(side: Side) -> Any:
        side.span().end()
        (view,) = side.spans
        return hasattr(view, "__dict__"), sorted({"name", "attributes", "to_json", "_attributes"} & set(dir(view)))

    theirs, ours = both(scenario)
    public = ["attributes", "name", "to_json"]
    assert theirs.result == (True, ["_attributes", *public])
    assert ours.result == (False, public)


def test_instrumentation_info_is_deprecated_as_with_the_sdk() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        info = span.instrumentation_info
        span.end()
        return info == side.spans[0].instrumentation_info, info.name, info.version, info.schema_url

    seen = same(scenario)
    assert seen.result == (True, "scope", "1.0", "https://schema")
    assert [category for category, _ in seen.warned] == ["DeprecationWarning"] * 2


@pytest.mark.parametrize(
    "name",
    ["_name", "_kind", "_parent", "_start_time", "_end_time", "_resource", "_instrumentation_scope", "_context"],
)
def test_private_fields_that_libraries_touch_can_be_read(name: str) -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        public = name.removeprefix("_")
        running = getattr(span, name) == getattr(span, public)
        span.end()
        return running, getattr(span, name) == getattr(side.spans[0], public) == getattr(side.spans[0], name)

    assert same(scenario).result == (True, True)


def test_private_attributes_events_links_status_and_limits_read_as_the_sdks() -> None:
    def scenario(side: Side) -> Any:
        span = full_span(side)
        seen = []
        for _ in range(2):
            seen.append(
                (
                    type(span._attributes).__mro__[-4:] and typed(dict(span._attributes)),
                    span._attributes.maxlen,
                    span._attributes.dropped,
                    len(span._events),
                    span._events.dropped,
                    len(span._links),
                    span._links.dropped,
                    (span._status.status_code, span._status.description),
                    span._limits.max_events,
                    span._instrumentation_info.name,
                )
            )
            if span.is_recording():
                span.end()
        return seen

    first, second = same(scenario).result
    assert first == second


def test_private_attributes_of_a_running_span_can_be_written() -> None:
    def scenario(side: Side) -> Any:
        span = side.tracer().start_span("name", attributes={"secret": 1, "a": 2})
        del span._attributes["secret"]
        span._attributes["b"] = [3]
        span._name = "renamed"
        seen = dict(span._attributes), dict(span.attributes), span.name
        redacted = {name.upper(): value for name, value in span._attributes.items()}
        span._attributes = BoundedAttributes(attributes=redacted, immutable=False)
        span.set_attribute("c", 4)
        span.end()
        return *seen, dict(span.attributes)

    expected = {"a": 2, "b": (3,)}
    assert same(scenario).result == (expected, expected, "renamed", {"A": 2, "B": (3,), "c": 4})


@pytest.mark.parametrize(
    "name", ["attributes", "name", "kind", "status", "events", "links", "resource", "parent", "start_time", "to_json"]
)
def test_an_unsampled_span_has_none_of_them_as_a_non_recording_span(name: str) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    def scenario(side: Side) -> None:
        value = getattr(side.span(sampler=ALWAYS_OFF), name)
        value()  # to_json is a method of ours all the same, which raises when called

    assert same(scenario).raised == ("AttributeError", f"'NonRecordingSpan' object has no attribute '{name}'")


def test_an_unsampled_span_does_nothing_silently() -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    def scenario(side: Side) -> Any:
        span = side.span(sampler=ALWAYS_OFF)
        returned = [
            span.set_attribute("a", 1),
            span.set_attributes({"": object()}),
            span.add_event("e"),
            span.add_link(span.get_span_context()),
            span.update_name("new"),
            span.set_status(StatusCode.ERROR),
            span.record_exception(ValueError("x")),
            span.end(),
            span.end(),
            span.is_recording(),
        ]
        with pytest.raises(ValueError), span:
            raise ValueError("x")
        context = span.get_span_context()
        return returned, context.is_valid, int(context.trace_flags) & 1, repr(span)[:40]

    seen = same(scenario)
    assert seen.result == ([None] * 9 + [False], True, 0, "NonRecordingSpan(SpanContext(trace_id=0x"[:40])
    assert (seen.texts, seen.spans) == ([], [])


def test_the_resource_and_the_scope_are_the_providers_own_objects() -> None:
    from tests.conformance.trace.sides import RESOURCE

    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        span = tracer.start_span("name")
        span.end()
        ended = side.spans[0]
        scope = span.instrumentation_scope
        return span.resource is RESOURCE, ended.resource is RESOURCE, scope is ended.instrumentation_scope, scope

    seen = same(scenario)
    assert seen.result[:3] == (True, True, True)
    assert seen.result[3].attributes == {"scope.key": "value"}
