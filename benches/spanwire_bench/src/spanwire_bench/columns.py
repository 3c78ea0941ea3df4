"""``spanwire bench columns``: spans from columns and back, beside the official encoder and parser, interleaved in one run.

Columns are W5's spans, so often repeated as there are rows, in the layout named: ``S`` (fixed width), ``strings`` (offsets),
``dictionary``. The official side encodes batches of 512 spans that were never read before, and parses what it encoded; its time a span
does not depend on the number of rows. Times are CPU of the calling thread, and wall time where two threads are compared with one.
Bytes are compared with the official encoder's for 512 rows, and no figure is given when one differs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spanwire_bench._measure import OFFICIAL_HINT, Comparison, Figure, collector_off, cores, pinned
from spanwire_bench.encode import BytesDiffer, Encoder, official_encoder

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from spanwire.columnar import SpanColumns

__all__ = ["GOALS", "Memory", "Result", "columns", "measure"]

BATCH = 512
LAYOUTS = ("S", "strings", "dictionary")
_ROWS = (512, 10_000, 100_000, 1_000_000)
_LEAST_ROWS = 20_000  # of one sample of ours, which would be short otherwise

GOALS = {"encode": 300.0, "threads": 1.8, "gigabytes": 1.5, "memory": 1.2}
"""Official ÷ ours; one thread ÷ two; decoded GB/s; peak memory ÷ output."""


@dataclass(frozen=True, slots=True)
class Result:
    """One layout and number of rows. ``encode`` and ``decode``: ns a span, one thread's CPU; ``two`` and ``one``: ns of wall time."""

    layout: str
    rows: int
    bytes_a_span: float
    encode: Comparison
    decode: Comparison
    one: Figure
    two: Figure

    @property
    def speedup(self) -> float:
        """One thread's time ÷ two threads'."""
        return self.one.minimum / self.two.minimum

    @property
    def gigabytes(self) -> float:
        """Decoded a second of one core."""
        return self.bytes_a_span / self.decode.spanwire.minimum

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "workload": "W5",
            "layout": self.layout,
            "rows": self.rows,
            "bytes_per_span": self.bytes_a_span,
            "unit": "ns per span",
            "encode": self.encode.as_json(),
            "decode": self.decode.as_json(),
            "decode_gigabytes_per_second": self.gigabytes,
            "two_threads_speedup": self.speedup,
        }


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of output, and how much more memory the process had at its peak than before."""

    rows: int
    output: int
    peak: int

    @property
    def times_output(self) -> float:
        """Peak ÷ output."""
        return self.peak / self.output

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {"rows": self.rows, "output_bytes": self.output, "peak_bytes": self.peak, "times": self.times_output}


def make(layout: str, rows: int) -> SpanColumns:
    """W5 as columns."""
    import numpy as np

    from spanwire.columnar import Dictionary, Group, SpanColumns, Strings
    from spanwire_bench import _workloads

    spans = _workloads.make("W5", min(BATCH, rows))
    times_each = -(-rows // len(spans))

    def repeat(array: Any) -> Any:
        return np.concatenate([array] * times_each)[:rows]

    def ids(values: Sequence[int], width: int) -> Any:
        joined = b"".join(value.to_bytes(width, "big") for value in values)
        return repeat(np.frombuffer(joined, np.uint8).reshape(-1, width))

    def text(values: list[str]) -> Any:
        if layout == "S":
            return repeat(np.array([value.encode() for value in values]))
        if layout == "strings":
            return Strings.of((values * times_each)[:rows])
        different = sorted(set(values))
        return Dictionary(
            repeat(np.array([different.index(value) for value in values], np.uint8)), Strings.of(different)
        )

    contexts = [span.get_span_context() for span in spans]
    attributes: dict[str, Any] = {}
    for key in spans[0].attributes or {}:
        values: list[Any] = [(span.attributes or {})[key] for span in spans]
        attributes[key] = text(values) if isinstance(values[0], str) else repeat(np.array(values))
    return SpanColumns(
        trace_id=ids([context.trace_id for context in contexts if context], 16),
        span_id=ids([context.span_id for context in contexts if context], 8),
        start=repeat(np.array([span.start_time for span in spans], np.uint64)),
        end=repeat(np.array([span.end_time for span in spans], np.uint64)),
        name=text([span.name for span in spans]),
        kind=repeat(np.array([span.kind.value + 1 for span in spans], np.uint8)),
        attributes=attributes,
        groups=[Group(spans[0].resource, spans[0].instrumentation_scope)],
    )


def measure(
    layout: str, rows: int, *, rounds: int, official: Encoder, parse: Callable[[bytes], object], core: int | None
) -> Result:
    """One row of the table. Raises BytesDiffer."""
    from spanwire.columnar import decode_columns, encode_columns
    from spanwire_bench import _workloads

    few = make(layout, BATCH)
    if b"".join(encode_columns(few)) != official(_workloads.make("W5", BATCH)):
        raise BytesDiffer(f"W5, layout {layout}")
    table = make(layout, rows)
    calls = max(1, _LEAST_ROWS // rows)
    request = bytes(encode_columns(table)[0])
    theirs: tuple[list[float], list[float]] = ([], [])
    ours: tuple[list[float], list[float]] = ([], [])
    wall: tuple[list[float], list[float]] = ([], [])
    for seed in range(rounds):
        spans: Sequence[ReadableSpan] = _workloads.make("W5", BATCH, seed=seed)
        with collector_off():
            with pinned(core):
                begin = time.thread_time_ns()
                encoded = official(spans)
                theirs[0].append((time.thread_time_ns() - begin) / BATCH)
                ours[0].append(_each(time.thread_time_ns, calls, lambda: encode_columns(table)) / rows)
                begin = time.thread_time_ns()
                parse(encoded)
                theirs[1].append((time.thread_time_ns() - begin) / BATCH)
                ours[1].append(_each(time.thread_time_ns, calls, lambda: decode_columns(request)) / rows)
            wall[0].append(_each(time.perf_counter_ns, calls, lambda: encode_columns(table)) / rows)
            wall[1].append(_each(time.perf_counter_ns, calls, lambda: encode_columns(table, threads=2)) / rows)
    return Result(
        layout,
        rows,
        len(request) / rows,
        Comparison(Figure.of(theirs[0]), Figure.of(ours[0])),
        Comparison(Figure.of(theirs[1]), Figure.of(ours[1])),
        Figure.of(wall[0]),
        Figure.of(wall[1]),
    )


def _each(clock: Callable[[], int], calls: int, work: Callable[[], object]) -> float:
    begin = clock()
    for _ in range(calls):
        work()
    return (clock() - begin) / calls


def memory(rows: int) -> Memory:
    """Peak memory of a fresh process that encodes so many rows once. Raises ChildFailed."""
    from spanwire_bench import _columns_child, _fresh

    output, peak = json.loads(_fresh.run(_columns_child.__name__, rows, timeout=600))
    return Memory(rows, output, peak)


def columns(
    layout: Annotated[
        list[str] | None, typer.Option(help="S, strings or dictionary; may be repeated. [default: all]")
    ] = None,
    rows: Annotated[
        list[int] | None, typer.Option(min=1, help="May be repeated. [default: 512, 10,000, 100,000, 1,000,000]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Samples of each side.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Spans from numpy columns and back: the official encoder and parser against spanwire."""
    from spanwire_bench import _columns_report, _report
    from spanwire_bench._fresh import ChildFailed

    names = layout or list(LAYOUTS)
    if unknown := [name for name in names if name not in LAYOUTS]:
        _report.fail(f"spanwire bench: no layout {', '.join(unknown)}; there are {', '.join(LAYOUTS)}")
    official = official_encoder()
    if official is None:
        _report.fail(OFFICIAL_HINT)
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    core = cores()[-1] if cores() else None
    counts = rows or list(_ROWS)
    results: list[Result] = []
    try:
        with _report.progress("columns", len(names) * len(counts), shown=not as_json) as step:
            for name in names:
                for count in counts:
                    parse = ExportTraceServiceRequest.FromString
                    results.append(measure(name, count, rounds=rounds, official=official, parse=parse, core=core))
                    step(1)
        peak = memory(max(counts))
    except BytesDiffer as error:
        _report.fail(f"spanwire bench: no figures, the bytes differ: {error}")
    except ChildFailed as error:
        _report.fail(f"spanwire bench: {error}")
    method = {
        "workload": "W5",
        "rounds": rounds,
        "official_batch": BATCH,
        "clock": "thread CPU time; wall time for threads",
        "pinned_to_core": core,
        "cyclic_gc": "collected before, off while timing",
        "bytes_equal": True,
    }
    if as_json:
        found: list[dict[str, object]] = [*(one.as_json() for one in results), {"memory": peak.as_json()}]
        print(json.dumps(_report.document("bench columns", method, found), indent=2))
    else:
        _columns_report.show(results, peak, method, color=color)
