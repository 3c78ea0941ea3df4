"""Messages of OTLP by their descriptors: random ones, and what a reader of any of them should see."""

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["REQUESTS", "fields", "items", "random_request"]

REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "profiles": ExportProfilesServiceRequest,
}
_IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def random_request(signal: str, seed: int) -> Any:
    """A request with anything that its .proto files allow."""
    return _filled(REQUESTS[signal](), random.Random(seed), 0)


def _filled(message: Any, rng: random.Random, depth: int) -> Any:
    name = message.DESCRIPTOR.full_name
    chosen = {group.name: rng.choice(group.fields).name for group in message.DESCRIPTOR.oneofs if len(group.fields) > 1}
    for field in message.DESCRIPTOR.fields:
        group = field.containing_oneof
        if group is not None and group.name in chosen:
            if chosen[group.name] != field.name:
                continue
        elif rng.random() < 0.3 and depth > 2:
            continue
        is_message = field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
        if is_message and depth > 8:
            continue
        if field.is_repeated:
            count = rng.randrange(1, 4) if depth < 3 else rng.randrange(3)
            for _ in range(count):
                if is_message:
                    _filled(getattr(message, field.name).add(), rng, depth + 1)
                else:
                    getattr(message, field.name).append(_scalar(name, field, rng))
        elif is_message:
            _filled(getattr(message, field.name), rng, depth + 1)
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, _scalar(name, field, rng))
    return message


def _scalar(owner: str, field: FieldDescriptor, rng: random.Random) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        size = _IDS.get(field.name, rng.randrange(5))
        return rng.randbytes(size)
    if field.type == FieldDescriptor.TYPE_STRING:
        return "".join(rng.choice("abcdé☂ ") for _ in range(rng.randrange(6)))
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return rng.choice([0.0, -1.5, 1e300, rng.random()])
    if field.enum_type is not None:
        return rng.choice(field.enum_type.values).number
    low, high = _RANGES[field.cpp_type]
    return rng.choice([0, 1, low, high, rng.randrange(low, high)])


def items(request: Any) -> list[tuple[Any, Any, Any]]:
    """Each item with its scope's group and its resource's."""
    found = []
    for resource in getattr(request, request.DESCRIPTOR.fields_by_number[1].name):
        for scope in getattr(resource, resource.DESCRIPTOR.fields_by_number[2].name):
            found += [(item, scope, resource) for item in getattr(scope, scope.DESCRIPTOR.fields_by_number[2].name)]
    return found


def fields(message: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """All fields as :attr:`spanwire.sink.ReceivedLog.fields` promises them, read by the official package."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.name in without:
            continue
        value = getattr(message, field.name)
        if field.is_repeated and field.message_type is not None and field.message_type.name == "KeyValue":
            found[field.name] = {entry.key: _any(entry.value) for entry in value}
        elif field.is_repeated:
            found[field.name] = [_one(field, element) for element in value]
        elif field.has_presence and not message.HasField(field.name):
            found[field.name] = None
        else:
            found[field.name] = _one(field, value)
    return found


def _one(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _any(value) if field.message_type.name == "AnyValue" else fields(value)
    return value.hex() if field.name in _IDS else value


def _any(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(_any(element) for element in value.array_value.values)
    if kind == "kvlist_value":
        return {entry.key: _any(entry.value) for entry in value.kvlist_value.values}
    return getattr(value, kind)
