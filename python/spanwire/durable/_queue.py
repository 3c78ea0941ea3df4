"""What processors and exporters do with a ``spanwire.durable.DurableQueue``."""

import atexit
import os
import shlex
import threading
import weakref
from pathlib import Path
from typing import Any, ClassVar

from spanwire import _native
from spanwire._telemetry import log, stats, worker_events
from spanwire.durable import DurableQueue

__all__ = [
    "Recoverer",
    "Recovery",
    "cure",
    "durable_report",
    "folder_of",
    "open_directory",
    "resolve",
    "service_of",
    "warn_of_no_use",
]

_UNKNOWN = "unknown_service"
_RECOVER_AFTER = 1.0  # seconds, or the first span: until then further processors come, which get what was left as well
_CALM = 60.0  # seconds without one that leaves: while a program ends, they do so one after the other, 30 seconds each at most
_LOOK_AGAIN = 10.0  # seconds: others of the service may have ended since, or somebody was looking at their folders
_PATH, _MAX_BYTES, _FSYNC_POLICY = "SPANWIRE_DURABLE_PATH", "SPANWIRE_DURABLE_MAX_BYTES", "SPANWIRE_DURABLE_FSYNC"
_MAX_AGE, _MAPPING = "SPANWIRE_DURABLE_MAX_AGE", "SPANWIRE_DURABLE_MAPPING"


def open_directory(queue: DurableQueue) -> _native.DurableDirectory:
    """The folder of this process.

    :raises ValueError: if there cannot be one.
    """
    path = folder_of(queue)
    try:
        return _native.DurableDirectory(
            path,
            service_of(queue),
            queue.max_bytes,
            queue.fsync,
            queue.fsync_interval,
            queue.max_age,
            queue.recover_per_second,
            queue.mapping,
        )
    except OSError as error:
        raise ValueError(f"durable={path!r} cannot be used: {error}; {cure(path)}") from error


def cure(path: str) -> str:
    """What to do about a folder that is refused."""
    above = Path(path).parent
    if not above.is_dir():
        return f"the folder above it is not there: mkdir -p {shlex.quote(str(above))}"
    return "give a folder that belongs to this user alone and nobody else may write to"


_ended: "weakref.WeakSet[_native.DurableDirectory]" = weakref.WeakSet()


def end_at_exit(directory: _native.DurableDirectory) -> None:
    """Its processor was shut down: with the process goes what holds no spans that are not delivered."""
    _ended.add(directory)


@atexit.register
def _end() -> None:
    for directory in list(_ended):
        directory.end()


class Recovery:
    """Sends what ended processes have left, for all processors of this process with the same folder and service: each destination gets
    all of it.
    """

    _all: ClassVar["dict[tuple[str, str], Recovery]"] = {}
    _lock = threading.Lock()

    def __init__(self, adoption: _native.Adoption, before: "tuple[int, ...]" = (0, 0, 0, 0)) -> None:
        self._adoption = adoption
        self._before = before  # what earlier ones of this process have come to

    @classmethod
    def join(cls, queue: DurableQueue, client: _native.HttpClient, spans: int, max_bytes: int) -> "Recovery":
        """Begin it, or take part in it.

        :raises OSError: if there is no thread for it.
        """
        path, service = folder_of(queue), service_of(queue)
        with cls._lock:
            known = cls._all.get((path, service))
            if known is not None and known.takes(client):
                return known
            made = cls(
                _native.Adoption(
                    client,
                    path,
                    service,
                    spans,
                    max_bytes,
                    spans_per_second=queue.recover_per_second,
                    max_age=queue.max_age,
                    delay=_RECOVER_AFTER,
                    again=_LOOK_AGAIN,
                    calm=_CALM,
                ),
                known.numbers() if known is not None else (0, 0, 0, 0),
            )
            cls._all[path, service] = made
        # What goes wrong is said when it does, also where no span ends.
        worker_events.listen()
        return made

    def hurry(self) -> None:
        """Begin now: spans end, so whoever was to join has done so."""
        self._adoption.begin()

    def takes(self, client: _native.HttpClient) -> bool:
        """Whether another one takes part now: not all have left."""
        return self._adoption.add(client)

    def leave(self, client: _native.HttpClient) -> None:
        """One that has joined takes no more part; what it does not have stays for the next start. No folder is begun for the others within
        ``_CALM`` seconds: when a program ends, its processors leave one after the other.
        """
        self._adoption.remove(client)

    def numbers(self) -> tuple[int, ...]:
        """Folders, spans, damaged spans and files, so far."""
        return tuple(map(sum, zip(self._before, self._adoption.progress(), strict=True)))

    def shares(self) -> dict[str, dict[str, int]]:
        """How far each destination is: ``spans`` that it has answered for, and spans that are ``left`` for it in the folders seen so far."""
        return {name: {"spans": spans, "left": left} for name, spans, left in self._adoption.shares()}

    def failure(self) -> str | None:
        """Why it has not looked at everything when it did so last, or does not go on; None: it has, or does so yet."""
        try:
            self._adoption.wait(0)
        except OSError as error:
            return str(error)
        return self._adoption.waits()

    @classmethod
    def told(cls, report: dict[str, Any]) -> dict[str, Any] | None:
        """What has become of what ended processes had left where the directory of that report is; None: nothing is sent of that."""
        folder, service = Path(report["folder"]), report["service"]
        found = cls._all.get((str(folder.parent), service)) or cls._all.get((str(folder), service))
        if found is None:
            return None
        counts = dict(zip(("folders", "spans", "damaged", "files"), found.numbers(), strict=True))
        return {**counts, "destinations": found.shares(), "error": found.failure()}

    @classmethod
    def forget(cls) -> None:
        """In a forked child it is the parent's."""
        cls._all = {}
        cls._lock = threading.Lock()


os.register_at_fork(after_in_child=Recovery.forget)


class Recoverer:
    """A processor's part in that: once in each process, since what a killed worker has left is sent by the one that was forked in its
    place.
    """

    def __init__(self, queue: DurableQueue, client: _native.HttpClient, spans: int, max_bytes: int) -> None:
        self._words = (queue, client, spans, max_bytes)
        self._process = 0
        self._recovery: Recovery | None = None

    def begin(self, *, now: bool = False) -> None:
        """Take part, if that was not begun in this process; and it is not waited for others any more, if ``now``."""
        process = os.getpid()
        if self._process != process:
            self._process, self._recovery = process, None  # that of a parent has locks which its threads may hold
            try:
                self._recovery = Recovery.join(*self._words)
            except OSError as error:
                worker_events.say(folder_of(self._words[0]), "recover", 0, str(error))
        if now and self._recovery is not None:
            self._recovery.hurry()

    def end(self) -> None:
        """Take no more part."""
        recovery, self._recovery = self._recovery, None
        if recovery is not None and self._process == os.getpid():
            recovery.leave(self._words[1])
        self._process = os.getpid()


def warn_of_no_use(queue: DurableQueue) -> None:
    """Spans come to an exporter that has a folder, and in front of it there is no queue of ours."""
    log.warn(
        "durable.unused",
        "Spans do not outlive the process, though durable=%r is given: they do not come from a BatchSpanProcessor of "
        "spanwire.trace.export, whose queue it is for; use that one, spanwire.install(), or OTEL_PYTHON_CONFIGURATOR=spanwire",
        folder_of(queue),
    )


def durable_report() -> list[dict[str, Any]]:
    """``stats()["durable"]``."""
    return [{**report, "recovered": Recovery.told(report)} for report in _native.durable_report()]


def folder_of(queue: DurableQueue) -> str:
    """Where it was when the queue was described: a daemon changes its folder, and a forked child is to use the same."""
    return queue._folder  # noqa: SLF001 - its own part that nobody else needs


def service_of(queue: DurableQueue) -> str:
    """Whose spans it holds."""
    if queue.service is not None:
        return queue.service
    from opentelemetry.sdk.resources import OTELResourceDetector

    return str(OTELResourceDetector().detect().attributes.get("service.name") or _UNKNOWN)


def resolve(given: "str | os.PathLike[str] | DurableQueue | None") -> DurableQueue | None:
    """What an exporter was told, or the environment says.

    :raises ValueError: for a value that cannot work.
    """
    if isinstance(given, DurableQueue):
        return given
    path = given if given is not None else _text(_PATH)
    if not path:
        return None
    told: dict[str, Any] = {}
    if text := _text(_MAX_BYTES):
        if not text.isdecimal():
            raise ValueError(f"{_MAX_BYTES}={text!r} is not valid; give a number of bytes")
        told["max_bytes"] = int(text)
    if text := _text(_MAX_AGE):
        told["max_age"] = _seconds(text)
    if text := _text(_FSYNC_POLICY):
        told["fsync"] = text
    if text := _text(_MAPPING):
        told["mapping"] = text
    return DurableQueue(path, **told)


def _text(variable: str) -> str | None:
    """What a variable says; one that is blank says nothing, as for OpenTelemetry."""
    text = os.environ.get(variable)
    return text if text and text.strip() else None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{_MAX_AGE}={text!r} is not valid; give seconds") from None


stats.report_section("durable", durable_report)
