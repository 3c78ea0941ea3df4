"""Finished frames as they would be sent, made comparable byte for byte.

In the bytes of a Span, times that were read from a clock become zero and ids made at random are numbered; a span that has a stack
trace of an exception is written again without the frames of libraries (differences.py).
"""

from collections.abc import Iterator

from google.protobuf import text_format
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.property.trace.observe import Record

__all__ = ["describe_request"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def describe_request(record: Record, request: bytes) -> list[str]:
    """Each span of an ExportTraceServiceRequest with its resource and scope."""
    frames = []
    for resource_spans in _submessages(request, 1):
        resource = [resource_spans[start:end].hex() for number, start, end in _fields(resource_spans) if number != 2]
        for scope_spans in _submessages(resource_spans, 2):
            scope = [scope_spans[start:end].hex() for number, start, end in _fields(scope_spans) if number != 2]
            frames += [
                f"{_describe(record, span)} under {' '.join(scope)} of {' '.join(resource)}"
                for span in _submessages(scope_spans, 2)
            ]
    return frames


def _describe(record: Record, span: bytes) -> str:
    levelled = _level(record, span)
    message = Span.FromString(levelled)
    traces = [
        attribute.value
        for event in message.events
        for attribute in event.attributes
        if attribute.key == "exception.stacktrace" and attribute.value.WhichOneof("value") == "string_value"
    ]
    if traces:
        for value in traces:
            value.string_value = record.text(value.string_value)
        levelled = message.SerializeToString()
    readable = text_format.MessageToString(message, as_one_line=True, as_utf8=True)
    return f"{readable} = {levelled.hex()}"


def _level(record: Record, span: bytes) -> bytes:
    out = bytearray(span)
    for number, start, end in _fields(span):
        if number in {7, 8}:
            _level_time(record, out, start)
        elif number in {1, 2, 4}:
            _level_id(record, out, start, end)
        elif number in {11, 13}:
            inner = span[start:end]
            for inner_number, inner_start, inner_end in _fields(inner):
                if number == 11 and inner_number == 1:
                    _level_time(record, out, start + inner_start)
                elif number == 13 and inner_number in {1, 2}:
                    _level_id(record, out, start + inner_start, start + inner_end)
    return bytes(out)


def _level_time(record: Record, out: bytearray, at: int) -> None:
    if record.time(int.from_bytes(out[at : at + 8], "little")) == "now":
        out[at : at + 8] = bytes(8)


def _level_id(record: Record, out: bytearray, start: int, end: int) -> None:
    name = record.id(int.from_bytes(out[start:end], "big"), end - start == 16)
    if not name.startswith("0x"):
        out[start:end] = name.encode().rjust(end - start, b"\0")


def _submessages(data: bytes, wanted: int) -> Iterator[bytes]:
    return (data[start:end] for number, start, end in _fields(data) if number == wanted)


def _fields(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, and where the value of each field begins and ends."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        start = at
        if tag & 7 == _BYTES:
            length, start = _varint(data, at)
            at = start + length
        elif tag & 7 == _VARINT:
            _, at = _varint(data, at)
        else:
            at += {_FIXED64: 8, _FIXED32: 4}[tag & 7]
        assert at <= len(data)
        yield tag >> 3, start, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
