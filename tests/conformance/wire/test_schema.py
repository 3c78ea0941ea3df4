"""The core's one table of OTLP's messages is what the installed opentelemetry-proto declares."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from spanwire._native import otlp_schema
from tests.official_requests import IS_OLDER, REQUESTS, RESPONSES

pytestmark = pytest.mark.skipif(IS_OLDER, reason="not applicable: opentelemetry-proto is older than the schema")

_TYPES = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
_IDS = {"trace_id": "trace_id", "span_id": "span_id", "parent_span_id": "span_id"}
Row: TypeAlias = tuple[int, str, str, str, str]


def _row(field: Any) -> Row:
    kind = field.message_type.full_name if field.message_type else _TYPES[field.type]
    if kind == "bytes":
        kind = _IDS.get(field.name, kind)
    if field.is_repeated:
        label = "many"
    elif field.containing_oneof:
        label = "optional" if field.containing_oneof.name == f"_{field.name}" else "oneof"
    else:
        label = "one"
    return field.number, field.name, field.json_name, kind, label


def _declared() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}

    def walk(message: Any) -> None:
        if message.full_name in found:
            return
        found[message.full_name] = [_row(field) for field in message.fields]
        for field in message.fields:
            if field.message_type:
                walk(field.message_type)

    for message in (*REQUESTS.values(), *RESPONSES.values(), Status, RetryInfo):
        walk(message.DESCRIPTOR)
    return found


def _differences(ours: dict[str, list[Row]], theirs: dict[str, list[Row]]) -> Iterator[str]:
    for message in ours.keys() | theirs.keys():
        rows = {row[0]: row for row in ours.get(message, [])}
        declared = {row[0]: row for row in theirs.get(message, [])}
        for number in rows.keys() | declared.keys():
            if rows.get(number) != declared.get(number):
                yield f"{message}: {rows.get(number)} where {declared.get(number)} is declared"
    if ours.keys() != theirs.keys():
        yield f"messages: {ours.keys() ^ theirs.keys()}"


def test_schema_is_that_of_opentelemetry_proto() -> None:
    ours = dict(otlp_schema())
    assert len(ours) == 60
    assert sorted(_differences(ours, _declared())) == []


def test_packed_fields_are_those_that_protobuf_packs() -> None:
    packed = {row[:2] for rows in _declared().values() for row in rows if row[4] == "many" and row[3] in _NUMBERS}
    assert {(6, "bucket_counts"), (2, "bucket_counts"), (7, "explicit_bounds"), (4, "values")} <= packed


_NUMBERS = {"bool", "double", "enum", "fixed32", "fixed64", "int32", "int64", "sfixed64", "sint32", "uint32", "uint64"}


@pytest.mark.parametrize("change", ["missing", "number", "json", "kind", "label", "message"])
def test_a_planted_difference_is_found(change: str) -> None:
    ours, declared = dict(otlp_schema()), _declared()
    message = "opentelemetry.proto.metrics.v1.HistogramDataPoint"
    rows = sorted(ours[message], key=lambda row: row[1] != "bucket_counts")
    number, name, json, kind, label = rows[0]
    match change:
        case "missing":
            rows = rows[1:]
        case "number":
            rows[0] = (16, name, json, kind, label)
        case "json":
            rows[0] = (number, name, name, kind, label)
        case "kind":
            rows[0] = (number, name, json, "uint32", label)
        case "label":
            rows[0] = (number, name, json, kind, "optional")
    ours[message] = rows
    if change == "message":
        del ours[message]
    assert list(_differences(ours, declared))
