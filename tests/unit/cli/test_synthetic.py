"""Synthetic traces are trees in which all fits: parents, times, errors, links; and a seed decides them."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanwire.cli._synthetic import Shape, Stream
from spanwire.cli._synthetic._stream import BLOCK_SPANS
from spanwire.columnar import SpanColumns

START = 1_764_000_000_000_000_000
CLIENT, SERVER, ERROR = 3, 2, 2


def columns(shape: Shape, count: int, *, seed: int = 1, most: int = BLOCK_SPANS, **part: int) -> Iterator[SpanColumns]:
    stream = Stream(shape, seed, spacing_ns=1_000)
    for one in stream.parts(most, limit=count, **part):
        yield stream.at(one, START)


def array(values: object) -> "np.ndarray[Any, np.dtype[Any]]":
    """What all parts here have."""
    assert isinstance(values, np.ndarray)
    return values


def all_bytes(parts: Iterator[SpanColumns]) -> list[bytes]:
    """What distinguishes each span, in order."""
    return [
        b"".join((one.trace_id[at].tobytes(), one.span_id[at].tobytes(), array(one.parent_span_id)[at].tobytes()))
        + repr(
            (one.name[at], int(one.start[at]), int(one.end[at]), [column[at] for column in one.attributes.values()])
        ).encode()
        for one in parts
        for at in range(len(one))
    ]


shapes = st.builds(
    Shape,
    services=st.integers(1, 40),
    depth=st.integers(1, 12),
    fan_out=st.integers(1, 12),
    error_rate=st.floats(0, 1),
)


@settings(max_examples=15, deadline=None)
@given(shape=shapes, seed=st.integers(0, 1 << 40), count=st.integers(1, 12_000), most=st.integers(1, BLOCK_SPANS))
def test_each_trace_has_one_root_and_each_span_lies_within_its_parent(
    shape: Shape, seed: int, count: int, most: int
) -> None:
    seen: set[bytes] = set()
    total = 0
    for part in columns(shape, count, seed=seed, most=most):
        total += len(part)
        spans = {}
        depth: dict[bytes, int] = {}
        roots: Counter[bytes] = Counter()
        for at in range(len(part)):
            trace, span, parent = (
                array(ids)[at].tobytes() for ids in (part.trace_id, part.span_id, part.parent_span_id)
            )
            start, end = int(part.start[at]), int(part.end[at])
            assert START <= start < end
            assert any(span) and any(trace) and span not in spans
            spans[span] = (trace, start, end)
            if not any(parent):
                roots[trace] += 1
                depth[span] = 1
                continue
            of, begin, until = spans[parent]  # parents come first
            assert of == trace and begin <= start and end <= until
            depth[span] = depth[parent] + 1
        assert set(roots.values()) == {1} and set(roots) == {trace for trace, _, _ in spans.values()}
        assert not seen & set(roots), "a trace in two parts"
        seen |= set(roots)
        assert max(depth.values()) <= shape.depth
        check_links(part, spans)
    assert total == count


def check_links(part: SpanColumns, spans: dict[bytes, tuple[bytes, int, int]]) -> None:
    """A message is worked on after it was sent, in a trace of its own."""
    if part.links is None:
        return
    links = part.links
    for at in range(len(part)):
        for link in range(links.offsets[at], links.offsets[at + 1]):
            trace, _, sent = spans[links.span_id[link].tobytes()]
            assert trace == links.trace_id[link].tobytes() != part.trace_id[at].tobytes()
            assert part.start[at] > sent
            assert array(part.kind)[at] == 5
            assert not array(part.parent_span_id)[at].any()


def test_calls_are_pairs_of_client_and_server_in_two_services() -> None:
    (part,) = columns(Shape(), BLOCK_SPANS)
    place = {part.span_id[at].tobytes(): at for at in range(len(part))}
    services = [group.resource_attributes["service.name"] for group in part.groups]
    path, url = part.attributes["url.path"], part.attributes["url.full"]
    pairs = urls = 0
    for at in range(len(part)):
        parent = place.get(array(part.parent_span_id)[at].tobytes())
        if array(part.kind)[at] != SERVER or parent is None:
            continue
        pairs += 1
        assert array(part.kind)[parent] == CLIENT
        caller, called = services[array(part.group)[parent]], services[array(part.group)[at]]
        assert caller != called
        assert part.attributes["server.address"][parent] == f"{called}.shop.internal"
        if path[at] is not None:
            urls += 1
            assert str(url[parent]).endswith(str(path[at]))
    assert pairs > 500 and urls > 100
    assert len(set(services)) == Shape().services


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.5, 1.0])
def test_something_fails_in_the_share_of_traces_that_was_asked_for(rate: float) -> None:
    traces = failed = 0
    for part in columns(Shape(error_rate=rate), 20 * BLOCK_SPANS):
        keys = part.trace_id.view("V16").ravel()
        traces += len(np.unique(keys))
        failed += len(np.unique(keys[array(part.status_code) == ERROR]))
    # Five standard deviations of a binomial.
    assert abs(failed - rate * traces) <= 5 * (rate * (1 - rate) * traces) ** 0.5


def test_what_fails_says_so_in_status_attributes_and_an_exception() -> None:
    (part,) = columns(Shape(error_rate=0.5), BLOCK_SPANS)
    assert part.events is not None and part.status_message is not None
    names = Counter[object]()
    for at in range(len(part)):
        events = range(part.events.offsets[at], part.events.offsets[at + 1])
        for event in events:
            assert part.start[at] <= part.events.time[event] <= part.end[at]
        exceptions = [event for event in events if part.events.name[event] == "exception"]
        fails = array(part.status_code)[at] == ERROR
        assert len(exceptions) == fails
        assert (part.status_message[at] is not None) == fails == (part.attributes["error.type"][at] is not None)
        status = part.attributes["http.response.status_code"][at]
        assert status in ((None, 500) if fails else (None, 200, 201))
        if fails:
            said = part.events.attributes["exception.message"][exceptions[0]]
            kind = part.events.attributes["exception.type"][exceptions[0]]
            assert part.status_message[at] == f"{kind}: {said}"
        names.update(part.events.name[event] for event in events)
    assert names["cache.miss"] > 50


def test_latencies_spread_and_have_a_tail() -> None:
    (part,) = columns(Shape(), BLOCK_SPANS)
    took = (part.end - part.start).astype(np.int64)
    leaves = took[
        np.array(
            [
                name is not None and str(name).startswith("SELECT")
                for name in map(part.name.__getitem__, range(len(part)))
            ]
        )
    ]
    half, most = np.percentile(leaves, [50, 99])
    assert 200_000 < half < 8_000_000, "a query takes milliseconds"
    assert most > 4 * half


def test_a_seed_decides_everything_whatever_the_size_of_parts_and_the_number_of_processes() -> None:
    count = BLOCK_SPANS + 1_000
    whole = all_bytes(columns(Shape(), count))
    assert whole == all_bytes(columns(Shape(), count))
    assert whole == all_bytes(columns(Shape(), count, most=1_000))
    shared = [list(columns(Shape(), count, process=process, processes=2)) for process in range(2)]
    both = [part for pair in itertools.zip_longest(*shared) for part in pair if part is not None]
    assert whole == all_bytes(iter(both))
    other = all_bytes(columns(Shape(), count, seed=2))
    assert len(set(whole) & set(other)) == 0
    assert len(set(whole)) == count


def test_blocks_come_again_with_other_ids_times_and_values() -> None:
    stream = Stream(Shape(), 1)
    block = stream._block(0)
    assert stream._block(4) is block
    first, second = (block.draw(np.random.Generator(np.random.SFC64(seed))) for seed in range(2))
    assert not (first.span_id[:-1] == second.span_id[:-1]).any()
    assert (first.end - first.start != second.end - second.start).mean() > 0.9


def test_traces_end_now_at_the_latest() -> None:
    stream = Stream(Shape(), 1, spacing_ns=1_000)
    part = next(stream.parts(500))
    assert int(stream.until(part, START).end.max()) == START


def test_parts_are_about_as_large_as_asked_for_and_never_empty() -> None:
    for most in (1, 10, 300, 4_096, 8_192):
        sizes = [len(part) for part in Stream(Shape(), 1).parts(most, limit=2 * BLOCK_SPANS)]
        assert sum(sizes) == 2 * BLOCK_SPANS and min(sizes) > 0
        if most >= 300:
            assert max(sizes) <= 1.5 * most


@pytest.mark.parametrize("count", [1, 100, 5_000, BLOCK_SPANS])
def test_what_fits_one_request_is_one(count: int) -> None:
    for seed in range(5):
        assert [len(part) for part in Stream(Shape(), seed).parts(BLOCK_SPANS, limit=count)] == [count]


def test_depth_one_is_roots_alone() -> None:
    (part,) = columns(Shape(depth=1), 1_000)
    assert part.parent_span_id is not None and not part.parent_span_id.any()


def test_deep_and_wide_shapes_stay_within_bounds() -> None:
    (part,) = columns(Shape(services=1, depth=64, fan_out=1000), 5_000)
    assert len(part) == 5_000
