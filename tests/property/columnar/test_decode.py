"""Laws of ``decode_columns`` for bytes that may be no request. What it makes of requests: test_roundtrip.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwire import _native
from spanwire.columnar import decode_columns
from tests.property.requests import requests

pytestmark = pytest.mark.law


@given(requests(), st.data())
def test_changed_bytes_are_decoded_or_refused_as_by_the_sink(
    request: ExportTraceServiceRequest, data: st.DataObject
) -> None:
    body = bytearray(request.SerializeToString() or b"\x0a\x00")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        if not body:
            return
    agree(bytes(body))


@given(st.binary(max_size=200))
def test_random_bytes_are_decoded_or_refused_as_by_the_sink(body: bytes) -> None:
    agree(body)


def agree(body: bytes) -> None:
    """Both readers take the bytes, or both give the same reason."""
    try:
        spans = _native.decode_spans(body)
    except ValueError:
        with pytest.raises(ValueError, match=r"malformed OTLP: .* at byte \d+$"):
            decode_columns(body)
        return
    try:
        columns = decode_columns(body)
    except ValueError:
        # A lazy reader does not look into what a later field replaces.
        return
    assert len(columns) == len(spans)
    for row, span in enumerate(spans):
        assert columns.name is not None
        assert columns.name[row] == span.name
        assert int(columns.start[row]) == span.start_time
