"""Whoever patches a property or method of the SDK's classes is obeyed, as the official encoder obeys: redaction libraries do so.

Our fast path reads private fields, so each of these would be bypassed if the guards failed. Every test also checks that the
old bytes come back when the patch is removed.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, EventBase, ReadableSpan, TracerProvider
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState

import spanwire
from spanwire.exporter._common import sdk_probe
from tests.official import assert_same_bytes, official_bytes
from tests.property.sdk_spans import Collected

ABSENT = object()


def batch_of_the_sdk() -> list[ReadableSpan]:
    """Fresh spans with everything in them."""
    collected = Collected()
    resource = Resource({"service.name": "shop", "b": 1}, "https://example.org/resource")
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(collected)
    tracer = provider.get_tracer("shop", "1.0", "https://example.org/scope", {"scoped": True})
    remote = SpanContext(7, 8, True, None, TraceState([("vendor", "opaque")]))
    for number in range(3):
        with tracer.start_as_current_span(
            "outer", kind=SpanKind.SERVER, links=[Link(remote, {"linked": number})]
        ) as outer:
            outer.set_attribute("secret", "hunter2")
            outer.set_attribute("number", number)
            with tracer.start_as_current_span("inner") as inner:
                inner.add_event("happened", {"in": "event"}, 5)
                inner.set_status(StatusCode.ERROR, "broken")
    return collected.spans


@contextmanager
def patched(owner: type, name: str, value: Any) -> Iterator[None]:
    before = owner.__dict__.get(name, ABSENT)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def constant(value: Any) -> Any:
    return property(lambda self: value)


def redacted(items: Any) -> Any:
    return [(key, "***" if key == "secret" else value) for key, value in items]


bounded_items = BoundedAttributes.items
get_attribute = ReadableSpan.__getattribute__

PATCHES: dict[str, tuple[type, str, Any]] = {
    "ReadableSpan.name": (ReadableSpan, "name", property(lambda self: self._name.upper())),
    "ReadableSpan.attributes": (
        ReadableSpan,
        "attributes",
        property(lambda self: dict(redacted((self._attributes or {}).items()))),
    ),
    "ReadableSpan.events": (ReadableSpan, "events", constant(())),
    "ReadableSpan.links": (ReadableSpan, "links", property(lambda self: list(self._links) * 2)),
    "ReadableSpan.kind": (ReadableSpan, "kind", constant(SpanKind.CONSUMER)),
    "ReadableSpan.parent": (ReadableSpan, "parent", constant(None)),
    "ReadableSpan.status": (ReadableSpan, "status", constant(Status(StatusCode.OK))),
    "ReadableSpan.start_time": (ReadableSpan, "start_time", constant(1)),
    "ReadableSpan.end_time": (ReadableSpan, "end_time", constant(None)),
    "ReadableSpan.resource": (ReadableSpan, "resource", constant(Resource({"patched": 1}))),
    "ReadableSpan.instrumentation_scope": (ReadableSpan, "instrumentation_scope", constant(None)),
    "ReadableSpan.dropped_attributes": (ReadableSpan, "dropped_attributes", constant(9)),
    "ReadableSpan.dropped_events": (ReadableSpan, "dropped_events", constant(8)),
    "ReadableSpan.dropped_links": (ReadableSpan, "dropped_links", constant(7)),
    "ReadableSpan.get_span_context": (ReadableSpan, "get_span_context", lambda self: SpanContext(1, 2, False)),
    "ReadableSpan.__getattribute__": (
        ReadableSpan,
        "__getattribute__",
        lambda self, name: "spied" if name == "name" else get_attribute(self, name),
    ),
    "ReadableSpan._name": (ReadableSpan, "_name", property(lambda self: "data descriptor", lambda self, value: None)),
    "BoundedAttributes.items": (BoundedAttributes, "items", lambda self: redacted(bounded_items(self))),
    "BoundedAttributes.__getitem__": (BoundedAttributes, "__getitem__", lambda self, key: f"value of {key}"),
    "BoundedAttributes.__iter__": (BoundedAttributes, "__iter__", lambda self: iter(list(self._dict)[:1])),
    "BoundedAttributes.__len__": (BoundedAttributes, "__len__", lambda self: 0),
    "BoundedAttributes.__bool__": (BoundedAttributes, "__bool__", lambda self: False),
    "BoundedList.__iter__": (BoundedList, "__iter__", lambda self: iter(list(self._dq)[:0])),
    "BoundedList.__getitem__": (BoundedList, "__getitem__", lambda self, index: 1 / 0),
    "Event.name": (Event, "name", constant("patched")),
    "EventBase.name": (EventBase, "name", constant("patched")),
    "EventBase.timestamp": (EventBase, "timestamp", constant(77)),
    "Event.attributes": (Event, "attributes", constant({"patched": 1})),
    "Event.dropped_attributes": (Event, "dropped_attributes", constant(3)),
    "Link.attributes": (Link, "attributes", constant({"patched": 1})),
    "Link.context": (Link, "context", constant(SpanContext(5, 6, False))),
    "Link.dropped_attributes": (Link, "dropped_attributes", constant(4)),
    "Link base's context": (Link.__mro__[1], "context", constant(SpanContext(5, 6, True))),
    "Status.status_code": (Status, "status_code", constant(StatusCode.OK)),
    "Status.description": (Status, "description", constant("patched")),
    "SpanContext.trace_id": (SpanContext, "trace_id", constant(3)),
    "SpanContext.span_id": (SpanContext, "span_id", constant(4)),
    "SpanContext.is_remote": (SpanContext, "is_remote", constant(True)),
    "SpanContext.trace_state": (SpanContext, "trace_state", constant(TraceState([("patched", "1")]))),
    "SpanContext.__bool__": (SpanContext, "__bool__", lambda self: False),
    "SpanContext.__len__": (SpanContext, "__len__", lambda self: 0),
    "TraceState.items": (TraceState, "items", lambda self: [("patched", "1"), ("twice", "2")]),
    "Resource.attributes": (Resource, "attributes", constant({"patched": 1})),
    "Resource.schema_url": (Resource, "schema_url", constant("https://example.org/patched")),
    "Resource.__hash__": (Resource, "__hash__", lambda self: 1),
    "InstrumentationScope.name": (InstrumentationScope, "name", constant("patched")),
    "InstrumentationScope.version": (InstrumentationScope, "version", constant("patched")),
    "InstrumentationScope.attributes": (InstrumentationScope, "attributes", constant({"patched": 1})),
    "InstrumentationScope.schema_url": (InstrumentationScope, "schema_url", constant("https://example.org/patched")),
    "InstrumentationScope.__bool__": (InstrumentationScope, "__bool__", lambda self: False),
}


@pytest.mark.parametrize("case", PATCHES)
def test_a_patch_is_obeyed_and_its_removal_too(case: str) -> None:
    owner, name, value = PATCHES[case]
    batch = batch_of_the_sdk()
    unpatched = official_bytes(batch)
    assert_same_bytes(spanwire.encode_spans(batch), unpatched)

    with patched(owner, name, value):
        assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))
        # Spans that came to be under the patch, and nobody has read.
        fresh = batch_of_the_sdk()
        assert_same_bytes(spanwire.encode_spans(fresh), official_bytes(fresh))

    assert_same_bytes(spanwire.encode_spans(batch), unpatched)
    fresh = batch_of_the_sdk()
    assert_same_bytes(spanwire.encode_spans(fresh), official_bytes(fresh))


@pytest.mark.parametrize(
    "case", ["ReadableSpan.name", "BoundedAttributes.items", "Resource.attributes", "InstrumentationScope.name"]
)
def test_a_patch_is_obeyed_at_every_turn(case: str) -> None:
    owner, name, value = PATCHES[case]
    batch = batch_of_the_sdk()
    for _ in range(50):
        with patched(owner, name, value):
            assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))
        assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))


def test_a_patch_that_changes_what_is_patched_is_obeyed() -> None:
    batch = batch_of_the_sdk()
    for number in range(20):
        with patched(ReadableSpan, "name", constant(f"number {number}")):
            assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))


def test_two_resources_that_a_patch_makes_equal_share_a_group() -> None:
    batch = batch_of_the_sdk() + batch_of_the_sdk()
    batch[-1]._resource = Resource({"service.name": "other"})
    with patched(Resource, "__eq__", lambda self, other: True), patched(Resource, "__hash__", lambda self: 1):
        assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))
    assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))


def test_an_unrelated_attribute_on_a_class_changes_nothing() -> None:
    batch = batch_of_the_sdk()
    expected = official_bytes(batch)
    with patched(ReadableSpan, "added_by_application", 1), patched(Resource, "added_by_application", 1):
        assert_same_bytes(spanwire.encode_spans(batch), expected)


def version_tag(cls: type) -> ctypes.c_uint32:
    """The interpreter's field of that name, in the class itself."""
    return ctypes.c_uint32.from_address(id(cls) + 48 * ctypes.sizeof(ctypes.c_void_p))


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 10), reason="not applicable: only 3.10 begins anew when its type cache is cleared"
)
def test_a_patch_is_obeyed_where_versions_of_classes_repeat() -> None:
    batch = batch_of_the_sdk()
    unpatched = official_bytes(batch)
    assert_same_bytes(spanwire.encode_spans(batch), unpatched)
    before = [version_tag(cls).value for cls in sdk_probe.CLASSES]
    with patched(ReadableSpan, "name", constant("patched")):
        # As if other classes had been used just as often since as before the first batch.
        sys._clear_type_cache()
        for cls, tag in zip(sdk_probe.CLASSES, before, strict=True):
            assert getattr(cls, "__init__")  # noqa: B009 (a look-up gives the class a version)
            assert version_tag(cls).value
            version_tag(cls).value = tag
        assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))
        sys._clear_type_cache()
    assert_same_bytes(spanwire.encode_spans(batch), unpatched)
