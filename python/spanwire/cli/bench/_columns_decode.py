"""Requests to columns, beside official protobuf's parser of the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spanwire.cli.bench._measure import Comparison, Figure, collector_off

__all__ = ["Decoding", "decoding"]

_BATCH = 512  # spans that are made and encoded; the request is so many copies of them as it takes


@dataclass(frozen=True, slots=True)
class Decoding:
    """One row: ns of CPU a span, by official protobuf and by ``decode_columns``."""

    workload: str
    rows: int
    bytes_a_span: float
    times: Comparison

    @property
    def gigabytes_a_second(self) -> float:
        """What ``decode_columns`` reads."""
        return self.bytes_a_span / self.times.spanwire.median

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "workload": self.workload,
            "direction": "decode",
            "rows": self.rows,
            "bytes_per_span": self.bytes_a_span,
            "unit": "ns per span",
            "thread_cpu": self.times.as_json(),
            "gb_per_s": self.gigabytes_a_second,
        }


def decoding(workload: str, rows: int, rounds: int) -> Decoding:
    """Both parsers by turns, a sample each round. Official protobuf is given batches of 512 spans, as it meets them."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from spanwire import encode_spans
    from spanwire.cli import _workloads
    from spanwire.columnar import decode_columns

    batch = min(rows, _BATCH)
    body = encode_spans(_workloads.make(workload, batch))
    request = body * max(1, rows // batch)
    spans = len(decode_columns(request))
    official: list[float] = []
    ours: list[float] = []
    with collector_off():
        for _ in range(rounds):
            official.append(_timed(ExportTraceServiceRequest.FromString, body) / batch)
            ours.append(_timed(decode_columns, request) / spans)
    return Decoding(workload, spans, len(request) / spans, Comparison(Figure.of(official), Figure.of(ours)))


def _timed(parse: Callable[[bytes], Any], data: bytes) -> int:
    begin = time.thread_time_ns()
    parse(data)
    return time.thread_time_ns() - begin
