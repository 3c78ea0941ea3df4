"""``spanwire bench export --exporter-only``: the official exporter of a protocol and ours, to a sink in another process, interleaved in one run.

``export()`` is called directly, with batches of spans that were made beforehand, separately for each side, and never
read before. What is counted:

- *CPU*: user and system time of the whole process (every thread, so our native one too) during the calls.
- *caller*: CPU time of the thread that calls ``export()``. A thread holds the GIL only while it runs, and our native
  thread never takes it, so this is an upper bound of the time for which the GIL is held.
- *GIL*: what another Python thread loses. A second thread spins in Python during the calls, on a core of its own, and
  its CPU time is compared with the wall clock: it stands still whenever it does not get the GIL. This includes handing
  the GIL over twice a call, and whatever else runs on the machine, so it is an upper bound as well, and a good one only
  on a quiet machine.

The sink counts what it received; no figure is given when that is not what was sent.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from spanwire_bench._measure import Comparison, Figure, collector_off

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from typing_extensions import Self

    from spanwire_bench._sink_process import SinkProcess

__all__ = ["Bench", "Lost", "Reading", "Result", "export_all", "exporters_of"]

_PACKAGES = {
    "http/protobuf": ("opentelemetry.exporter.otlp.proto.http", "spanwire.exporter.http"),
    "grpc": ("opentelemetry.exporter.otlp.proto.grpc", "spanwire.exporter.grpc"),
}


class Lost(Exception):
    """Not everything that was exported arrived."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One round of one side, in ns: CPU of the process, of the calling thread, wall, and what the probe missed; bytes a span on the wire."""

    cpu: int
    caller: int
    wall: int
    missed: int | None
    bytes_a_span: float


@dataclass(frozen=True, slots=True)
class Result:
    """One workload: ns a span of CPU, of the caller's CPU, of wall time, and without the GIL for another thread.

    ``bytes_a_span`` are the bodies on the wire: the official exporter's, ours.
    """

    workload: str
    batch: int
    spans_a_round: int
    delivered: int
    cpu: Comparison
    caller: Comparison
    wall: Comparison
    gil: Comparison | None
    bytes_a_span: tuple[float, float]

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "workload": self.workload,
            "batch": self.batch,
            "spans_per_round": self.spans_a_round,
            "delivered_by_each": self.delivered,
            "unit": "ns per span",
            "process_cpu": self.cpu.as_json(),
            "caller_cpu": self.caller.as_json(),
            "wall": self.wall.as_json(),
            "gil_unavailable": None if self.gil is None else self.gil.as_json(),
            "wire_bytes_per_span": dict(zip(("official", "spanwire"), self.bytes_a_span, strict=True)),
        }


class Bench:
    """Both exporters, the sink that they send to, and where everything runs.

    :param exporters: the official one, then ours.
    :param sink_core: for the sink while CPU is measured; ``sender_core`` is then this process's alone. While the GIL is
        probed, they share ``sender_core`` and the probe has ``sink_core``. None, where there are not two cores: no
        pinning, and no probe.
    """

    def __init__(
        self,
        exporters: tuple[SpanExporter, SpanExporter],
        sink: SinkProcess,
        *,
        sender_core: int | None,
        sink_core: int | None,
    ) -> None:
        self._exporters = exporters
        self._sink = sink
        self._sender_core = sender_core
        self._sink_core = sink_core

    def measure(
        self,
        workload: str,
        *,
        batch: int,
        batches: int,
        rounds: int,
        progress: Callable[[int], None] = lambda steps: None,
    ) -> Result:
        """Export ``batches`` × ``batch`` spans by each side in each of ``rounds`` rounds. Raises Lost.

        ``progress`` is told of each finished round: ``rounds``, and as many again where the GIL is probed.
        """
        from spanwire_bench import _workloads

        for exporter in self._exporters:  # connect, fill caches
            export_all(exporter, [_workloads.make(workload, batch, seed=-1)], self._sink)

        def run(probe: _Probe | None) -> list[tuple[Reading, Reading]]:
            return [self._round(workload, batch, batches, number, probe, progress) for number in range(rounds)]

        plain = run(None)
        probed: list[tuple[Reading, Reading]] = []
        if self._sink_core is not None:
            self._sink.pin(self._sender_core)
            with _Probe(self._sink_core) as probe:
                probed = run(probe)
            self._sink.pin(self._sink_core)
        spans = batch * batches

        def compare(readings: list[tuple[Reading, Reading]], clock: str) -> Comparison:
            official, ours = ([getattr(one, clock) / spans for one in side] for side in zip(*readings, strict=True))
            return Comparison(Figure.of(official), Figure.of(ours))

        return Result(
            workload,
            batch,
            spans,
            spans * (len(plain) + len(probed)),
            compare(plain, "cpu"),
            compare(plain, "caller"),
            compare(plain, "wall"),
            compare(probed, "missed") if probed else None,
            (plain[-1][0].bytes_a_span, plain[-1][1].bytes_a_span),
        )

    def _round(
        self,
        workload: str,
        batch: int,
        batches: int,
        number: int,
        probe: _Probe | None,
        progress: Callable[[int], None],
    ) -> tuple[Reading, Reading]:
        from spanwire_bench import _workloads

        with collector_off():  # from the making on: a collection reads the spans
            work = [[_workloads.make(workload, batch, seed=seed) for seed in range(batches)] for _ in self._exporters]
            readings = {
                which: export_all(self._exporters[which], work[which], self._sink, probe)
                for which in ((0, 1) if number % 2 else (1, 0))
            }
        progress(1)
        return readings[0], readings[1]


def exporters_of(protocol: str, endpoint: str) -> tuple[SpanExporter, SpanExporter]:
    """The official exporter of ``protocol`` and ours, to the sink's endpoint. Raises ImportError if there is no official one."""
    official, ours = (
        importlib.import_module(f"{package}.trace_exporter").OTLPSpanExporter for package in _PACKAGES[protocol]
    )
    if protocol == "grpc":
        target = endpoint.removesuffix("/v1/traces")
        return official(endpoint=target, insecure=True), ours(endpoint=target, insecure=True)
    return official(endpoint=endpoint), ours(endpoint=endpoint)


def export_all(
    exporter: SpanExporter, work: Sequence[Sequence[ReadableSpan]], sink: SinkProcess, probe: _Probe | None = None
) -> Reading:
    """Export ``work``, one call a batch. Raises Lost."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    sink.clear()
    caller, cpu = time.thread_time_ns(), time.process_time_ns()
    spun, wall = 0 if probe is None else probe.cpu_ns(), time.perf_counter_ns()
    results = [exporter.export(spans) for spans in work]
    wall, spun = time.perf_counter_ns() - wall, 0 if probe is None else probe.cpu_ns() - spun
    cpu, caller = time.process_time_ns() - cpu, time.thread_time_ns() - caller
    sent = sum(map(len, work))
    received = sink.count()
    failed = sum(result is not SpanExportResult.SUCCESS for result in results)
    if failed or received != sent:
        name = type(exporter).__module__
        raise Lost(f"{name}: {sent} spans sent, {received} received, {failed} of {len(work)} exports failed")
    missed = None if probe is None else wall - spun
    return Reading(cpu, caller, wall, missed, bytes_a_span=sink.bytes_a_span())


class _Probe:
    """A thread that wants the GIL all the time, on ``core``; a context manager."""

    def __init__(self, core: int) -> None:
        self._core = core
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._spin, name="spanwire-gil-probe", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        self._clock = time.pthread_getcpuclockid(self._thread.ident or 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def cpu_ns(self) -> int:
        """Its CPU time so far; the GIL is not let go to read it."""
        return time.clock_gettime_ns(self._clock)

    def _spin(self) -> None:
        os.sched_setaffinity(0, {self._core})
        self._ready.set()
        while not self._stop.is_set():
            pass
