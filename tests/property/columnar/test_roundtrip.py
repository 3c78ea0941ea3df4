"""Laws of the way there and back: bytes to columns to bytes, and columns through Arrow."""

import importlib.util
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import spanwire
from spanwire.columnar import SpanColumns, decode_columns, encode_columns
from tests.columns import rows_of_columns, rows_of_request
from tests.official import assert_same_bytes, parse
from tests.property.columnar import tables
from tests.property.requests import requests
from tests.property.strategies import sdk_batches

pytestmark = pytest.mark.law
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
HAS_ARROW = importlib.util.find_spec("pyarrow") is not None
seeds = st.integers(0, 2**32 - 1)


def encodable(request: ExportTraceServiceRequest) -> bytes:
    """Without negative kinds and status codes, which other encoders can write and ours refuses."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                span.kind = max(span.kind, 0)  # type: ignore[assignment]
                span.status.code = max(span.status.code, 0)  # type: ignore[assignment]
    return request.SerializeToString()


def encoded(columns: SpanColumns) -> bytes:
    return b"".join(encode_columns(columns))


@unhurried
@given(sdk_batches())
def test_bytes_of_the_sdk_s_spans_come_back_byte_for_byte(batch: list[Any]) -> None:
    data = spanwire.encode_spans(batch)
    assert_same_bytes(encoded(decode_columns(data)), data)


@given(seeds)
def test_tables_of_any_layout_come_back_from_bytes_and_from_arrow(seed: int) -> None:
    columns = tables.make(seed).columns
    data = encoded(columns)
    assert_same_bytes(encoded(decode_columns(data)), data)
    if HAS_ARROW:
        table = columns.to_arrow()
        table.validate(full=True)
        assert_same_bytes(encoded(SpanColumns.from_arrow(table)), data)


@given(st.lists(requests(), max_size=3))
def test_any_request_has_the_spans_that_official_protobuf_reads_and_comes_back(
    several: list[ExportTraceServiceRequest],
) -> None:
    bodies = [request.SerializeToString() for request in several]
    joined = ExportTraceServiceRequest.FromString(b"".join(bodies))
    columns = decode_columns(bodies)
    assert rows_of_columns(columns) == rows_of_request(joined)

    columns = decode_columns(map(encodable, several))
    back = encoded(columns)
    # Spans of one group stand together now.
    assert sorted(map(repr, rows_of_request(parse(back)))) == sorted(map(repr, rows_of_columns(columns)))
    assert encoded(decode_columns(back)) == back
    if HAS_ARROW:
        assert_same_bytes(encoded(SpanColumns.from_arrow(columns.to_arrow())), back)
