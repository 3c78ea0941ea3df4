"""The oracle: the official encoder's bytes and, where bytes cannot be compared, its message parsed back."""

import difflib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from google.protobuf import text_format
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as _encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["ExportTraceServiceRequest", "assert_same_bytes", "official_bytes", "parse", "quiet", "spans_of"]


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what the SDK and the official encoder log about odd values: thousands of lines in a property test."""
    logger = logging.getLogger("opentelemetry")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def official_bytes(spans: Sequence[Any]) -> bytes:
    """What the official exporter would send for ``spans``; raises whatever the official encoder raises."""
    with quiet():
        return _encode_spans(spans).SerializeToString()


def assert_same_bytes(ours: bytes, expected: bytes) -> None:
    """Fail with a readable difference of the two requests unless they are the same bytes."""
    if ours == expected:
        return
    offset = next(
        (at for at, pair in enumerate(zip(ours, expected, strict=False)) if pair[0] != pair[1]),
        min(len(ours), len(expected)),
    )
    lines = [f"requests differ at byte {offset} (ours {len(ours)} bytes, expected {len(expected)})"]
    try:
        texts = [
            text_format.MessageToString(ExportTraceServiceRequest.FromString(data)).splitlines()
            for data in (ours, expected)
        ]
        lines += difflib.unified_diff(texts[0], texts[1], "ours", "expected", lineterm="", n=2)
    except Exception as error:
        lines.append(f"ours cannot be parsed: {error}")
    lines.append(f"ours     ...{ours[max(0, offset - 16) : offset + 32].hex(' ')}")
    lines.append(f"expected ...{expected[max(0, offset - 16) : offset + 32].hex(' ')}")
    raise AssertionError("\n".join(lines))


def parse(data: bytes) -> ExportTraceServiceRequest:
    """Decode a request strictly enough to notice fields that protobuf does not know."""
    request = ExportTraceServiceRequest.FromString(data)
    # An encoder that wrote an unknown field would otherwise pass every semantic comparison.
    known = ExportTraceServiceRequest()
    known.CopyFrom(request)
    known.DiscardUnknownFields()
    assert known.ByteSize() == request.ByteSize(), "the request holds fields that OTLP does not define"
    return request


def spans_of(request: ExportTraceServiceRequest) -> list[Any]:
    """All Span messages of a request in wire order."""
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
