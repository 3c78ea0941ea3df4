"""Spans as pandas frames."""

from typing import Any

import pytest

import spanwire
from spanwire.columnar import decode_columns
from spanwire_bench import _workloads

pd: Any = pytest.importorskip("pandas", reason="not applicable: no pandas in this environment")
pytest.importorskip("pyarrow", reason="not applicable: no pyarrow in this environment")


def test_a_frame_has_a_row_for_each_span_and_a_column_for_each_attribute() -> None:
    spans = _workloads.make("WR", 200)
    columns = decode_columns(spanwire.encode_spans(spans))
    frame = columns.to_pandas()
    assert len(frame) == 200
    ids = {f"{span.context.span_id:016x}": span for span in spans if span.context is not None}
    for row in frame.to_dict("records"):
        span = ids.pop(row["span_id"])
        assert row["name"] == span.name
        assert row["start"].value == span.start_time
        assert row["service_name"] == "shop"
        given = {key: row[f"attributes.{key}"] for key in columns.attributes}
        given = {key: value for key, value in given.items() if not isinstance(value, float) or value == value}
        ragged = dict(row["ragged_attributes"])
        assert span.attributes is not None
        for key, value in span.attributes.items():
            assert (ragged.get(key) if key in ragged else given[key]) == value
        assert [event["name"] for event in row["events"]] == [event.name for event in span.events]
    assert not ids


def test_absent_integers_make_no_floats_of_others() -> None:
    frame = decode_columns(spanwire.encode_spans(_workloads.make("WR", 200))).to_pandas()
    assert str(frame["attributes.http.response.status_code"].dtype) == "Int64"
