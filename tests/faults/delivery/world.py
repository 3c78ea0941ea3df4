"""What a scenario plays in: a service in a process of its own, a wire, and backends that come and go."""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from spanwire.sink import ReceivedSpan, Sink
from tests.books import check_books
from tests.faults.delivery.app import Plan, content
from tests.faults.delivery.wire import Wire
from tests.integration.processes.programs import Ended, finish, start

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FAR", "NEAR", "Result", "World"]

NEAR, FAR = "127.0.0.1", "127.1"
"""One address. Only a look-up of names understands how the second is written, so exporters take it for another machine's, and
have several requests under way."""

# Reasons for which a request may have been taken all the same: its answer came too late.
UNKNOWN = frozenset({"timeout", "shutdown", "exhausted", "queue_full"})


@dataclass(frozen=True)
class Result:
    """What became of the spans of all processes."""

    made: int
    arrived: int
    """Different spans."""
    again: int
    """Arrivals of spans that were there already."""
    dropped: Counter[str]
    books: Mapping[int, Mapping[str, Any]]
    errors: str
    """What the service has written to its standard error."""

    def __str__(self) -> str:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.dropped.items())) or "0"
        return f"made {self.made:,}, arrived {self.arrived:,}, again {self.again:,}, dropped {dropped}"


@dataclass
class World:
    """One play; everything in it is drawn from the seed. A context manager."""

    seed: int
    protocol: str
    scale: float = 1.0
    """Seconds of the play to seconds of the scenario."""
    name: str = ""
    """The scenario's, for what is drawn to differ between them."""
    host: str = field(init=False)
    """How the service is told where its backend is: half of the plays with :data:`NEAR`, half with :data:`FAR`."""
    rng: random.Random = field(init=False)
    wire: Wire = field(init=False)
    sinks: list[Sink] = field(default_factory=list)
    """The last one is up, if any is."""

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed} {self.name} {self.protocol}")
        self.host = self.rng.choice([NEAR, FAR])
        self.wire = Wire(rng=random.Random(f"{self.seed} {self.name} {self.protocol} wire"))
        self._temporary = tempfile.TemporaryDirectory(prefix="spanwire-faults-")
        self.folder = Path(self._temporary.name)
        (self.folder / "books").mkdir()
        self._process: subprocess.Popen[str] | None = None
        self._plan: Plan | None = None
        self.is_up = False

    def __enter__(self) -> "Self":
        self.wire.__enter__()
        self.wire.lead_to(lambda: self._port())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self.wire.__exit__()
        for sink in self.sinks:
            sink.close()
        self._temporary.cleanup()

    @property
    def sink(self) -> Sink:
        return self.sinks[-1]

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def up(self, **options: Any) -> Sink:
        """A backend comes up, on a port of its own behind the wire."""
        self.sinks.append(Sink(max_bytes=1 << 30, **options).start())
        self.is_up = True
        return self.sink

    def down(self) -> None:
        """The backend goes, with its connections."""
        self.sink.close()
        self.is_up = False

    def endpoint(self, scheme: str = "http", host: str = "", port: int = 0) -> str:
        path = "" if self.protocol == "grpc" else "/v1/traces"
        if scheme == "https":
            host = NEAR  # a name that looks like a number is none for TLS
        return f"{scheme}://{host or self.host}:{port or self.wire.port}{path}"

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)

    def start(
        self,
        *,
        seconds: float,
        endpoint: str = "",
        variables: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        **plan: Any,
    ) -> None:
        """Start the service, whose command stands behind ``prefix``; it sends several times a second, unless told otherwise."""
        plan.setdefault("processor", {"schedule_delay_millis": 100})
        self._plan = Plan(endpoint or self.endpoint(), self.seed, self.protocol, seconds * self.scale, **plan)
        command = [*prefix, sys.executable, "-m", "tests.faults.delivery.app", self._plan.to_json()]
        names = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
        direct = dict.fromkeys((*names, *map(str.upper, names)), "")  # whatever is set where this runs
        self._process = start(command, self.folder / "books", "http://127.0.0.1:9", **direct, **(variables or {}))

    def stop(self) -> None:
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self, status: int = 0, limit: float = 150.0) -> Result:
        """Wait for the service's end and do the sums.

        :raises AssertionError: if a span is neither there nor counted, or is another one than was made.
        """
        ended = finish(self.process, self.folder / "books", limit)
        assert ended.status == status, f"status {ended.status}\n{ended.errors}"
        assert "Traceback" not in ended.errors, ended.errors
        return self._sums(ended)

    def _port(self) -> int:
        return self.sink.port if self.is_up else 9  # nobody listens on it

    def _sums(self, ended: Ended) -> Result:
        assert self._plan is not None
        spans = [span for sink in self.sinks for span in sink.spans()]
        assert all(sink.forgotten_request_count == 0 for sink in self.sinks)
        arrived = Counter(_identity(span) for span in spans)
        of_process: Counter[int] = Counter()
        for pid, number, name, text in arrived:
            of_process[pid] += 1
            assert (name, text) == content(self._plan.seed, pid, number, self._plan.text), "another span than was made"
        assert of_process.keys() <= ended.books.keys(), "spans of a process that has left no books"
        dropped: Counter[str] = Counter()
        for pid, book in ended.books.items():
            check_books(book["traces"])
            accounts = list(book["traces"].values())
            made, accepted = book["made"], sum(account["accepted"] for account in accounts)
            assert made == accepted, f"process {pid} has made {made} spans, and accepted are {accepted}"
            exported = sum(account["exported"] for account in accounts)
            lost: Counter[str] = Counter()
            for account in accounts:
                lost.update(account["dropped"])
            unknown = sum(count for reason, count in lost.items() if reason in UNKNOWN)
            assert exported <= of_process[pid] <= exported + unknown, (pid, of_process[pid], book)
            dropped += lost
        return Result(
            made=sum(book["made"] for book in ended.books.values()),
            arrived=len(arrived),
            again=arrived.total() - len(arrived),
            dropped=dropped,
            books=ended.books,
            errors=ended.errors,
        )


def _identity(span: ReceivedSpan) -> tuple[int, int, str, str]:
    attributes = span.attributes
    return attributes["process.pid"], attributes["number"], span.name, attributes["text"]
