"""The oracle for OTLP/JSON: protobuf's json_format, with OTLP's differences applied."""

import base64
import json
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["json_of", "request_of"]

_IDS = {"traceId", "spanId", "parentSpanId"}


def json_of(request: Any) -> Any:
    """OTLP/JSON of a request, parsed."""
    data = json_format.MessageToDict(request, use_integers_for_enums=True)
    return _change_ids(data, lambda text: base64.b64decode(text).hex())


def request_of(text: str | bytes, of: Any = ExportTraceServiceRequest) -> Any:
    """The request that an OTLP/JSON text stands for."""
    data = _change_ids(json.loads(text), lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return json_format.ParseDict(data, of(), ignore_unknown_fields=True)


def _change_ids(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, list):
        return [_change_ids(item, change) for item in data]
    if isinstance(data, dict):
        # Attributes cannot be mistaken for ids: their keys are values of "key".
        return {
            name: change(value) if name in _IDS and isinstance(value, str) else _change_ids(value, change)
            for name, value in data.items()
        }
    return data
