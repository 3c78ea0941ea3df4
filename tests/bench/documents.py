"""Runs of the suite as they come out, without running it: figures near the real ones, the same every time."""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import pairwise

from spanwire_bench.suite._model import Document, Histogram, Outcome, Row
from spanwire_bench.suite._sides import SIDES

W5 = {
    "sdk": 52_000.0,
    "exporter": 24_300.0,
    "spanwire": 604.0,
    "fastotel": 23_100.0,
    "ddtrace": 12_900.0,
    "opentelemetry-rust": 1_380.0,
    "opentelemetry-rust-builder": 1_230.0,
    "fastrace": 2_310.0,
    "opentelemetry-go": 3_900.0,
    "opentelemetry-java": 2_200.0,
}


def samples(chance: random.Random, middle: float, spread: float = 0.08, rounds: int = 7) -> tuple[float, ...]:
    return tuple(round(middle * (1 + spread * (chance.random() ** 2 - 0.15)), 2) for _ in range(rounds))


def bars(name: str, title: str, middles: Mapping[str, float], *, spread: float = 0.08, **more: object) -> Outcome:
    """An outcome with a row for each side."""
    chance = random.Random(name)
    rows = tuple(
        Row(side, samples(chance, middle, spread), instructions=round(middle * 3.1), delivered=114_688)
        for side, middle in middles.items()
    )
    what = "CPU of the sending process, all threads, from the first span to the end of the flush."
    return Outcome(name, title, what, rows, **{"goal": None, **more})  # type: ignore[arg-type]


def threads() -> Outcome:
    chance = random.Random("threads")
    rows = tuple(
        Row(side, samples(chance, middle * (1 + growth * math.log2(count)), 0.2, 5), at=count)
        for side, middle, growth in (("sdk", 54_000, 0.16), ("exporter", 25_500, 0.12), ("spanwire", 640, 0.07))
        for count in (1, 2, 4, 8)
    )
    what = "CPU a span, delivered, when several threads make spans at once."
    return Outcome("threads/W5", "W5 from several threads", what, rows, plot="curve", axis="threads")


def columns() -> Outcome:
    chance = random.Random("columns")
    rows = tuple(
        Row(side, samples(chance, middle + start / count, 0.1, 5), at=count)
        for side, middle, start in (("sdk", 28_000, 4_000), ("spanwire", 61, 9_000))
        for count in (10, 100, 1_000, 10_000, 100_000)
    )
    return Outcome("columns/encode", "Columns to requests", "CPU a row.", rows, per="row", plot="curve", axis="rows")


def latency(name: str, title: str, **middles: float) -> Outcome:
    chance = random.Random(name)
    rows: list[Row] = []
    edges = tuple(round(50 * 10 ** (step / 12), 1) for step in range(70))
    for side, middle in middles.items():
        values = sorted(
            middle * math.exp(chance.gauss(0, 0.22)) * (1 + (chance.random() < 0.004) * 60 * chance.random())
            for _ in range(20_000)
        )
        counts = tuple(sum(1 for value in values if low <= value < high) for low, high in pairwise(edges))
        for at in (0.5, 0.99, 0.999, 1.0):
            middle_value = values[min(len(values) - 1, int(at * len(values)))]
            histogram = Histogram(edges, counts) if at == 0.5 else None
            rows.append(Row(side, samples(chance, middle_value, 0.1, 5), at=at, histogram=histogram))
    what = "How long span.end() keeps its caller; batches go out meanwhile."
    return Outcome(name, title, what, tuple(rows), per="call", plot="histogram", axis="time in end()")


def outage() -> Outcome:
    chance = random.Random("outage")
    rows = []
    for side, base, growth in (("sdk", 48e6, 0.62e6), ("spanwire", 42e6, 0.11e6)):
        line, held = [], base
        for tick in range(300):
            second = tick / 5
            if 10 <= second < 40 and held < base + 30 * growth * 0.8:
                held += growth / 5
            elif second >= 40:
                held = max(base + 8 * growth * 0.2, held - growth)
            line.append((second, round(held + chance.random() * 2e5)))
        most = max(value for _, value in line) - base
        rows.append(Row(side, samples(chance, most, 0.05, 3), series=tuple(line), note="of 60,000 spans none lost"))
    what = "Resident memory while the backend is away and spans go on at a steady rate; the figure is the growth."
    return Outcome(
        "memory/outage",
        "Memory while the backend is away",
        what,
        tuple(rows),
        unit="bytes",
        per="process",
        plot="series",
        axis="seconds",
        stretches=((10.0, 40.0, "no backend"),),
    )


def outcomes() -> list[Outcome]:
    python = {side: W5[side] for side in ("sdk", "exporter", "spanwire", "fastotel", "ddtrace")}
    return [
        bars("encode/W5", "Encode W5", {"sdk": 27_400.0, "spanwire": 301.0, "fastotel": 1_900.0}, goal=40.0),
        bars("create/W5", "Create W5, discarded", {"sdk": 17_800.0, "spanwire": 335.0, "ddtrace": 5_200.0}, goal=60.0),
        bars("create/unsampled", "Create an unsampled span", {"sdk": 5_900.0, "spanwire": 190.0}, per="span"),
        bars("export/W5", "W5 end to end", W5, goal=80.0),
        bars("export/W10", "W10 end to end", {side: value * 1.55 for side, value in W5.items()}, goal=80.0),
        bars("export/WR", "WR end to end", {side: value * 2.1 for side, value in python.items()}, spread=0.4),
        bars("export-gzip/W5", "W5 end to end, gzip", {side: value + 900 for side, value in python.items()}),
        threads(),
        latency("latency/steady", "end() while the backend answers", sdk=14_000, exporter=13_800, spanwire=420),
        latency("latency/refused", "end() while the backend refuses", sdk=14_400, spanwire=430),
        bars(
            "memory/queued",
            "100,000 spans that wait",
            {"sdk": 231e6, "exporter": 228e6, "spanwire": 30.2e6},
            unit="bytes",
            per="process",
            goal=5.0,
        ),
        outage(),
        bars(
            "import/exporter",
            "Import the exporter",
            {"sdk": 118e6, "exporter": 64e6, "spanwire": 61e6},
            per="process",
            spread=0.9,
        ),
        columns(),
        bars("otel/CreateSpan", "CreateSpan", {"sdk": 9_000.0, "spanwire": 210.0}, per="call"),
        bars(
            "otel/throughput",
            "Spans a second, one core",
            {"sdk": 19_000.0, "spanwire": 1_650_000.0},
            unit="spans/s",
            per="core",
            lower_is_better=False,
        ),
    ]


def document(chosen: Sequence[Outcome] | None = None, **more: object) -> Document:
    """A whole run with peers."""
    versions = {"sdk": "1.45.2", "exporter": "0.1.0", "spanwire": "0.1.0", "opentelemetry-rust": "0.32.0"}
    known: dict[str, object] = {
        "command": "spanwire bench --peers --html report.html",
        "started": "2026-11-25T21:04:11+00:00",
        "seconds": 511.0,
        "complete": True,
        "environment": {
            "python": "3.13.1",
            "implementation": "CPython",
            "machine": "x86_64",
            "cpu": "AMD EPYC 9B14",
            "cores": 2,
            "system": "Linux 6.8.0",
            "versions": {"spanwire": "0.1.0", "opentelemetry-sdk": "1.45.2", "protobuf": "7.36.2"},
        },
        "method": {"rounds": 7, "sender_core": 0, "receiver_core": 1, "interleaved": True, "batch": None},
        "sides": {
            name: {"label": side.label, "language": side.language, "what": side.what, "version": versions.get(name, "")}
            for name, side in SIDES.items()
        },
        "outcomes": tuple(outcomes() if chosen is None else chosen),
        "left_out": {"columns/decode": "pyarrow is not installed"},
    }
    return Document(**{**known, **more})  # type: ignore[arg-type]
