"""Makes a stream of synthetic spans and hands it on: the work of ``spanwire generate``, in one process or in several.

Run as ``python -m spanwire.cli._generate_run`` this is one process of several: it reads its :class:`Plan` as a line of JSON from
stdin, writes a line of JSON with its :class:`Tally` to stdout several times a second and at the end, and ends early when its
stdin does.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from spanwire._files.new_file import NewFile
from spanwire.cli._latencies import Latencies

if TYPE_CHECKING:
    from spanwire._native import HttpClient
    from spanwire.cli._synthetic import Stream
    from spanwire.columnar import SpanColumns

__all__ = ["Plan", "Tally", "Work"]

_TELL_SECONDS = 0.2
_PACES_A_SECOND = 20  # with a rate, as many requests a second at most
_MOST_LAG = 0.5  # seconds behind the rate that are caught up with; what is later than that is not
_LONGEST = 1 << 30  # bytes of a request: --batch says how long they are
_COUNTED = ("requests", "retries", "bytes")  # by the engine
UNPACED = 1_000_000  # spans/s between whose starts the times of spans made as fast as possible lie


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make, and where it goes. Plain values, so that it can be given to another process."""

    seed: int
    services: int
    depth: int
    fan_out: int
    error_rate: float
    batch: int
    count: int | None = None
    """Spans, of all processes together."""
    seconds: float | None = None
    rate: float | None = None
    """Spans/s of this process."""
    start_ns: int | None = None
    process: int = 0
    processes: int = 1
    endpoint: str | None = None
    headers: dict[str, str] | None = field(default=None, repr=False)
    compression: str | None = None
    certificate: str | None = None
    timeout: float | None = None
    connections: int = 4
    output: str | None = None
    """A file instead of an endpoint."""
    force: bool = False
    """Replace a file that is there."""


@dataclass(slots=True)
class Tally:
    """What became of the spans so far; tallies of several processes add up."""

    made: int = 0
    """Spans handed on: to be sent, or written."""
    delivered: int = 0
    """Spans that the destination took."""
    lost: dict[str, int] = field(default_factory=dict)
    """Spans that it did not, by reason."""
    requests: int = 0
    """Written, each try counted; ``bytes`` likewise, as they are on the wire."""
    retries: int = 0
    bytes: int = 0
    error: str | None = None
    """What went wrong last."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    ended: bool = False
    latencies: Latencies = field(default_factory=Latencies)

    def add(self, other: Tally) -> None:
        """Take in what another process did at the same time."""
        self.made += other.made
        self.delivered += other.delivered
        for reason, spans in other.lost.items():
            self.lost[reason] = self.lost.get(reason, 0) + spans
        self.requests += other.requests
        self.retries += other.retries
        self.bytes += other.bytes
        self.error = other.error or self.error
        self.seconds = max(self.seconds, other.seconds)
        self.cpu_seconds += other.cpu_seconds
        self.latencies.add_all(other.latencies)

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(
            {name: getattr(self, name) for name in self.__slots__ if name != "latencies"}
            | {"latencies": self.latencies.counts}
        )

    @classmethod
    def from_json(cls, line: str) -> Tally:
        """What :meth:`to_json` made."""
        values: dict[str, Any] = json.loads(line)
        counts = values.pop("latencies")
        return cls(**values, latencies=Latencies({int(bucket): count for bucket, count in counts.items()}))


class _Destination(Protocol):
    """Where requests go."""

    def take(self, columns: SpanColumns) -> None:
        """Send or write; may wait until there is room."""

    def close(self, *, complete: bool) -> None:
        """Wait for what is under way; ``complete`` tells whether nothing went wrong in making it."""

    def measure(self) -> None:
        """Say in the tally what was counted elsewhere."""


class Work:
    """The work of one process, in the thread that calls :meth:`run`.

    :param plan: what to do.
    :raises ValueError: if an option cannot work, with a text that says what can.
    :raises OSError: if the file cannot be written.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self.stop = threading.Event()
        """Set to end early: what was handed on is still delivered."""
        self._lock = threading.Lock()
        self._took_any = False
        self._began = self._cpu = 0.0
        if plan.output is not None:
            self._destination: _Destination = _File(self, plan.output, force=plan.force)
        else:
            self._destination = _Endpoint(self, plan)

    def run(self) -> Tally:
        """Make spans until there are enough, time is up or :attr:`stop` is set; then wait for what is under way."""
        complete = False
        try:
            stream = _stream(self.plan)
            self._began, self._cpu = time.monotonic(), time.process_time()
            self._make(stream)
            complete = True
        finally:
            self._destination.close(complete=complete)
            self.measure()
            self.tally.ended = True
        return self.tally

    def close(self) -> None:
        """Instead of :meth:`run`."""
        self._destination.close(complete=False)

    def measure(self) -> None:
        """Say in the tally how long it has been."""
        if self._began:
            self._destination.measure()
            self.tally.seconds = time.monotonic() - self._began
            self.tally.cpu_seconds = time.process_time() - self._cpu

    def _make(self, stream: Stream) -> None:
        plan = self.plan
        batch = plan.batch if plan.rate is None else max(1, min(plan.batch, int(plan.rate / _PACES_A_SECOND)))
        pace = None if plan.rate is None else _Pace(plan.rate, self.stop)
        deadline = None if plan.seconds is None else self._began + plan.seconds
        for part in stream.parts(batch, process=plan.process, processes=plan.processes, limit=plan.count):
            if pace is not None:
                pace.wait(self.tally.made, deadline)
            if self.stop.is_set() or (deadline is not None and time.monotonic() >= deadline):
                return
            if plan.start_ns is None:
                columns = stream.until(part, time.time_ns())
            else:
                columns = stream.at(part, plan.start_ns)
            self.tally.made += len(part)
            self._destination.take(columns)

    def delivered(self, spans: int, seconds: float | None) -> None:
        """Count a request that the destination took."""
        with self._lock:
            self._took_any = True
            self.tally.delivered += spans
            if seconds is not None:
                self.tally.latencies.add(seconds)

    def lost(self, spans: int, reason: str, error: str | None) -> None:
        """Count spans that it did not. If it has taken nothing yet, that is the end: it never will."""
        with self._lock:
            self.tally.lost[reason] = self.tally.lost.get(reason, 0) + spans
            self.tally.error = error or self.tally.error
            if not self._took_any:
                self.stop.set()


def _stream(plan: Plan) -> Stream:
    from spanwire.cli._synthetic import Shape, Stream

    shape = Shape(plan.services, plan.depth, plan.fan_out, plan.error_rate)
    stream = Stream(shape, plan.seed)
    stream.spacing_ns = max(1, round(stream.tables.mean_size / ((plan.rate or UNPACED) * plan.processes) * 1e9))
    return stream


class _Pace:
    """Holds a rate from the first span on."""

    def __init__(self, rate: float, stop: threading.Event) -> None:
        self._rate = rate
        self._stop = stop
        self._began = time.monotonic()

    def wait(self, made: int, deadline: float | None) -> None:
        """Until the span after the first ``made`` ones is due."""
        now = time.monotonic()
        due = self._began + made / self._rate
        if now - due > _MOST_LAG:
            self._began += now - due - _MOST_LAG  # no burst of what a slow destination held up
        until = due if deadline is None else min(due, deadline)
        if until > now:
            self._stop.wait(until - now)


class _File:
    """A file of OTLP: requests one after the other, which together are one; or a line of OTLP/JSON for each.

    It appears when all is made, or when that is stopped.
    """

    def __init__(self, work: Work, path: str, *, force: bool) -> None:
        self._work = work
        self._requests = 0
        self._lines = Path(path).suffix in (".json", ".jsonl", ".ndjson")
        self._new = NewFile(path, force=force)

    def take(self, columns: SpanColumns) -> None:
        from spanwire.columnar import encode_columns

        for request in encode_columns(columns):
            self._work.tally.bytes += len(request)
            if self._lines:
                from spanwire._native import traces_to_json

                self._new.file.write(traces_to_json(bytes(request)) + b"\n")
            else:
                self._new.file.write(request)
        self._requests += 1
        self._work.delivered(len(columns), None)

    def measure(self) -> None:
        self._work.tally.requests = self._requests

    def close(self, *, complete: bool) -> None:
        self._new.close(complete=complete)


class _Endpoint:
    """An OTLP/HTTP endpoint, with several requests under way at a time: each thread waits for the answer to one."""

    def __init__(self, work: Work, plan: Plan) -> None:
        from spanwire import _native
        from spanwire.exporter._common.options import HttpOptions

        options = HttpOptions.resolve(
            "traces",
            endpoint=plan.endpoint,
            certificate_file=plan.certificate,
            client_key_file=None,
            client_certificate_file=None,
            headers=plan.headers,
            timeout=plan.timeout,
            compression=plan.compression,
            max_request_size=0,
        )
        self._work = work
        self._client: HttpClient = options.client(w3c_flags=False)
        self._before = _native.export_stats().get(self._client.destination) or dict.fromkeys(_COUNTED, 0)
        self._waiting: queue.SimpleQueue[SpanColumns | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(plan.connections)
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(plan.connections)]
        for thread in self._threads:
            thread.start()

    def take(self, columns: SpanColumns) -> None:
        self._room.acquire()
        self._waiting.put(columns)

    def close(self, *, complete: bool) -> None:  # what was handed on is sent in any case
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def measure(self) -> None:
        from spanwire import _native

        account = _native.export_stats().get(self._client.destination)
        if account is not None:
            tally = self._work.tally
            tally.requests, tally.retries, tally.bytes = (account[name] - self._before[name] for name in _COUNTED)

    def _send(self) -> None:
        from spanwire.columnar import _encode

        while (columns := self._waiting.get()) is not None:
            spans = len(columns)
            begin = time.perf_counter()
            try:
                heads = _encode.group_heads(columns, None, None)
                outcome = self._client.export_columns(columns.encoder, heads, _LONGEST, 1)
            except Exception as error:
                self._work.lost(spans, "internal", str(error))
            else:
                if outcome.lost is not None:
                    self._work.lost(spans, outcome.lost, outcome.message)
                else:
                    self._work.delivered(spans - outcome.rejected, time.perf_counter() - begin)
                    if outcome.rejected:
                        self._work.lost(outcome.rejected, "rejected", outcome.message)
            finally:
                self._room.release()


def main(lines: Callable[[], str], say: Callable[[str], None]) -> None:
    """One process of several."""
    work = Work(Plan(**json.loads(lines())))

    def hear() -> None:
        while lines():
            pass
        work.stop.set()

    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(_TELL_SECONDS):
            work.measure()
            say(work.tally.to_json())

    threading.Thread(target=hear, daemon=True).start()
    teller = threading.Thread(target=tell)
    teller.start()
    try:
        work.run()
    finally:
        ended.set()
        teller.join()
    say(work.tally.to_json())


def plan_line(plan: Plan) -> str:
    """What another process is given."""
    return json.dumps(asdict(plan)) + "\n"


if __name__ == "__main__":
    main(sys.stdin.readline, lambda line: print(line, flush=True))
