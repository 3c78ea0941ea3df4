"""Finished frames as they would be sent, made comparable byte for byte.

In the bytes of a Span, times that were read from a clock become zero and ids made at random are numbered; a span that has a stack
trace of an exception is written again without the frames of libraries (differences.py).
"""

from collections.abc import Iterable, Iterator

from google.protobuf import text_format
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.property.trace.observe import Record

__all__ = ["describe_requests"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def describe_requests(record: Record, requests: Iterable[bytes]) -> list[str]:
    """Each span of ExportTraceServiceRequests with its resource and scope.

    Sorted, since requests group by scope: first without the ids that were never seen, so that both sides name these alike.
    """
    frames = [frame for request in requests for frame in _frames(request)]
    frames.sort(key=lambda frame: (_describe(record, frame[0], names=False), frame[1]))
    return sorted(f"{_describe(record, span, names=True)} under {heads}" for span, heads in frames)


def _frames(request: bytes) -> Iterator[tuple[bytes, str]]:
    """The Span messages, with what stands above them as text."""
    for resource_spans in _submessages(request, 1):
        resource = [resource_spans[start:end].hex() for number, start, end in _fields(resource_spans) if number != 2]
        for scope_spans in _submessages(resource_spans, 2):
            scope = [scope_spans[start:end].hex() for number, start, end in _fields(scope_spans) if number != 2]
            heads = f"{' '.join(scope)} of {' '.join(resource)}"
            yield from ((span, heads) for span in _submessages(scope_spans, 2))


def _describe(record: Record, span: bytes, names: bool) -> str:
    levelled = _level(record, span, names)
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


def _level(record: Record, span: bytes, names: bool) -> bytes:
    out = bytearray(span)
    for number, start, end in _fields(span):
        if number in {7, 8}:
            _level_time(record, out, start)
        elif number in {1, 2, 4}:
            _level_id(record, out, start, end, names)
        elif number in {11, 13}:
            inner = span[start:end]
            for inner_number, inner_start, inner_end in _fields(inner):
                if number == 11 and inner_number == 1:
                    _level_time(record, out, start + inner_start)
                elif number == 13 and inner_number in {1, 2}:
                    _level_id(record, out, start + inner_start, start + inner_end, names)
    return bytes(out)


def _level_time(record: Record, out: bytearray, at: int) -> None:
    if record.time(int.from_bytes(out[at : at + 8], "little")) == "now":
        out[at : at + 8] = bytes(8)


def _level_id(record: Record, out: bytearray, start: int, end: int, names: bool) -> None:
    name = record.id(int.from_bytes(out[start:end], "big"), end - start == 16, names)
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
