"""Spans that are not fresh from the SDK: tampered instances, subclasses, other people's classes; and batches of odd kinds."""

import collections
import copy
import gc
import itertools
import pickle
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState

import spanwire
from tests.official import assert_same_bytes, official_bytes, parse, spans_of
from tests.property.foreign import as_foreign
from tests.spans import RESOURCE, SCOPE, context, span

HERE = context()
FIELDS = [name for name in vars(span()) if name.startswith("_")]
READ_BY_NOBODY = {"_instrumentation_info"}


def full(name: str = "full") -> ReadableSpan:
    return span(
        name,
        context=SpanContext(1, 2, False, None, TraceState([("a", "b")])),
        parent=HERE,
        events=[Event("e", {"a": 1}, 5)],
        links=(Link(HERE, {"b": "ä"}),),
        status=Status(StatusCode.ERROR, "why"),
    )


def encoded_like_upstream(*batch: Any) -> None:
    assert_same_bytes(spanwire.encode_spans(list(batch)), official_bytes(list(batch)))


def test_all_fields_are_known_to_these_tests() -> None:
    assert len(FIELDS) == 13, "the SDK's ReadableSpan has other fields: look at the fast path and at these tests again"


@pytest.mark.parametrize("materialise", [False, True], ids=["inline", "with a dict"])
@pytest.mark.parametrize("deleted", FIELDS)
@pytest.mark.parametrize(
    "added",
    [
        None,
        0,
        7,
        "text",
        (),
        [],
        {},
        {"a": 1},
        True,
        RESOURCE,
        SCOPE,
        HERE,
        Status(),
        SpanKind.CLIENT,
        BoundedList(1),
        BoundedAttributes(),
    ],
    ids=lambda added: type(added).__name__,
)
def test_a_field_deleted_and_another_added_never_shifts_the_rest(deleted: str, added: Any, materialise: bool) -> None:
    tampered = full()
    if materialise:
        vars(tampered)
    delattr(tampered, deleted)
    tampered.added = added  # type: ignore[attr-defined]
    neighbour = full("neighbour")
    try:
        expected = official_bytes([neighbour, tampered])
    except AttributeError:
        # Upstream loses the batch. Ours keeps the neighbour, and of this span whatever it still has.
        ours = spans_of(parse(spanwire.encode_spans([neighbour, tampered])))
        assert ours[0] == spans_of(parse(official_bytes([neighbour])))[0]
        assert deleted not in READ_BY_NOBODY
        assert len(ours) == (1 if deleted == "_context" else 2)
        for encoded in ours[1:]:
            assert encoded.trace_id == ours[0].trace_id
            assert (encoded.name == "full") == (deleted != "_name")
            assert bool(encoded.attributes) == (deleted != "_attributes")
    else:
        assert_same_bytes(spanwire.encode_spans([neighbour, tampered]), expected)


@pytest.mark.parametrize(
    "order", [FIELDS[::-1], sorted(FIELDS), FIELDS[5:] + FIELDS[:5]], ids=["reversed", "sorted", "rotated"]
)
def test_an_instance_filled_in_another_order_is_read_right(order: list[str]) -> None:
    source = full()
    other = ReadableSpan.__new__(ReadableSpan)
    for name in order:
        setattr(other, name, getattr(source, name))
    encoded_like_upstream(source, other, source)


def test_an_instance_made_by_copy_or_dict_is_read_right() -> None:
    source = full()
    by_update = ReadableSpan.__new__(ReadableSpan)
    by_update.__dict__.update({"early": 1, **vars(full())})
    replaced = full()
    replaced.__dict__ = dict(reversed(vars(source).items()))
    encoded_like_upstream(copy.copy(source), by_update, replaced, source)


def test_an_instance_whose_dict_has_keys_of_a_subclass_is_read_right() -> None:
    class Key(str):
        __slots__ = ()

    other = ReadableSpan.__new__(ReadableSpan)
    other.__dict__.update({Key(name): value for name, value in vars(full()).items()})
    encoded_like_upstream(full(), other)


def test_thirty_added_fields_change_nothing() -> None:
    other = full()
    for number in range(30):
        setattr(other, f"added_{number}", number)
    encoded_like_upstream(other, full())


def test_an_instance_attribute_cannot_shadow_a_property() -> None:
    other = full()
    vars(other)["name"] = "shadow"
    vars(other)["attributes"] = {"shadow": 1}
    # A plain method is shadowed, though, upstream and here.
    vars(other)["get_span_context"] = lambda: SpanContext(77, 78, False)
    encoded_like_upstream(other, full())


@pytest.mark.parametrize(
    "attributes",
    [
        MappingProxyType({"a": 1}),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(int, a=1),
        collections.ChainMap({"a": 1}, {"b": 2}),
        collections.UserDict(a=1),
        collections.Counter("aab"),
        type("Quiet", (dict,), {"__bool__": lambda self: False})(a=1),
        type("Loud", (dict,), {"items": lambda self: [("other", 1)]})(a=1),
        type("Loud", (BoundedAttributes,), {"__getitem__": lambda self, key: "other"})(attributes={"a": 1}),
    ],
    ids=lambda attributes: type(attributes).__name__,
)
def test_attributes_of_any_mapping_are_read_right(attributes: Any) -> None:
    encoded_like_upstream(
        span(context=HERE, attributes=attributes),
        span(context=HERE, attributes=None, events=[Event("e", attributes, 1)], links=[Link(HERE, attributes)]),
    )


@pytest.mark.parametrize(
    "make",
    [
        tuple,
        list,
        collections.deque,
        set,
        frozenset,
        iter,
        lambda items: dict.fromkeys(items),
        lambda items: BoundedList.from_seq(9, items),
    ],
    ids=["tuple", "list", "deque", "set", "frozenset", "iterator", "dict", "BoundedList"],
)
def test_events_and_links_of_any_iterable_are_read_right(make: Any) -> None:
    def batch() -> list[Any]:
        return [span("one", context=HERE, events=make([Event("e", None, 1)]), links=make([Link(HERE)]))]

    assert_same_bytes(spanwire.encode_spans(batch()), official_bytes(batch()))


def test_a_bounded_list_whose_deque_was_replaced_is_read_right() -> None:
    events: Any = BoundedList(3)
    events._dq = [Event("in a list", None, 1)]
    events.dropped = 4
    many: Any = BoundedList(None)
    # More than one block of the deque, begun in the middle of one.
    many._dq = collections.deque(Event(f"e{number}", {"n": number}, number) for number in range(300))
    many._dq.rotate(130)
    many._dq.popleft()
    encoded_like_upstream(span(events=events, links=BoundedList(0)), span(events=many))


@pytest.mark.parametrize("dropped", [0, 1, 127, 128, 2**31, 2**32 - 1])
def test_dropped_counts_are_written_up_to_32_bits(dropped: int) -> None:
    attributes = BoundedAttributes(attributes={"a": 1})
    events: Any = BoundedList(1)
    links: Any = BoundedList(1)
    attributes.dropped = events.dropped = links.dropped = dropped
    encoded_like_upstream(
        span(attributes=attributes, events=events, links=links),
        span(events=[Event("e", attributes, 1)], links=[Link(HERE, attributes)]),
    )


def test_spans_still_open_are_encoded_as_they_stand() -> None:
    tracer = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("shop")
    with tracer.start_as_current_span("open", attributes={"a": 1}) as open_span:
        encoded_like_upstream(open_span)
        open_span.add_event("later", timestamp=1)
        encoded_like_upstream(open_span, full())


def test_subclasses_are_read_by_what_they_override() -> None:
    class Loud(ReadableSpan):
        name = property(lambda self: self._name.upper())
        kind = SpanKind.PRODUCER

    class Lazy(ReadableSpan):
        def __init__(self) -> None:
            pass

        def __getattr__(self, name: str) -> Any:
            return getattr(full("lazy"), name)

    class Slotted(ReadableSpan):
        __slots__ = ("extra",)

    loud, slotted = Loud.__new__(Loud), Slotted("slotted", HERE, resource=RESOURCE)
    vars(loud).update(vars(full()))
    encoded_like_upstream(full(), loud, Lazy(), slotted, as_foreign(full("foreign")), full())


def test_foreign_parts_in_an_sdk_span_are_read_by_public_attributes() -> None:
    state = {"vendor": "dict"}
    foreign_context = SimpleNamespace(trace_id=5, span_id=6, is_remote=1, trace_flags=1, trace_state=state)
    event = SimpleNamespace(name="foreign", timestamp=9, attributes={"a": 1}, dropped_attributes=2)
    link = SimpleNamespace(context=foreign_context, attributes={"b": 2}, dropped_attributes=3)
    status = SimpleNamespace(status_code=SimpleNamespace(value=2), description="foreign")
    resource = Resource({"a": 1})
    encoded_like_upstream(
        span("context", context=foreign_context),
        span("parent", parent=foreign_context),
        span("event", events=[event, Event("own", None, 1)]),
        span("link", links=[Link(HERE), link]),
        span("status", status=status),
        span(
            "all",
            context=foreign_context,
            parent=foreign_context,
            events=(event,),
            links=(link,),
            status=status,
            resource=resource,
        ),
    )


@pytest.mark.parametrize("value", [1, 2, -1, 127, 2**31 - 1, -(2**31)])
def test_a_status_code_of_the_future_is_written_as_its_number(value: int) -> None:
    encoded_like_upstream(span(status=SimpleNamespace(status_code=SimpleNamespace(value=value), description=None)))


def test_names_and_times_of_unusual_types_are_written_as_protobuf_writes_them() -> None:
    class Index:
        def __index__(self) -> int:
            return 5

    class Text(str):
        __slots__ = ()

    class Number(int):
        pass

    encoded_like_upstream(
        span(b"bytes", start_time=Index(), end_time=Number(7)),
        span(Text("subclass"), start_time=None, end_time=0, instrumentation_scope=None),
        span("", kind=SpanKind.INTERNAL, status=None),
        span(context=SpanContext(True, False, True)),
    )


class Unreadable:
    """A span none of whose attributes can be read."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


NO_SPANS: dict[str, Any] = {
    "None": lambda: None,
    "a number": lambda: 5,
    "text": lambda: "text",
    "a dict": dict,
    "an object": object,
    "unreadable": Unreadable,
    "the class": lambda: ReadableSpan,
    "an empty instance": lambda: ReadableSpan.__new__(ReadableSpan),
    "an event": lambda: Event("e"),
}


@pytest.mark.parametrize("case", NO_SPANS)
def test_what_is_no_span_is_left_out_alone(case: str) -> None:
    what = NO_SPANS[case]()
    one, other = full("one"), full("other")
    assert_same_bytes(spanwire.encode_spans([one, what, other]), official_bytes([one, other]))


def test_a_sequence_that_raises_midway_raises() -> None:
    def spans() -> Any:
        yield full()
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        spanwire.encode_spans(spans())
    encoded_like_upstream(full())


def test_a_list_that_shrinks_while_it_is_encoded_ends_where_upstream_sees_it_end() -> None:
    batch: list[Any] = []

    class Shrinking(ReadableSpan):
        @property
        def attributes(self) -> Any:
            del batch[2:]
            gc.collect()
            return {}

    def fill() -> list[Any]:
        batch[:] = [full("one"), Shrinking("shrinking", HERE, resource=RESOURCE), full("two"), full("three")]
        return batch

    names = [item.name for item in spans_of(parse(spanwire.encode_spans(fill())))]
    assert names == [item.name for item in spans_of(parse(official_bytes(fill())))]
    assert names == ["one", "shrinking"]


def test_a_list_that_grows_while_it_is_encoded_is_read_to_its_end() -> None:
    batch: list[Any] = []

    class Growing(ReadableSpan):
        @property
        def attributes(self) -> Any:
            if len(batch) < 500:
                batch.append(Growing("growing", HERE, resource=RESOURCE))
            return {}

    batch += [full("one"), Growing("growing", HERE, resource=RESOURCE), full("two")]
    names = [item.name for item in spans_of(parse(spanwire.encode_spans(batch)))]
    assert (len(names), names.count("growing")) == (500, 498)


def test_pickled_ids_and_every_length_of_an_id_are_right() -> None:
    lengths = [1 << bits for bits in range(128)] + [(1 << bits) - 1 for bits in range(1, 129)]
    spans = [span(context=SpanContext(trace_id, trace_id & (2**64 - 1), False)) for trace_id in lengths]
    encoded_like_upstream(*spans, span(context=pickle.loads(pickle.dumps(HERE))))


def test_every_length_of_a_span_is_framed_right() -> None:
    # Around each size at which a length prefix of the span, of an attribute or of the group grows by a byte.
    for size in itertools.chain(range(200), range(16_200, 16_500), range(2_097_000, 2_097_300, 7)):
        encoded_like_upstream(span(context=HERE, attributes={"k": "x" * size}))
