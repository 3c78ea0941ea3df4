"""Files of spans keep every span, whatever the format; hostile bytes are an error with a place, never a crash."""

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spanwire import encode_spans
from spanwire._files.span_file import COMPRESSIONS, BrokenFileError, SpanFile, SpanFileWriter
from spanwire._native import FileStats, FileWriter, ReplayPlan, decode_spans
from tests.property.requests import requests
from tests.property.strategies import sdk_batches

NATIVE = ("protobuf", "delimited", "prefixed", "json", "jsonl")
PACKINGS = [None, *COMPRESSIONS]


def written(bodies: Sequence[bytes], kind: str, packing: str | None) -> bytes:
    parts: list[bytes] = []
    writer = FileWriter(parts.append, format=kind, compression=packing)
    for body in bodies:
        writer.write(body)
    writer.finish()
    return b"".join(parts)


def flat(bodies: Sequence[bytes]) -> list[Any]:
    """Each span, as protobuf reads it, with what stands around it."""
    found = []
    for body in bodies:
        request = ExportTraceServiceRequest.FromString(body)
        fill(request)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    around = (resource.resource, resource.schema_url, scope.scope, scope.schema_url)
                    found.append((*map(str, around), span.SerializeToString(deterministic=True)))
    return found


def fill(message: Any) -> None:
    """JSON cannot tell an empty status from none, and an attribute's empty value from none."""
    if isinstance(message, KeyValue):
        message.value.SetInParent()
    if isinstance(message, Span):
        message.status.SetInParent()
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if isinstance(value, Message) else value:
                fill(inner)


def read(data: bytes, kind: Any = None) -> tuple[list[bytes], BrokenFileError | None]:
    bodies = []
    with SpanFile(data, format=kind) as source:
        try:
            for body, count in source:
                assert len(decode_spans(body)) == count
                bodies.append(body)
        except BrokenFileError as error:
            return bodies, error
    return bodies, None


@given(st.lists(requests(), max_size=3), st.sampled_from(NATIVE), st.sampled_from(PACKINGS))
def test_every_format_keeps_every_span(messages: list[Any], kind: str, packing: str | None) -> None:
    bodies = [message.SerializeToString() for message in messages]
    found, error = read(written(bodies, kind, packing), kind)
    assert error is None
    assert flat(found) == flat(bodies)


@given(st.lists(requests(), min_size=1, max_size=3), st.permutations(NATIVE), st.permutations(PACKINGS))
def test_formats_are_guessed_and_a_chain_of_them_keeps_every_span(
    messages: list[Any], kinds: list[str], packings: list[str | None]
) -> None:
    found = [message.SerializeToString() for message in messages if message.ByteSize()]
    expected = flat(found)
    if not expected:
        return  # what holds no span may look like anything
    for kind, packing in zip(kinds[:3], packings, strict=True):
        found, error = read(written(found, kind, packing))
        assert error is None, (kind, packing)
    assert flat(found) == expected


@given(st.binary(max_size=200), st.sampled_from([None, *NATIVE]))
def test_any_bytes_are_read_or_refused(data: bytes, kind: str | None) -> None:
    bodies, error = read(data, kind)
    assert error is None or 0 <= error.offset <= len(data)
    for body in bodies:
        ExportTraceServiceRequest.FromString(body)


@given(st.sampled_from(NATIVE), st.sampled_from(PACKINGS), requests(), st.data())
def test_changed_files_are_read_or_refused(kind: str, packing: str | None, message: Any, data: st.DataObject) -> None:
    body = message.SerializeToString()
    file = bytearray(written([body, body], kind, packing))
    for _ in range(data.draw(st.integers(1, 3))):
        if file:
            place = data.draw(st.integers(0, len(file) - 1))
            file[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    bodies, _ = read(bytes(file), kind)
    stats = FileStats()
    plan = ReplayPlan(speed=2.0, begin=1, new_ids=True, spans=2, bytes=100, window=1.0)
    for found in bodies:
        stats.add(found)
        plan.add(found)
    sent = 0
    while (job := plan.next_request()) is not None:
        assert len(decode_spans(job[0])) == job[1]
        sent += job[1]
    assert stats.counts()["spans"] == sent == len(flat(bodies))


@given(st.lists(requests(), min_size=1, max_size=3))
def test_a_replay_changes_times_and_ids_and_nothing_else(messages: list[Any]) -> None:
    bodies = [message.SerializeToString() for message in messages]
    for begin, new_ids in ((None, False), (10**18, True)):
        plan = ReplayPlan(speed=3.0, begin=begin, new_ids=new_ids, spans=7, bytes=1 << 20, window=1e9)
        for body in bodies:
            plan.add(body)
        sent = []
        while (job := plan.next_request()) is not None:
            sent.append(job[0])
        both = [[blank(span, begin is not None, new_ids) for span in flat(each)] for each in (bodies, sent)]
        assert sorted(both[0]) == sorted(both[1])


def blank(entry: tuple[Any, ...], times: bool, ids: bool) -> tuple[Any, ...]:
    """A span without what may change."""
    span = Span.FromString(entry[-1])
    for item in (span, *span.links) if ids else ():
        for name in ("trace_id", "span_id"):
            setattr(item, name, bytes(any(getattr(item, name))))
    if ids:
        span.parent_span_id = bytes(any(span.parent_span_id))
    if times:
        span.start_time_unix_nano = min(1, span.start_time_unix_nano)
        span.end_time_unix_nano = min(1, span.end_time_unix_nano)
        for event in span.events:
            event.time_unix_nano = min(1, event.time_unix_nano)
    return (*entry[:-1], span.SerializeToString(deterministic=True))


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="not applicable: pyarrow is not in this environment")
@given(st.lists(sdk_batches(), max_size=3))
def test_parquet_keeps_every_span(batches: list[Any]) -> None:
    bodies = [encode_spans(batch) for batch in batches]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spans"
        with SpanFileWriter(path, format="parquet") as out:
            for body in bodies:
                out.write(body)
        with SpanFile(path) as source:
            found = list(source)
    # Equal resources and scopes come together.
    assert sorted(flat([body for body, _ in found])) == sorted(flat(bodies))
    assert sum(count for _, count in found) == len(flat(bodies))
