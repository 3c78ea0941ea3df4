"""Laws of ``encode_columns``: whatever layouts columns have, the bytes are those of the spans."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import spanwire
from spanwire.columnar import encode_columns
from tests.official import assert_same_bytes, official_bytes
from tests.property.columnar import tables

seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_columns_give_the_bytes_that_the_official_encoder_gives_for_the_spans(seed: int) -> None:
    table = tables.make(seed)
    ours = b"".join(encode_columns(table.columns))
    if not table.spans:
        assert ours == b""
        return
    assert_same_bytes(ours, spanwire.encode_spans(table.spans))
    assert_same_bytes(ours, official_bytes(table.spans))


@settings(max_examples=25)  # thousands of rows each
@given(seeds, st.integers(2, 5))
def test_any_number_of_threads_gives_the_same_bytes(seed: int, threads: int) -> None:
    draw = np.random.default_rng(seed)
    table = tables.make(seed, most_rows=20)
    if not table.spans:
        return
    # Threads are used for thousands of rows only.
    rows = draw.integers(0, len(table.spans), 9000)
    columns = _take(table.columns, rows)
    one = encode_columns(columns, max_request_bytes=200_000)
    many = encode_columns(columns, max_request_bytes=200_000, threads=threads)
    assert [bytes(request) for request in one] == [bytes(request) for request in many]
    assert sum(map(_spans, one)) == 9000


@given(seeds, st.integers(200, 100_000))
def test_requests_keep_their_limit_and_hold_all_spans_in_order(seed: int, limit: int) -> None:
    table = tables.make(seed, most_rows=40)
    whole = b"".join(encode_columns(table.columns))
    if any(len(spanwire.encode_spans([span])) + 30 > limit for span in table.spans):
        return  # too long by itself: tests/unit/columnar
    requests = encode_columns(table.columns, max_request_bytes=limit)
    assert all(0 < len(request) <= limit for request in requests)
    assert _flat(b"".join(requests)) == _flat(whole)


def _spans(request: bytes | memoryview) -> int:
    return len(_flat(bytes(request)))


def _flat(request: bytes) -> list[tuple[bytes, bytes, bytes]]:
    parsed = ExportTraceServiceRequest.FromString(request)
    return [
        (group.resource.SerializeToString(), scope.scope.SerializeToString(), span.SerializeToString())
        for group in parsed.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _take(columns: spanwire.columnar.SpanColumns, rows: np.ndarray) -> spanwire.columnar.SpanColumns:
    """Some rows, the plain fields of them."""
    names = columns.name.to_list()
    keys = {
        key: np.array([str(value) for value in column.to_list()], object)[rows]
        for key, column in columns.attributes.items()
    }
    return spanwire.columnar.SpanColumns(
        trace_id=columns.trace_id[rows],
        span_id=columns.span_id[rows],
        start=columns.start[rows],
        end=columns.end[rows],
        name=[names[row] for row in rows],
        attributes=keys,
        groups=columns.groups,
        group=None if columns.group is None else columns.group[rows],
    )
