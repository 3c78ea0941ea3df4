"""OTLP/JSON both ways against protobuf's own JSON mapping with OTLP's differences."""

import json
import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from spanwire import _native
from spanwire.sink import Sink
from tests.official_json import json_of, request_of
from tests.post import JSON, post
from tests.property.requests import requests


def parsed(data: bytes) -> Any:
    return ExportTraceServiceRequest.FromString(data)


def same(ours: Any, official: Any) -> bool:
    """Equality of parsed JSON in which NaN is equal to itself; "0" and 0 and False are different."""
    if type(ours) is not type(official):
        return False
    if isinstance(ours, dict):
        return ours.keys() == official.keys() and all(same(ours[name], official[name]) for name in ours)
    if isinstance(ours, list):
        return len(ours) == len(official) and all(map(same, ours, official))
    return ours == official or (isinstance(ours, float) and math.isnan(ours) and math.isnan(official))


@pytest.mark.law
@given(request=requests())
def test_what_we_write_is_read_back_by_the_official_reader(request: Any) -> None:
    written = _native.traces_to_json(request.SerializeToString())
    assert b"\n" not in written
    back = request_of(written)
    assert back.SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)


@pytest.mark.law
@given(request=requests())
def test_what_the_official_writer_wrote_is_read_as_it_was(request: Any) -> None:
    read = _native.traces_from_json(json.dumps(json_of(request)).encode())
    assert parsed(read).SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)


@pytest.mark.law
@given(request=requests(), data=st.data())
def test_order_of_names_and_unknown_ones_make_no_difference(request: Any, data: st.DataObject) -> None:
    def shuffled(item: Any) -> Any:
        if isinstance(item, list):
            return [shuffled(inner) for inner in item]
        if isinstance(item, dict):
            members = [(name, shuffled(inner)) for name, inner in item.items()]
            members.append(("unknown_" + data.draw(st.text(max_size=3)), data.draw(_junk)))
            return dict(data.draw(st.permutations(members)))
        return item

    read = _native.traces_from_json(json.dumps(shuffled(json_of(request))).encode())
    assert parsed(read).SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)


_junk = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@pytest.mark.parametrize(
    "value",
    [
        '{"intValue": "12"}', '{"intValue": 12}', '{"intValue": 12.0}', '{"intValue": 1.2e1}',
        '{"intValue": "-9223372036854775808"}', '{"doubleValue": 1}', '{"doubleValue": "2.5"}',
        '{"doubleValue": "NaN"}', '{"doubleValue": "Infinity"}', '{"doubleValue": "-Infinity"}',
        '{"doubleValue": 1e-400}', '{"doubleValue": 5e-324}', '{"doubleValue": 0.1}', '{"doubleValue": -0.0}',
        '{"bytesValue": "AAEC"}', '{"bytesValue": "-_8="}', '{"bytesValue": "+/8"}', '{"bytesValue": ""}',
        '{"boolValue": false}', '{"stringValue": ""}', '{"stringValue": null}', '{"intValue": null}', "{}",
        '{"arrayValue": {}}', '{"kvlistValue": {"values": []}}', '{"stringValue": "\\ud83d\\ude00\\u0000"}',
    ],
)  # fmt: skip
def test_value_is_taken_as_the_official_reader_takes_it(value: str) -> None:
    text = f'{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{value}}}]}}}}]}}'
    assert parsed(_native.traces_from_json(text.encode())) == request_of(text)


@pytest.mark.parametrize(
    "value",
    [
        '{"intValue": 1.5}', '{"intValue": "1.5"}', '{"intValue": true}', '{"intValue": " 1"}', '{"intValue": []}',
        '{"intValue": 9223372036854775808}', '{"intValue": "9223372036854775808"}', '{"doubleValue": "x"}',
        '{"boolValue": 1}', '{"boolValue": "true"}', '{"stringValue": 1}',
        '{"stringValue": "a", "boolValue": true}', '{"bytesValue": 1}',
        '{"arrayValue": {"values": [null]}}', '{"stringValue": "\\ud83d"}', "1",
    ],
)  # fmt: skip
def test_value_is_refused_where_the_official_reader_refuses_it(value: str) -> None:
    text = f'{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{value}}}]}}}}]}}'
    with pytest.raises((json_format.ParseError, UnicodeEncodeError)):
        request_of(text).SerializeToString()
    with pytest.raises(ValueError, match=r"malformed OTLP/JSON: .* at line 1 column"):
        _native.traces_from_json(text.encode())


@pytest.mark.parametrize("value", ['{"doubleValue": true}', '{"arrayValue": []}', '"text"', "[]"])
def test_value_of_another_type_is_refused_though_the_official_reader_is_lax(value: str) -> None:
    text = f'{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{value}}}]}}}}]}}'
    request_of(text)
    with pytest.raises(ValueError, match=r"malformed OTLP/JSON: .* is expected at line 1 column"):
        _native.traces_from_json(text.encode())


@pytest.mark.parametrize(
    "members, expected",
    [
        # OTLP: enums are integers only, names are lowerCamelCase only, ids are hex.
        ('"kind": "SPAN_KIND_SERVER"', None),
        ('"trace_id": 7, "start_time_unix_nano": 1', {}),
        ('"traceId": "AQEBAQEBAQEBAQEBAQEBAQ=="', None),
        ('"traceId": "0102030405060708090A0b0c0d0e0f10"', {"traceId": "0102030405060708090a0b0c0d0e0f10"}),
        ('"parentSpanId": ""', {}),
        ('"parentSpanId": null', {}),
        ('"kind": 77', {"kind": 77}),
    ],
)  # fmt: skip
def test_otlp_differs_from_the_official_mapping(members: str, expected: dict[str, Any] | None) -> None:
    text = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}'.encode()
    if expected is None:
        with pytest.raises(ValueError, match=r"in resourceSpans\[0\].scopeSpans\[0\].spans\[0\]"):
            _native.traces_from_json(text)
        return
    back = json.loads(_native.traces_to_json(_native.traces_from_json(text)))
    assert back["resourceSpans"][0]["scopeSpans"][0]["spans"] == [expected]


@pytest.mark.parametrize("rejected, message", [(0, ""), (3, ""), (0, 'a "quote" and é\n'), (1, "no")])
def test_response_is_the_official_one(otlp_sink: Sink, rejected: int, message: str) -> None:
    otlp_sink.inject(rejected=rejected, message=message or None)
    spans = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{},{},{}]}]}]}'
    answer = post(otlp_sink, spans, content_type=JSON)
    official = ExportTraceServiceResponse()
    if rejected or message:
        official.partial_success.CopyFrom(ExportTracePartialSuccess(rejected_spans=rejected, error_message=message))
    assert same(json.loads(answer.body), json_format.MessageToDict(official))
