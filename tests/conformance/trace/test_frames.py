"""What waits to be sent is what ``encode_spans(w3c_flags=True)`` makes of the SDK's span after the same calls, byte for byte."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

import spanwire
import spanwire.trace
from spanwire._native import FrameQueue
from tests.conformance.trace.sides import RESOURCE

NOW = 1_700_000_000_000_000_000
# One character of each width that Python has, and of each that UTF-8 has.
WIDTHS = {"ascii": "key", "latin1": "clé", "ucs2": "ключ€", "ucs4": "k😀y"}


class Counted(IdGenerator):
    """The same ids in every run."""

    def __init__(self) -> None:
        self.next = 1

    def generate_span_id(self) -> int:
        self.next += 1
        return self.next

    def generate_trace_id(self) -> int:
        self.next += 1
        return self.next << 64 | self.next


class Frames(SpanProcessor):
    """Takes finished frames, as the batch processor does."""

    def __init__(self) -> None:
        self._queue = FrameQueue()

    def on_end(self, span: ReadableSpan) -> None:
        raise AssertionError("called though it takes frames")

    on_end._takes_frames = True  # type: ignore[attr-defined]

    def request(self) -> bytes | None:
        taken = self._queue.take(1000, 1 << 30)
        return taken[0] if taken else None


class Kept(SpanProcessor):
    """Keeps the SDK's spans."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


Program = Callable[[api.Tracer], None]


def requests(program: Program, *first: SpanProcessor, **options: Any) -> tuple[bytes, bytes | None]:
    """What is sent of the SDK's spans and of ours."""
    kept, frames = Kept(), Frames()
    options = {"resource": RESOURCE, "shutdown_on_exit": False, **options}
    for module, last in ((sdk, kept), (spanwire.trace, frames)):
        provider = module.TracerProvider(id_generator=Counted(), **options)
        for processor in (*first, last):
            provider.add_span_processor(processor)
        program(provider.get_tracer("scope", "1.0", "https://schema", {"scope.key": "value"}))
    # One resource and scope in order, so the whole requests can be compared.
    return spanwire.encode_spans(kept.spans, w3c_flags=True), frames.request()


def same(program: Program, *first: SpanProcessor, **options: Any) -> None:
    theirs, ours = requests(program, *first, **options)
    assert ours is not None and ours.hex(" ") == theirs.hex(" ")


@pytest.fixture
def dropped() -> Callable[[], dict[str, int]]:
    """What was left out since the test began, by reason."""

    def counts() -> dict[str, int]:
        return dict(spanwire.stats()["encode"]["dropped"])

    before = counts()
    return lambda: {reason: count - before[reason] for reason, count in counts().items() if count != before[reason]}


def remote(flags: int = 1, *, entries: list[tuple[str, str]] | None = None) -> SpanContext:
    return SpanContext(
        0xABC << 64, 0xDEF, is_remote=True, trace_flags=TraceFlags(flags), trace_state=TraceState(entries)
    )


@pytest.mark.parametrize("key", WIDTHS)
@pytest.mark.parametrize(
    "value", [*WIDTHS.values(), "", 1, -1, 2**40, 0.5, True, None, b"\0x", ("a", "é", None), {"é": {"😀": [b"", 1.5]}}]
)
def test_an_attribute_of_any_width_and_type(key: str, value: Any) -> None:
    def program(tracer: api.Tracer) -> None:
        span = tracer.start_span("name", start_time=NOW)
        span.set_attribute("before", 1)
        span.set_attribute(WIDTHS[key], "replaced")
        span.set_attribute(WIDTHS[key], value)
        span.add_event("event", {WIDTHS[key]: value, "after": 1}, timestamp=NOW + 1)
        span.add_link(remote(), {WIDTHS[key]: value})
        span.end(NOW + 2)

    same(program)


@pytest.mark.parametrize("text", WIDTHS.values(), ids=WIDTHS)
def test_texts_of_any_width(text: str) -> None:
    def program(tracer: api.Tracer) -> None:
        span = tracer.start_span(text, start_time=NOW)
        span.add_event(text, timestamp=NOW + 1)
        span.set_status(Status(StatusCode.ERROR, text))
        span.end(NOW + 2)
        renamed = tracer.start_span("name", start_time=NOW)
        renamed.update_name(text)
        renamed.end(NOW + 3)

    same(program)


@pytest.mark.parametrize("length", [127, 128, 16_383, 16_384, 100_000])
def test_long_texts_beyond_ascii_use_the_scratch_memory_again_and_again(length: int) -> None:
    def program(tracer: api.Tracer) -> None:
        for _ in range(3):
            span = tracer.start_span("name", start_time=NOW)
            span.set_attribute("é" * length, "ü" * length)
            span.set_attribute("short", "é")
            span.set_attribute("nested", ["€" * length, "x"])
            span.end(NOW + 1)

    same(program)


@pytest.mark.parametrize("kind", SpanKind)
@pytest.mark.parametrize(
    "parent",
    [None, remote(1), remote(3), remote(1, entries=[("a", "b"), ("c", "d")])],
    ids=["root", "sampled", "random", "state"],
)
def test_kinds_and_parents(kind: SpanKind, parent: SpanContext | None) -> None:
    def program(tracer: api.Tracer) -> None:
        context = api.set_span_in_context(api.NonRecordingSpan(parent)) if parent else None
        outer = tracer.start_span("outer", context, kind, start_time=NOW)
        inner = tracer.start_span("inner", api.set_span_in_context(outer), kind, start_time=NOW + 1)
        inner.end(NOW + 2)
        outer.end(NOW + 3)

    same(program)


def test_links_with_and_without_trace_state_and_attributes() -> None:
    def program(tracer: api.Tracer) -> None:
        links = [Link(remote(entries=[("k", "v")]), {"a": 1}), Link(remote(0)), Link(remote(3), {"é": ["x"]})]
        tracer.start_span("name", links=links, start_time=NOW).end(NOW + 1)

    same(program)


def test_limits_count_what_they_drop() -> None:
    def program(tracer: api.Tracer) -> None:
        span = tracer.start_span("name", start_time=NOW)
        for number in range(5):
            span.set_attribute(f"key {number}", number)
            span.add_event(f"event {number}", {"a": 1, "b": "long text", "c": 3}, timestamp=NOW + number)
            span.add_link(remote(), {"a": 1, "b": 2, "c": 3})
        span.end(NOW + 9)

    limits = sdk.SpanLimits(
        max_span_attributes=3,
        max_events=2,
        max_links=2,
        max_event_attributes=2,
        max_link_attributes=1,
        max_attribute_length=5,
    )
    same(program, span_limits=limits)


# Reason, and a value that is left out for it.
REFUSED: dict[str, Any] = {
    "integer_range": 2**63,
    "integer_range in a list": [1, -(2**63) - 1],
    "text": "\ud800",
    "text in a map's value": {"a": "\udfff"},
    "text in a map's key": {"\ud800": 1},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_otlp_cannot_hold_is_left_out_alone_and_counted_by_its_reason(
    name: str, dropped: Callable[[], dict[str, int]]
) -> None:
    def program(tracer: api.Tracer) -> None:
        span = tracer.start_span("name", start_time=NOW)
        span.set_attributes({"before": 1, "bad": REFUSED[name], "after": 2})
        span.add_event("event", {"before": 1, "bad": REFUSED[name], "after": 2}, timestamp=NOW + 1)
        span.add_link(remote(), {"bad": REFUSED[name], "after": 2})
        span.end(NOW + 2)

    same(program)
    # Three in the SDK's span, three in ours.
    assert dropped() == {name.split(" ", maxsplit=1)[0]: 6}


def test_an_attribute_whose_key_is_no_text_is_left_out_and_counted(dropped: Callable[[], dict[str, int]]) -> None:
    def program(tracer: api.Tracer) -> None:
        span = tracer.start_span("name", start_time=NOW)
        for value in ("x", "é", 1, 0.5, True, None, b"", [1]):
            span.set_attribute("key\ud800", value)
        span.add_event("event", {"\udfff": 1, "fine": 2}, timestamp=NOW + 1)
        span.end(NOW + 2)

    same(program)
    # The SDK keeps one value of the key, and it is counted when it is encoded; ours are counted when they are set.
    assert dropped() == {"text": (1 + 1) + (8 + 1)}


@pytest.mark.parametrize("make", [lambda value: [value], lambda value: {"k": value}], ids=["lists", "maps"])
@pytest.mark.parametrize("inner", [1, [], {}], ids=["scalar", "list", "map"])
def test_nesting_is_taken_to_the_same_depth(
    make: Callable[[Any], Any], inner: Any, dropped: Callable[[], dict[str, int]]
) -> None:
    value = inner
    for _ in range(30):
        value = make(value)
    values = [value := make(value) for _ in range(22)]

    def program(tracer: api.Tracer) -> None:
        for value in values:
            span = tracer.start_span("name", start_time=NOW)
            span.set_attribute("deep", value)
            span.add_event("event", {"deep": value}, timestamp=NOW)
            span.add_link(remote(), {"deep": value})
            span.end(NOW + 1)

    same(program)
    left_out = dropped()
    assert set(left_out) == {"depth"}
    assert 0 < left_out["depth"] < 2 * 3 * len(values), "some are too deep, and some are not"


class Redact(SpanProcessor):
    """Changes what is sent, as processors do that take secrets out."""

    def on_end(self, span: ReadableSpan) -> None:
        span._attributes = {"kept": "é", "number": 1}
        span._name = "redacted"


def test_a_redacted_span_is_sent_as_it_was_left() -> None:
    def program(tracer: api.Tracer) -> None:
        for number in range(3):
            span = tracer.start_span("secret", start_time=NOW)
            span.set_attribute("password", "x" * number)
            span.add_event("event", {"a": number}, timestamp=NOW)
            span.end(NOW + number)

    same(program, Redact())


def test_an_unsampled_span_is_not_sent() -> None:
    def program(tracer: api.Tracer) -> None:
        for flags in (0, 1):
            context = api.set_span_in_context(api.NonRecordingSpan(remote(flags)))
            tracer.start_span(f"{flags}", context, start_time=NOW).end(NOW + 1)

    same(program)


def test_a_span_that_ends_twice_is_sent_once() -> None:
    def program(tracer: api.Tracer) -> None:
        span = tracer.start_span("name", start_time=NOW)
        span.end(NOW + 1)
        span.end(NOW + 2)

    same(program)


@pytest.mark.parametrize("trace_id, span_id", [(7, 1 << 64), (1 << 128, 7), (-1, 7), (7.5, 7), (7, 7.0)], ids=repr)
def test_a_span_whose_ids_cannot_be_sent_is_left_out_and_counted(
    trace_id: Any, span_id: Any, dropped: Callable[[], dict[str, int]]
) -> None:
    class Odd(IdGenerator):
        def generate_span_id(self) -> Any:
            return span_id

        def generate_trace_id(self) -> Any:
            return trace_id

    frames = Frames()
    provider = spanwire.trace.TracerProvider(id_generator=Odd(), shutdown_on_exit=False)
    provider.add_span_processor(frames)
    with provider.get_tracer("scope").start_as_current_span("name") as span:
        assert span.get_span_context().span_id == span_id
        span.set_attribute("a", 1)
    assert frames.request() is None
    assert dropped() == {"span": 1}
