"""``columns/…``: spans from numpy columns to requests and back; as ``bench columns`` measures them."""

from __future__ import annotations

import importlib
from functools import partial

from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import COMPARED, compared, compared_sides, need_official, rounds_of, scaled, steps

__all__ = ["SCENARIOS"]

_ROWS = (512, 10_000, 100_000)
_ROUNDS = 9
_SECONDS_A_ROUND = 0.1
_TITLES = {
    "encode": "W5 from columns of numpy to requests",
    "decode": "W5 from requests to columns of numpy",
}
_WHAT = {
    "encode": "CPU of the thread, per span: columns of fixed width to the bytes of a request. SDK: the official "
    "encoder on batches of 512 "
    "spans that were never read before, the SDK first in each round. The bytes are compared, and are the same.",
    "decode": "CPU of the thread, per span: a request to columns. SDK: the official parser, to objects of protobuf, on "
    "a request of 512 "
    "spans, first in each round.",
}


def _seconds(settings: Settings) -> float:
    return 0.5 + len(_ROWS) * (0.3 + rounds_of(settings, _ROUNDS) * _SECONDS_A_ROUND * min(1.0, settings.scale))


def _run(case: str, settings: Settings, step: Step) -> Outcome:
    try:
        importlib.import_module("numpy")  # only to say what is missing
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    except ImportError as error:
        raise Failed(f"{error.name} is missing: pip install numpy opentelemetry-exporter-otlp-proto-http") from None
    from spanwire_bench.columns import measure
    from spanwire_bench.encode import BytesDiffer, official_encoder

    need_official()
    official = official_encoder()
    assert official is not None
    counts = [scaled(rows, settings, least=64) for rows in _ROWS]
    rounds = rounds_of(settings, _ROUNDS)
    progress = steps(step, len(counts))
    found = []
    try:
        for rows in counts:
            found.append(
                measure(
                    "S",
                    rows,
                    rounds=rounds,
                    official=official,
                    parse=ExportTraceServiceRequest.FromString,
                    core=settings.sender_core,
                )
            )
            progress(1)
    except BytesDiffer as error:
        raise Failed(f"the bytes differ: {error}") from None
    made = [
        row
        for side in compared_sides(settings)
        for one in found
        for row in compared([side], one.encode if case == "encode" else one.decode, at=one.rows)
    ]
    return Outcome(f"columns/{case}", _TITLES[case], _WHAT[case], tuple(made), plot="curve", axis="rows")


SCENARIOS = tuple(
    Scenario(f"columns/{case}", title, COMPARED, _seconds, partial(_run, case)) for case, title in _TITLES.items()
)
