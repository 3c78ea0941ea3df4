"""What the native encoder may assume of the SDK's classes; asked once, before the first batch, and again when a class changes.

The encoder reads exact instances of these classes by their private values, without running their properties. That is right only
as long as the properties are the SDK's own: :func:`is_intact` says so. Everything else is read by public attributes.
"""

import sys
from collections import deque
from collections.abc import Mapping
from inspect import getattr_static
from types import FunctionType

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.span import TraceState

__all__ = ["CLASSES", "INLINE", "INSTANCES", "INTS", "KINDS", "STATUS_CODES", "is_intact", "samples"]

#: The private values read of each class, in the order in which the encoder expects them.
VALUES: dict[type, tuple[str, ...]] = {
    ReadableSpan: (
        "_name",
        "_context",
        "_kind",
        "_parent",
        "_start_time",
        "_end_time",
        "_attributes",
        "_events",
        "_links",
        "_status",
        "_resource",
        "_instrumentation_scope",
    ),
    BoundedAttributes: ("_dict", "dropped"),
    BoundedList: ("_dq", "dropped"),
    Status: ("_status_code", "_description"),
    Event: ("_name", "_timestamp", "_attributes"),
    Link: ("_context", "_attributes"),
    TraceState: ("_dict",),
}
#: Classes in the order in which the encoder expects them; the last four have no values to read.
CLASSES: tuple[type, ...] = (*VALUES, SpanContext, deque, Resource, InstrumentationScope)
#: Properties and methods that the private values stand for.
PUBLIC: dict[type, tuple[str, ...]] = {
    ReadableSpan: (
        "name",
        "get_span_context",
        "kind",
        "parent",
        "start_time",
        "end_time",
        "attributes",
        "events",
        "links",
        "status",
        "resource",
        "instrumentation_scope",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
    ),
    BoundedAttributes: ("__iter__", "__getitem__", "__len__"),
    BoundedList: ("__iter__", "__getitem__", "__len__"),
    Status: ("status_code", "description"),
    Event: ("name", "timestamp", "attributes", "dropped_attributes"),
    Link: ("context", "attributes", "dropped_attributes"),
    TraceState: ("__iter__", "__getitem__", "__len__"),
    SpanContext: ("trace_id", "span_id", "is_remote", "trace_flags", "trace_state"),
    Resource: ("attributes", "schema_url"),
    InstrumentationScope: ("name", "version", "schema_url", "attributes"),
}
#: Whether the interpreter's own array of an instance's values may be read, where that is proved.
INLINE = True
KINDS = (SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)
STATUS_CODES = (StatusCode.UNSET, StatusCode.OK, StatusCode.ERROR)
#: Numbers on both sides of every boundary of the interpreter's digits and of 64 and 128 bits. None where digits have another
#: size: reading them in place would go past their end.
INTS = tuple(
    sign * ((1 << bits) + more)
    for bits in (0, 8, 29, 30, 31, 59, 60, 61, 63, 64, 89, 90, 127, 128, 150)
    for more in (-1, 0, 1)
    for sign in (1, -1)
    if (sys.int_info.bits_per_digit, sys.int_info.sizeof_digit) == (30, 4)
)


def _with_distinct_values(instance: object) -> object:
    """``instance`` with every value that the encoder reads replaced by an object of its own."""
    for name in VALUES[type(instance)]:
        setattr(instance, name, object())
    return instance


def _context(trace_state: TraceState | None = None, remote: bool = False) -> SpanContext:
    return SpanContext(0x0102030405060708090A0B0C0D0E0F10, 0x1112131415161718, remote, None, trace_state)


#: One instance a class of ``VALUES``, made by its own constructor so that the order of its values is the usual one.
INSTANCES: tuple[object, ...] = (
    _with_distinct_values(ReadableSpan("probe", _context(), resource=Resource({}))),
    _with_distinct_values(BoundedAttributes()),
    _with_distinct_values(BoundedList(1)),
    _with_distinct_values(Status()),
    _with_distinct_values(Event("probe", timestamp=1)),
    _with_distinct_values(Link(_context())),
    _with_distinct_values(TraceState()),
)


def _is_own(cls: type, name: str) -> bool:
    """Whether ``cls.name`` is what the module of ``cls`` (or of one of its bases) defined under that name."""
    owner = next((base for base in cls.__mro__ if name in vars(base)), None)
    if owner is None:
        return False
    function = vars(owner)[name]
    function = function.fget if isinstance(function, property) else function
    module = sys.modules.get(owner.__module__)
    return (
        isinstance(function, FunctionType)
        and function.__name__ == name
        and not hasattr(function, "__wrapped__")
        and function.__code__.co_filename == getattr(module, "__file__", None)
    )


def _reads_plainly(cls: type) -> bool:
    return getattr_static(cls, "__getattribute__") in (object.__getattribute__, tuple.__getattribute__) and not hasattr(
        cls, "__getattr__"
    )


def is_intact() -> bool:
    """Whether every property and method that the encoder bypasses is the SDK's own. Never raises."""
    try:
        return (
            all(_reads_plainly(cls) and all(_is_own(cls, name) for name in names) for cls, names in PUBLIC.items())
            and not any(hasattr(cls, name) for cls, names in VALUES.items() for name in names)
            and not any(hasattr(cls, "__bool__") for cls in (BoundedAttributes, SpanContext, InstrumentationScope))
            and not hasattr(InstrumentationScope, "__len__")
            and getattr_static(SpanContext, "__len__") is tuple.__len__
            and getattr_static(BoundedAttributes, "items") is Mapping.items
            and (getattr_static(TraceState, "items") is Mapping.items or _is_own(TraceState, "items"))
        )
    except Exception:
        return False


def samples() -> list[ReadableSpan]:
    """Spans with something in every field: encoded both ways before the fast one is used."""
    resource = Resource({"service.name": "probe"}, "https://example.invalid/resource")
    scope = InstrumentationScope("probe", "1", "https://example.invalid/scope", {"k": 1})
    attributes = BoundedAttributes()
    # Not by its constructor: older ones tell people that they do not take all of these.
    attributes._dict.update(  # noqa: SLF001 - what the fast path reads
        {"str": "text", "unicode": "Grüße 🌍", "int": -5, "float": 0.5, "bool": True, "none": None, "bytes": b"\0",
                    "list": ["a", 1], "map": {"a": [1]}}
    )  # fmt: skip
    attributes.dropped = 3
    events = BoundedList.from_seq(1, [Event("dropped", None, 1), Event("event", attributes, 2)])
    links = BoundedList.from_seq(1, [Link(_context()), Link(_context(TraceState([("a", "b")]), True), attributes)])
    context = _context(TraceState([("vendor", "value"), ("other", "1")]))
    return [
        ReadableSpan("plain", context, resource=resource, instrumentation_scope=scope),
        ReadableSpan(
            name="full",
            context=context,
            parent=_context(remote=True),
            resource=resource,
            attributes=attributes,
            events=events,
            links=links,
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR, "why"),
            start_time=1,
            end_time=1 << 62,
            instrumentation_scope=scope,
        ),
        ReadableSpan("bare", context, context, resource, {"k": "v"}, (events[0],), [links[0]], SpanKind.CONSUMER),
    ]
