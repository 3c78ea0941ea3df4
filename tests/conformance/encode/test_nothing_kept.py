"""After ``encode_spans`` returns, no object of the application is referenced, and memory does not grow with what it saw."""

import gc
import logging
import sys
import weakref
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status, StatusCode, TraceState

import spanwire
from tests.property.foreign import as_foreign, as_subclass, materialised
from tests.property.hostile import LIARS, RAISERS, Meddler
from tests.spans import context, span


class Weak:
    """Something that can be referenced weakly, for each place that an application can put an object."""


class WeakText(str):
    """A str that can be referenced weakly."""

    __slots__ = ("__weakref__",)


class WeakList(list[Any]):
    """A list that can be referenced weakly."""


def unique(length: int = 40) -> str:
    """Text that no other object holds."""
    return "".join(chr(0x100 + number % 60) for number in range(length))


def full(resource: Resource | None = None, scope: InstrumentationScope | None = None) -> ReadableSpan:
    """A span with something of its own in every field."""
    attributes = BoundedAttributes(
        attributes={unique(): unique(), "int": 2**62, "float": 0.25, "list": [unique(), 2**61], "map": {unique(): 1.5}}
    )
    state = TraceState([("vendor", "opaque")])
    own = context(trace_state=state)
    return span(
        unique(),
        context=own,
        parent=context(),
        resource=resource or Resource({"service.name": unique()}, unique()),
        instrumentation_scope=scope,
        attributes=attributes,
        events=BoundedList.from_seq(3, [Event(unique(), attributes, 2**61)]),
        links=BoundedList.from_seq(3, [Link(own, attributes)]),
        status=Status(StatusCode.ERROR, unique()),
    )


def everything_in(root: Any) -> list[Any]:
    """Every object reachable from a span that belongs to it alone: no classes, modules or functions."""
    found: dict[int, Any] = {}
    todo = [root]
    while todo:
        item = todo.pop()
        if id(item) in found or isinstance(item, (type, type(sys), type(unique), Enum)) or item is None:
            continue
        found[id(item)] = item
        todo += gc.get_referents(item)
    return list(found.values())


def is_shared(item: Any) -> bool:
    """Whether the whole interpreter shares it, small numbers, letters and the like: its count changes by itself."""
    if isinstance(item, int):
        return -5 <= item <= 256
    if isinstance(item, (str, bytes)) and len(item) <= 1:
        return True
    return item == () or sys.getrefcount(item) >= 1_000


def reference_counts(objects: list[Any]) -> list[int]:
    return [sys.getrefcount(item) for item in objects]


@pytest.mark.parametrize(
    "disguise", [lambda item: item, as_foreign, as_subclass, materialised], ids=["fast", "foreign", "subclass", "dict"]
)
def test_reference_counts_are_as_before(disguise: Callable[[ReadableSpan], Any]) -> None:
    resource = Resource({"service.name": "kept"})
    batch = [disguise(full(resource)) for _ in range(3)]
    # The first time, caches may take a weak reference to the resource, and whatever is imported late is imported.
    spanwire.encode_spans(batch)
    gc.collect()
    objects = [item for item in everything_in(batch) if not is_shared(item)]
    assert len(objects) > 50
    before = reference_counts(objects)
    for _ in range(20):
        spanwire.encode_spans(batch)
    after = reference_counts(objects)
    changed = [
        (type(item), item, old, new) for item, old, new in zip(objects, before, after, strict=True) if old != new
    ]
    assert changed == []


def test_whatever_a_span_held_dies_with_it() -> None:
    held: dict[str, Any] = {
        "resource": Resource({"service.name": "dies"}),
        "name": WeakText("name"),
        "value": WeakText("välue"),
        "list": WeakList([1, "ü", WeakText("x")]),
        "refused": Weak(),
        "attributes": BoundedAttributes(attributes={"a": 1}),
        "events": BoundedList(1),
        "status": Status(StatusCode.ERROR, "why"),
        "state": TraceState([("a", "b")]),
    }
    own = span(
        held["name"],
        context=context(trace_state=held["state"]),
        resource=held["resource"],
        attributes={"value": held["value"], "list": held["list"], "refused": held["refused"]},
        events=held["events"],
        status=held["status"],
    )
    batch = [own, span(attributes=held["attributes"]), full(held["resource"])]
    assert spanwire.encode_spans(batch)
    watched = {name: weakref.ref(item) for name, item in held.items()} | {"span": weakref.ref(own)}
    held.clear()
    batch.clear()
    del own
    gc.collect()
    assert {name for name, reference in watched.items() if reference() is not None} == set()


@pytest.mark.parametrize("case", [*RAISERS, *LIARS])
def test_a_hostile_value_dies_with_its_span(case: str) -> None:
    value = {**RAISERS, **LIARS}[case]()
    try:
        watched = weakref.ref(value)
    except TypeError:
        pytest.skip("not applicable: no weak reference to this type")
    if type(value) is type:
        pytest.skip("not applicable: a class lives on")
    batch = [span(attributes={"hostile": value})]
    spanwire.encode_spans(batch)
    del value, batch
    gc.collect()
    assert watched() is None


def growth(work: Callable[[], Any], rounds: int) -> int:
    """Blocks of the interpreter's allocator that ``rounds`` more calls leave behind, after as many to warm up."""
    logging.disable()  # pytest keeps every record, and older SDKs log a line an attribute
    try:
        for _ in range(rounds):
            work()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(rounds):
            work()
        gc.collect()
        return sys.getallocatedblocks() - before
    finally:
        logging.disable(logging.NOTSET)


def test_the_same_batch_again_and_again_leaves_nothing() -> None:
    batch = [full() for _ in range(5)]
    assert growth(lambda: spanwire.encode_spans(batch), 2_000) < 50


@pytest.mark.slow
def test_a_new_resource_for_each_request_does_not_grow() -> None:
    assert growth(lambda: spanwire.encode_spans([full()]), 5_000) < 500


@pytest.mark.slow
def test_new_scopes_do_not_grow() -> None:
    numbers = iter(range(10**9))

    def encode() -> None:
        scope = InstrumentationScope(f"scope {next(numbers)}", "1.0", unique(), {"a": 1})
        spanwire.encode_spans([full(scope=scope)])

    assert growth(encode, 10_000) < 1_000


def test_only_some_scopes_are_kept_alive() -> None:
    # InstrumentationScope cannot be referenced weakly; one of its attributes can, and dies with it.
    class Tagged(BoundedAttributes):
        pass

    watched = []
    for number in range(2_000):
        scope = InstrumentationScope(f"scope {number}")
        scope._attributes = Tagged(attributes={"number": number})
        watched.append(weakref.ref(scope._attributes))
        spanwire.encode_spans([span(instrumentation_scope=scope)])
    del scope
    gc.collect()
    assert sum(reference() is not None for reference in watched) <= 512


def test_a_scope_used_all_the_time_is_still_right_after_ten_thousand_others() -> None:
    constant = InstrumentationScope("constant", "1")
    expected = spanwire.encode_spans([span("x", context=(own := context()), instrumentation_scope=constant)])
    for number in range(10_000):
        scope = InstrumentationScope(f"scope {number}")
        data = spanwire.encode_spans([span(instrumentation_scope=scope)])
        assert f"scope {number}".encode() in data
    assert spanwire.encode_spans([span("x", context=own, instrumentation_scope=constant)]) == expected


def test_a_resource_at_the_address_of_a_dead_one_is_not_taken_for_it() -> None:
    addresses = set()
    for number in range(3_000):
        resource = Resource({"number": f"<{number}>"})
        addresses.add(id(resource))
        assert f"<{number}>".encode() in spanwire.encode_spans([span(resource=resource)])
        del resource
    # Or this test would show nothing.
    assert len(addresses) < 2_900


@pytest.mark.slow
def test_refused_and_raising_values_do_not_grow() -> None:
    def raises(_: Any) -> None:
        raise LookupError

    batch = [
        span(attributes={"raises": Meddler(raises), "big": 2**64, "lone": "\ud800", "foreign": object()}),
        span("\ud800"),
    ]
    assert growth(lambda: spanwire.encode_spans(batch), 3_000) < 200


@pytest.mark.slow
def test_the_process_does_not_grow_over_many_encodes() -> None:
    # What the interpreter's allocator does not see: the native side's own memory.
    resident = _resident_bytes()
    if resident is None:
        pytest.skip("not applicable: no /proc")
    batch = [full() for _ in range(20)]
    for _ in range(2_000):
        spanwire.encode_spans(batch)
    grown = []
    for _ in range(3):
        before = _resident_bytes() or 0
        for _ in range(6_000):
            spanwire.encode_spans(batch)
        grown.append((_resident_bytes() or 0) - before)
    # What encoding keeps grows each time; what other threads of the process, or the allocator, take once does not.
    assert min(grown) < (4 << 20) / 3, grown


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096
    except FileNotFoundError:
        return None
