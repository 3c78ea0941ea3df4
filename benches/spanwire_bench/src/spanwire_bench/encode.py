"""``spanwire bench encode``: the official encoder and ours on the same spans, interleaved in one run.

*fresh*: every batch is encoded once by each side, from spans that were made separately and never read before, as an
exporter meets them. *again*: one batch, encoded over and over. Times are CPU time of the calling thread; neither the
making of the spans nor the comparison of the bytes is counted. Each batch's bytes are compared, and no figure is given
when a single one differs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire_bench._measure import OFFICIAL_HINT, Comparison, Figure, collector_off, cores, pinned

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["BytesDiffer", "Result", "encode", "measure"]

_GROUP = 8  # batches for each side that exist before the first of them is encoded: far more than the caches hold
_REPEAT = 20  # calls in one "again" sample of ours, which would be short otherwise

Encoder = Callable[[Sequence["ReadableSpan"]], bytes]


class BytesDiffer(Exception):
    """Ours is not what the official encoder gives, so its time means nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """One row: a workload, read for the first time or again. Figures are ns of CPU a span."""

    workload: str
    state: str
    batch: int
    bytes_a_span: float
    times: Comparison

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "workload": self.workload,
            "state": self.state,
            "batch": self.batch,
            "bytes_per_span": self.bytes_a_span,
            "unit": "ns per span",
            "thread_cpu": self.times.as_json(),
        }


def measure(
    workload: str,
    official: Encoder,
    ours: Encoder,
    *,
    batch: int,
    rounds: int,
    progress: Callable[[int], None] = lambda steps: None,
) -> list[Result]:
    """Both rows of one workload. Raises BytesDiffer; ``progress`` is told of each finished round, 2 × ``rounds`` in all."""
    from spanwire_bench import _workloads

    warm = _workloads.make(workload, batch, seed=-1)
    size = len(_equal(workload, official(warm), ours(warm)))
    fresh: tuple[list[float], list[float]] = ([], [])
    again: tuple[list[float], list[float]] = ([], [])
    for first in range(0, rounds, _GROUP):
        seeds = range(first, min(first + _GROUP, rounds))
        with collector_off():  # from the making on: a collection reads the spans, and throws out what the caches hold
            pairs = [
                (_workloads.make(workload, batch, seed=seed), _workloads.make(workload, batch, seed=seed))
                for seed in seeds
            ]
            for seed, (for_official, for_ours) in zip(seeds, pairs, strict=True):
                if seed % 2:
                    our_ns, our_bytes = _timed(ours, for_ours)
                    official_ns, official_bytes = _timed(official, for_official)
                else:
                    official_ns, official_bytes = _timed(official, for_official)
                    our_ns, our_bytes = _timed(ours, for_ours)
                _equal(workload, official_bytes, our_bytes)
                fresh[0].append(official_ns / batch)
                fresh[1].append(our_ns / batch)
                progress(1)
    with collector_off():
        for _ in range(rounds):
            again[0].append(_timed(official, warm)[0] / batch)
            again[1].append(_timed_repeated(ours, warm) / batch)
            progress(1)
    return [
        Result(workload, state, batch, size / batch, Comparison(Figure.of(theirs), Figure.of(our)))
        for state, (theirs, our) in (("fresh", fresh), ("again", again))
    ]


def _timed(encoder: Encoder, spans: Sequence[ReadableSpan]) -> tuple[int, bytes]:
    begin = time.thread_time_ns()
    encoded = encoder(spans)
    return time.thread_time_ns() - begin, encoded


def _timed_repeated(encoder: Encoder, spans: Sequence[ReadableSpan]) -> float:
    begin = time.thread_time_ns()
    for _ in range(_REPEAT):
        encoder(spans)
    return (time.thread_time_ns() - begin) / _REPEAT


def _equal(workload: str, official: bytes, ours: bytes) -> bytes:
    if official == ours:
        return ours
    place = next(
        (n for n, (a, b) in enumerate(zip(official, ours, strict=False)) if a != b), min(len(official), len(ours))
    )
    raise BytesDiffer(
        f"{workload}: {len(ours)} bytes, the official encoder gives {len(official)}; they differ from byte {place} on"
    )


def official_encoder() -> Encoder | None:
    """The official ``encode_spans(...).SerializeToString()``; None when it is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    except ImportError:
        return None

    def official(spans: Sequence[ReadableSpan]) -> bytes:
        encoded: bytes = encode_spans(spans).SerializeToString()
        return encoded

    return official


def encode(
    workload: Annotated[list[str] | None, typer.Option(help="W5, W10 or WR; may be repeated. [default: all]")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Batches of each kind and side.")] = 40,
    batch: Annotated[int, typer.Option(min=1, help="Spans in a batch.")] = 512,
    allocations: Annotated[bool, typer.Option(help="Count memory allocations a span instead of time.")] = False,
    profile: Annotated[bool, typer.Option(help="Instead: what each part of a span costs spanwire.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """CPU a span to encode: the official encoder against spanwire."""
    from spanwire import encode_spans
    from spanwire_bench import _report

    names = _report.workload_names(workload)
    if allocations:
        from spanwire_bench import _allocations

        try:
            counted = _allocations.count(names, batch)
        except _allocations.Unavailable as error:
            _report.fail(f"spanwire bench: {error}")
        _report.show_allocations(counted, batch, as_json=as_json, color=color)
        return
    core = cores()[-1] if cores() else None
    if profile:
        from spanwire_bench import _profile

        with pinned(core):
            parts = [
                part for name in names for part in _profile.profile(name, encode_spans, batch=batch, rounds=rounds)
            ]
        _report.show_profile(parts, {"batch": batch, "rounds": rounds, "pinned_to_core": core}, as_json, color=color)
        return
    official = official_encoder()
    if official is None:
        _report.fail(OFFICIAL_HINT)
    results: list[Result] = []
    try:
        with pinned(core), _report.progress("encoding", 2 * rounds * len(names), shown=not as_json) as step:
            for name in names:
                results += measure(name, official, encode_spans, batch=batch, rounds=rounds, progress=step)
    except BytesDiffer as error:
        _report.fail(f"spanwire bench: no figures, the bytes differ: {error}")
    method = {
        "rounds": rounds,
        "batch": batch,
        "clock": "thread CPU time",
        "pinned_to_core": core,
        "cyclic_gc": "collected before, off while timing",
        "bytes_equal": True,
    }
    if as_json:
        print(json.dumps(_report.document("bench encode", method, [one.as_json() for one in results]), indent=2))
    else:
        _report.show_encode(results, method, color=color)
