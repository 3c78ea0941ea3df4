"""Writes the seed corpus of the wire readers: native/wire/fuzz/seeds, used by the fuzz targets and by a cargo test.

    python ci/make_wire_corpus.py [--check]

Messages are made, and judged, by official protobuf (opentelemetry-proto). The same seed gives the same files;
`--check` writes nothing and fails where the files differ. The manifest has a line for each file, tab separated:

    file, what official protobuf made of it, what the readers must make of it

Official: `refused`, or `resources scopes spans hash`, the hash (64-bit FNV-1a) being that of the message serialized
again without unknown fields. Readers: `same`; or `Kind@offset` for an error; or `any`, for messages damaged at random:
the readers may refuse what official protobuf accepts, since they are stricter, but never the other way round, and what
both accept must be equal.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

BY_HAND = {"roundtrip", "signals"}  # folders of seeds that fuzzing found or that were kept once
SEEDS = Path(__file__).resolve().parent.parent / "native" / "wire" / "fuzz" / "seeds"
WORDS = ["http.request.method", "GET", "url.path", "/users/42", "grüße", "日本", "😀", "", "k", "db.query.text"]
NANOSECONDS = 1_700_000_000_000_000_000


# --- valid messages ---------------------------------------------------------------------------------------------------


def text(rng: random.Random) -> str:
    return rng.choice(WORDS) if rng.random() < 0.9 else rng.choice("xyz") * rng.randrange(100, 300)


def count(rng: random.Random) -> int:
    return rng.choice([0, 0, 1, 127, 128, 2**32 - 1])


def value(rng: random.Random, depth: int = 0) -> AnyValue:
    kind = rng.randrange(9 if depth < 4 else 7)
    if kind == 0:
        return AnyValue()
    if kind == 1:
        return AnyValue(bool_value=rng.random() < 0.5)
    if kind == 2:
        return AnyValue(int_value=rng.choice([0, 1, -1, 127, 128, 2**63 - 1, -(2**63), rng.getrandbits(40)]))
    if kind == 3:
        return AnyValue(double_value=rng.choice([0.0, -0.0, 0.5, float("inf"), float("nan"), rng.random()]))
    if kind == 4:
        return AnyValue(bytes_value=rng.randbytes(rng.randrange(20)))
    if kind == 5:
        return AnyValue(string_value_strindex=rng.choice([0, 7, -1, 2**31 - 1]))
    result = AnyValue(string_value=text(rng))
    if kind == 7:
        result.array_value.SetInParent()
        result.array_value.values.extend(value(rng, depth + 1) for _ in range(rng.randrange(4)))
    if kind == 8:
        result.kvlist_value.SetInParent()
        result.kvlist_value.values.extend(attributes(rng, depth + 1))
    return result


def attributes(rng: random.Random, depth: int = 0) -> Iterator[KeyValue]:
    for _ in range(rng.randrange(4)):
        result = KeyValue(key=text(rng), key_strindex=rng.choice([0, 0, 0, 5, -5]))
        if rng.random() < 0.9:
            result.value.CopyFrom(value(rng, depth))
        yield result


def span(rng: random.Random) -> Span:
    result = Span(
        trace_id=rng.randbytes(16),
        span_id=rng.randbytes(8),
        parent_span_id=rng.choice([b"", rng.randbytes(8)]),
        trace_state=rng.choice(["", "vendor=1,other=2"]),
        name=text(rng),
        kind=rng.choice([0, 1, 2, 3, 4, 5, 99, -1]),  # type: ignore[arg-type]  # open enum
        start_time_unix_nano=NANOSECONDS + rng.getrandbits(40),
        end_time_unix_nano=rng.choice([0, 2**64 - 1, NANOSECONDS]),
        attributes=attributes(rng),
        dropped_attributes_count=count(rng),
        dropped_events_count=count(rng),
        dropped_links_count=count(rng),
        flags=rng.choice([0, 1, 0x101, 0x301, 2**32 - 1]),
    )
    for _ in range(rng.choice([0, 0, 1, 2])):
        result.events.add(
            time_unix_nano=NANOSECONDS, name=text(rng), attributes=attributes(rng), dropped_attributes_count=count(rng)
        )
    for _ in range(rng.choice([0, 0, 1, 2])):
        result.links.add(
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            trace_state=text(rng),
            attributes=attributes(rng),
            dropped_attributes_count=count(rng),
            flags=count(rng),
        )
    if rng.random() < 0.8:
        result.status.CopyFrom(Status(message=text(rng), code=rng.choice([0, 1, 2, 7])))  # type: ignore[arg-type]
    return result


def request(rng: random.Random) -> ExportTraceServiceRequest:
    result = ExportTraceServiceRequest()
    for _ in range(rng.choice([0, 1, 1, 2])):
        resource = ResourceSpans(schema_url=rng.choice(["", "https://opentelemetry.io/schemas/1.30.0"]))
        if rng.random() < 0.9:
            resource.resource.CopyFrom(Resource(attributes=attributes(rng), dropped_attributes_count=count(rng)))
            for _ in range(rng.randrange(2)):
                resource.resource.entity_refs.add(
                    schema_url=text(rng), type="service", id_keys=[text(rng), ""], description_keys=[text(rng)]
                )
        for _ in range(rng.choice([0, 1, 1, 2])):
            scope = ScopeSpans(schema_url=rng.choice(["", "https://opentelemetry.io/schemas/1.30.0"]))
            if rng.random() < 0.9:
                scope.scope.CopyFrom(
                    InstrumentationScope(
                        name=text(rng),
                        version=text(rng),
                        attributes=attributes(rng),
                        dropped_attributes_count=count(rng),
                    )
                )
            scope.spans.extend(span(rng) for _ in range(rng.randrange(3)))
            resource.scope_spans.append(scope)
        result.resource_spans.append(resource)
    return result


# --- the same in odd forms, and hostile ones --------------------------------------------------------------------------


def varint(number: int, width: int = 1) -> bytes:
    """A varint of at least `width` bytes."""
    result = bytearray()
    while number >= 0x80 or len(result) + 1 < width:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])


def delimited(number: int, payload: bytes, width: int = 1) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload), width) + payload


def at(path: list[int], payload: bytes) -> bytes:
    """`payload` as a message under each field number of `path`."""
    for number in reversed(path):
        payload = delimited(number, payload)
    return payload


class Field(NamedTuple):
    number: int
    wire_type: int
    payload: bytes
    whole: bytes
    """The field as it stands in the message: tag, length, payload; of a group all up to its end."""


def read_varint(message: bytes, position: int) -> tuple[int, int]:
    """The varint at `position`, and the position after it."""
    result = shift = 0
    while True:
        byte = message[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a well-formed message."""
    position = begin = depth = 0
    while position < len(message):
        tag, position = read_varint(message, position)
        start = position
        match tag & 7:
            case 0:
                _, position = read_varint(message, position)
            case 1:
                position += 8
            case 2:
                length, start = read_varint(message, position)
                position = start + length
            case 3:
                depth += 1
            case 4:
                depth -= 1
            case 5:
                position += 4
        if depth == 0:
            yield Field(tag >> 3, tag & 7, message[start:position], message[begin:position])
            begin = position


def odd(rng: random.Random, descriptor: Descriptor, message: bytes) -> bytes:
    """The same message as protobuf also allows it: reordered, split, padded, with unknown fields."""
    parts: list[tuple[int, bytes]] = []
    for number, wire_type, payload, _ in fields(message):
        declared: FieldDescriptor = descriptor.fields_by_number[number]
        if wire_type == 2:
            pieces = [payload]
            if declared.message_type is not None:
                payload = odd(rng, declared.message_type, payload)
                pieces = [payload]
                if not declared.is_repeated and rng.random() < 0.3:
                    inner = [field.whole for field in fields(payload)]
                    cut = rng.randrange(len(inner) + 1)
                    pieces = [b"".join(inner[:cut]), b"".join(inner[cut:])]
            parts += [(number, delimited(number, piece, rng.choice([1, 1, 1, 2, 5]))) for piece in pieces]
        else:
            if not declared.is_repeated and declared.containing_oneof is None and rng.random() < 0.1:
                parts.append((number, varint(number << 3 | wire_type) + payload))
            parts.append((number, varint(number << 3 | wire_type, rng.choice([1, 1, 1, 5])) + payload))
    for _ in range(rng.choice([0, 0, 0, 1])):
        unknown = rng.choice(
            [b"\xa0\x06\x05", b"\xa1\x06" + bytes(8), b"\xa2\x06\x01\xff", b"\xa3\x06\xa3\x06\xa4\x06\xa4\x06"]
        )
        parts.insert(rng.randrange(len(parts) + 1), (100, unknown))
    if descriptor.full_name != AnyValue.DESCRIPTOR.full_name:
        for _ in parts:
            index = rng.randrange(len(parts))
            if index and parts[index][0] != parts[index - 1][0]:
                parts[index - 1], parts[index] = parts[index], parts[index - 1]
    return b"".join(part for _, part in parts)


def damaged(rng: random.Random, message: bytes) -> bytes:
    result = bytearray(message)
    for _ in range(rng.randrange(1, 4)):
        index = rng.randrange(len(result)) if result else 0
        match rng.randrange(5):
            case 0 if result:
                result[index] = rng.getrandbits(8)
            case 1 if result:
                result[index] ^= 1 << rng.randrange(8)
            case 2:
                result.insert(index, rng.getrandbits(8))
            case 3:
                del result[index : index + rng.randrange(1, 9)]
            case _:
                result[index:index] = result[index : index + rng.randrange(1, 30)]
    return bytes(result)


SPAN = [1, 2, 2]
VALUE = [1, 2, 2, 9, 2]


def hostile() -> Iterator[tuple[str, bytes, str]]:
    """Name, message and the error that the readers must give, its offset counted from the end of the headers."""
    for name, path, content, kind, offset in [
        ("field-zero", SPAN, b"\x00\x00", "FieldNumberZero", 0),
        ("wire-type-6", SPAN, b"\x0e", "InvalidWireType", 0),
        ("wire-type-7", VALUE, b"\x0f", "InvalidWireType", 0),
        ("tag-too-long", SPAN, b"\x8a\x80\x80\x80\x80\x00\x00", "VarintTooLong", 0),
        ("tag-out-of-range", SPAN, b"\xff\xff\xff\xff\x7f", "VarintOverflow", 0),
        ("varint-too-long", VALUE, b"\x18" + b"\xff" * 10 + b"\x01", "VarintTooLong", 1),
        ("varint-out-of-range", VALUE, b"\x18" + b"\xff" * 9 + b"\x02", "VarintOverflow", 1),
        ("varint-cut", VALUE, b"\x18\x80", "Truncated", 1),
        ("fixed64-cut", SPAN, b"\x39" + bytes(7), "Truncated", 1),
        ("fixed32-cut", SPAN, b"\x85\x01" + bytes(3), "Truncated", 2),
        ("length-past-end", SPAN, b"\x2a\x05abcd", "LengthPastEnd", 1),
        ("length-huge", SPAN, b"\x2a\xff\xff\xff\xff\x0f", "LengthPastEnd", 1),
        ("length-out-of-range", SPAN, b"\x2a\xff\xff\xff\xff\x10", "VarintOverflow", 1),
        ("length-too-long", SPAN, b"\x2a\x80\x80\x80\x80\x80\x00", "VarintTooLong", 1),
        ("group-not-closed", SPAN, b"\x9b\x06\xa0\x06\x01", "UnterminatedGroup", 0),
        ("group-not-opened", SPAN, b"\x9c\x06", "UnexpectedEndGroup", 0),
        ("group-crossed", SPAN, b"\x9b\x06\xa3\x06\x9c\x06\xa4\x06", "UnexpectedEndGroup", 4),
        ("group-too-deep", SPAN, b"\x9b\x06" * 65 + b"\x9c\x06" * 65, "TooDeep", 128),
        ("group-bomb", SPAN, b"\x9b\x06" * 5000, "TooDeep", 128),
        ("string-not-utf8", SPAN, b"\x2a\x03a\xffb", "InvalidUtf8", 3),
        ("string-surrogate", VALUE, b"\x0a\x03\xed\xa0\x80", "InvalidUtf8", 2),
        ("string-overlong", VALUE, b"\x0a\x02\xc0\x80", "InvalidUtf8", 2),
        ("trace-id-15", SPAN, delimited(1, bytes(15)), "IdLength", 2),
        ("span-id-16", SPAN, delimited(2, bytes(16)), "IdLength", 2),
        ("parent-id-7", SPAN, delimited(4, bytes(7)), "IdLength", 2),
        ("name-as-varint", SPAN, b"\x28\x01", "WrongWireType", 0),
        ("attributes-as-group", SPAN, b"\x4b\x4c", "WrongWireType", 0),
        ("flags-as-varint", SPAN, b"\x80\x01\x01", "WrongWireType", 0),
        ("double-as-float", VALUE, b"\x25" + bytes(4), "WrongWireType", 0),
    ]:
        head = len(at(path, content)) - len(content)
        yield name, at(path, content), f"{kind}@{head + offset}"
    arrays = at([5, 1] * 65, b"")
    head = len(at(VALUE, arrays)) - len(arrays)
    yield "arrays-too-deep", at(VALUE, arrays), f"TooDeep@{head + len(arrays) - 4}"
    maps = at([6, 1, 2] * 65, b"")
    head = len(at(VALUE, maps)) - len(maps)
    yield "maps-too-deep", at(VALUE, maps), f"TooDeep@{head + len(maps) - 6}"
    yield "array-bomb", at(VALUE, at([5, 1] * 1000, b"")), "TooDeep@" + str(deep_offset(VALUE, [5, 1] * 1000, 128))


def deep_offset(path: list[int], inner: list[int], steps: int) -> int:
    """Where the field after `steps` steps of `inner` begins."""
    whole = at(path + inner, b"")
    return len(whole) - len(at(inner[steps:], b""))


def tricky() -> Iterator[tuple[str, bytes]]:
    """Valid messages that are easy to get wrong."""
    int_1, int_2 = b"\x18\x01", b"\x18\x02"
    array_1, array_2 = at([5, 1], int_1), at([5, 1], int_2)
    map_1 = delimited(6, delimited(1, delimited(1, b"k") + delimited(2, int_1)))
    attribute = delimited(1, b"key")
    for name, content in {
        "array-twice": delimited(2, array_1 + array_2),
        "array-int-array": delimited(2, array_1 + int_2 + array_2),
        "array-int-array-array": delimited(2, array_1 + int_2 + array_2 + array_1),
        "array-map-array": delimited(2, array_1 + map_1 + array_2),
        "value-twice": delimited(2, array_1) + delimited(2, array_2),
        "value-twice-array-map": delimited(2, array_1) + delimited(2, map_1),
        "value-thrice": delimited(2, array_1) + delimited(2, b"") + delimited(2, array_2),
        "value-then-empty": delimited(2, int_1) + delimited(2, b""),
        "arrays-in-parts-in-parts": delimited(2, map_1 + array_1) + delimited(2, array_2 + array_1),
        "empty-string": delimited(2, b"\x0a\x00"),
        "false": delimited(2, b"\x10\x00"),
        "true-as-256": delimited(2, b"\x10\x80\x02"),
        "index-wide": delimited(2, b"\x40\x85\x80\x80\x80\x10"),
        "no-value": b"",
    }.items():
        yield f"attribute-{name}", at([*SPAN, 9], attribute + content)
        yield f"attribute-{name}-value-first", at([*SPAN, 9], content + attribute)
    span_fields = delimited(5, b"one") + delimited(5, b"two") + b"\x30\x01\x30\x02"
    yield "last-scalar-counts", at(SPAN, span_fields)
    yield "later-default-counts", at(SPAN, delimited(5, b"one") + delimited(5, b"") + b"\x30\x01\x30\x00")
    yield "status-in-parts", at(SPAN, at([15, 2], b"bad") + delimited(15, b"\x18\x02") + delimited(15, b""))
    resource = delimited(1, at([1, 1], b"a")) + delimited(1, at([1, 1], b"b") + b"\x10\x05") + delimited(1, b"")
    scope = at([2, 1, 1], b"first") + delimited(2, delimited(1, b"\x12\x01v") + delimited(1, b"\x0a\x06second"))
    yield "resource-in-parts", delimited(1, resource + scope)
    yield "kind-wide", at(SPAN, b"\x30\x82\x80\x80\x80\x10")
    yield "kind-negative", at(SPAN, b"\x30" + varint(2**64 - 3))
    yield "dropped-wide", at(SPAN, b"\x50\x82\x80\x80\x80\x10")
    yield "groups-64-deep", at(SPAN, b"\x9b\x06" * 64 + b"\x9c\x06" * 64)
    yield "number-largest", at(SPAN, b"\xf8\xff\xff\xff\x0f\x01")
    yield "arrays-40-deep", at(VALUE, at([5, 1] * 40, b""))
    yield "maps-28-deep", at(VALUE, at([6, 1, 2] * 28, b""))
    yield "nothing", b""
    yield "empty-groups", b"\x0a\x00\x0a\x02\x12\x00"
    yield "double-nan", at(VALUE, b"\x21" + struct.pack("<Q", 0x7FF8_0000_0000_0001))


# --- judging and writing ----------------------------------------------------------------------------------------------


def fnv1a(data: bytes) -> int:
    result = 0xCBF29CE484222325
    for byte in data:
        result = (result ^ byte) * 0x100000001B3 % 2**64
    return result


def official(make: Callable[[], Message], data: bytes) -> str:
    """What official protobuf makes of it."""
    message = make()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return "refused"
    message.DiscardUnknownFields()
    counts = [0, 0, 0]
    if isinstance(message, ExportTraceServiceRequest):
        scopes = [scope for resource in message.resource_spans for scope in resource.scope_spans]
        counts = [len(message.resource_spans), len(scopes), sum(len(scope.spans) for scope in scopes)]
    return f"{counts[0]} {counts[1]} {counts[2]} {fnv1a(message.SerializeToString(deterministic=True)):016x}"


def corpus() -> tuple[dict[str, bytes], list[str]]:
    """The files by name, and the lines of the manifest."""
    rng = random.Random(20261124)
    files: dict[str, bytes] = {}
    lines: list[str] = []

    def add(name: str, make: Callable[[], Message], data: bytes, ours: str) -> None:
        verdict = official(make, data)
        if ours == "same" and verdict == "refused":
            raise SystemExit(f"{name}: official protobuf refuses what should be valid")
        files[name] = data
        lines.append(f"{name}\t{verdict}\t{ours}")

    for index in range(40):
        data = request(rng).SerializeToString()
        add(f"request/valid-{index:02}", ExportTraceServiceRequest, data, "same")
        data = odd(rng, ExportTraceServiceRequest.DESCRIPTOR, data)
        add(f"request/odd-{index:02}", ExportTraceServiceRequest, data, "same")
        if index % 2 == 0:
            add(f"request/damaged-{index:02}", ExportTraceServiceRequest, damaged(rng, data), "any")
    for name, data in tricky():
        add(f"request/tricky-{name}", ExportTraceServiceRequest, data, "same")
    for name, data, ours in hostile():
        add(f"request/hostile-{name}", ExportTraceServiceRequest, data, ours)
    for index in range(20):
        data = value(rng).SerializeToString()
        add(f"any_value/valid-{index:02}", AnyValue, data, "same")
        data = odd(rng, AnyValue.DESCRIPTOR, data)
        add(f"any_value/odd-{index:02}", AnyValue, data, "same")
        add(f"any_value/damaged-{index:02}", AnyValue, damaged(rng, data), "any")
    for index, rejected in enumerate([0, 1, 2**31, 2**63 - 1, -1]):
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = text(rng)
        data = answer.SerializeToString()
        add(f"answer/valid-{index}", ExportTraceServiceResponse, data, "same")
        data = odd(rng, ExportTraceServiceResponse.DESCRIPTOR, data)
        add(f"answer/odd-{index}", ExportTraceServiceResponse, data, "same")
        add(f"answer/damaged-{index}", ExportTraceServiceResponse, damaged(rng, data), "any")
    add("answer/empty", ExportTraceServiceResponse, b"", "same")
    add("answer/html", ExportTraceServiceResponse, b"<html>502 Bad Gateway</html>", "UnexpectedEndGroup@0")
    return files, lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the files differ")
    check = parser.parse_args().check
    files, lines = corpus()
    wanted = {SEEDS / name: data for name, data in files.items()}
    wanted[SEEDS / "manifest.tsv"] = ("\n".join(lines) + "\n").encode()
    present = {path for path in SEEDS.rglob("*") if path.is_file() and BY_HAND.isdisjoint(path.parts)}
    stale = present - wanted.keys()
    changed = [path for path, data in wanted.items() if path not in present or path.read_bytes() != data]
    if check:
        for path in [*sorted(stale), *changed]:
            print(f"differs: {path.relative_to(SEEDS)}", file=sys.stderr)
        return 1 if stale or changed else 0
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    print(f"{len(files)} seeds, {sum(map(len, files.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
