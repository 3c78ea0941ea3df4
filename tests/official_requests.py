"""The official export requests and responses of the four signals, and random requests with hostile values."""

import random
import struct
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

try:
    from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2
except (
    ModuleNotFoundError
):  # the oldest opentelemetry-proto that we support has fewer messages and fields than our schema
    profiles_service_pb2 = None  # type: ignore[assignment]

__all__ = ["IS_OLDER", "REQUESTS", "RESPONSES", "random_request", "with_unknown_fields"]

# Whether the installed opentelemetry-proto declares less than the core's schema.
IS_OLDER = profiles_service_pb2 is None

REQUESTS: dict[str, Any] = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
}
RESPONSES: dict[str, Any] = {
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
}
if profiles_service_pb2 is not None:
    REQUESTS["profiles"] = profiles_service_pb2.ExportProfilesServiceRequest
    RESPONSES["profiles"] = profiles_service_pb2.ExportProfilesServiceResponse

_TEXTS = ["", "a", "service.name", 'é\n"\\', "\x00\x1f\x7f", "\u2028𝄞", "x" * 200, "ümläut" * 30]
_DOUBLES = [0.0, -0.0, 1.5, 0.1, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")]
_IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
_F = FieldDescriptor
_RANGES = {
    _F.TYPE_INT32: (-(2**31), 2**31 - 1),
    _F.TYPE_SINT32: (-(2**31), 2**31 - 1),
    _F.TYPE_ENUM: (-(2**31), 2**31 - 1),
    _F.TYPE_UINT32: (0, 2**32 - 1),
    _F.TYPE_FIXED32: (0, 2**32 - 1),
    _F.TYPE_INT64: (-(2**63), 2**63 - 1),
    _F.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    _F.TYPE_UINT64: (0, 2**64 - 1),
    _F.TYPE_FIXED64: (0, 2**64 - 1),
}


def random_request(signal: str, chance: random.Random) -> Any:
    """A request of ``signal`` in which any field may be set, to a usual or an extreme value."""
    request = REQUESTS[signal]()
    _fill(request, chance, 0, 0)
    return request


def _fill(message: Any, chance: random.Random, depth: int, values: int) -> None:
    fields = list(message.DESCRIPTOR.fields)
    is_value = message.DESCRIPTOR.name in {"ArrayValue", "KeyValueList"}
    values += is_value
    if values > 4:
        return
    members = [field for field in fields if field.containing_oneof and len(field.containing_oneof.fields) > 1]
    member = chance.choice([None, *members]) if members else None
    for field in fields:
        if field in members:
            if field is not member:
                continue
        elif depth > 2 and chance.random() < 0.4:
            continue
        if field.is_repeated:
            for _ in range(chance.choice([0, 1, 1, 2, 3] if depth < 3 else [0, 0, 1, 2])):
                if field.message_type:
                    _fill(getattr(message, field.name).add(), chance, depth + 1, values)
                else:
                    getattr(message, field.name).append(_scalar(field, chance))
        elif field.message_type:
            inner = getattr(message, field.name)
            inner.SetInParent()
            _fill(inner, chance, depth + 1, values)
        else:
            setattr(message, field.name, _scalar(field, chance))


def _scalar(field: Any, chance: random.Random) -> Any:
    if field.type == _F.TYPE_STRING:
        return chance.choice(_TEXTS)
    if field.type == _F.TYPE_BYTES:
        if length := _IDS.get(field.name):
            return chance.choice([b"", bytes(length), chance.randbytes(length)])
        return chance.randbytes(chance.choice([0, 1, 2, 3, 16, 100]))
    if field.type == _F.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == _F.TYPE_DOUBLE:
        return chance.choice([*_DOUBLES, struct.unpack("<d", chance.randbytes(8))[0]])
    low, high = _RANGES[field.type]
    return chance.choice([low, high, 0, 1, 127, 128, chance.randint(low, high)])


def with_unknown_fields(body: bytes, chance: random.Random) -> bytes:
    """The same request with fields that no version declares, in front of it and behind."""
    unknown = [
        b"\xfa\x3e\x03abc",
        b"\xf8\x3e\x80\x01",
        b"\xf9\x3e12345678",
        b"\xfd\x3e1234",
        b"\xfb\x3e\x08\x01\xfc\x3e",
    ]
    return chance.choice([b"", *unknown]) + body + chance.choice(unknown)
