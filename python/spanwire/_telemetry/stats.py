"""What became of the spans, counted natively."""

import weakref
from collections.abc import Callable
from typing import Any, Protocol

from spanwire import _native
from spanwire._telemetry import account as _account
from spanwire._telemetry import hooks, worker_events

__all__ = ["BREAKER_STATES", "REASONS", "SIGNALS", "Waiting", "report_section", "stats", "watch"]

# Keys of ``stats()`` that hold destinations.
SIGNALS = ("traces", "logs", "metrics")

# Of drops: each has its line in docs/operations.md.
REASONS = (
    "damaged",
    "disk",
    "encode",
    "exhausted",
    "expired",
    "internal",
    "kept",
    "queue_full",
    "raised",
    "refused",
    "rejected",
    "response",
    "shutdown",
    "stage",
    "timeout",
    "too_large",
)


BREAKER_STATES = ("closed", "half_open", "open")


class Waiting(Protocol):
    """Spans that wait in front of a destination's client."""

    destination: str

    def report(self) -> None:
        """Tell the client what was dropped since the last call."""

    @property
    def queue(self) -> _native.FrameQueue:
        """Where they wait."""


_waiting: weakref.WeakSet[Waiting] = weakref.WeakSet()

# Sections of ``stats()`` that layers above answer; empty until they are loaded.
_sections: dict[str, Callable[[], Any]] = {"durable": list}


def watch(waiting: Waiting) -> None:
    """Count what waits there, as long as it lives."""
    _waiting.add(waiting)


def report_section(name: str, report: Callable[[], Any]) -> None:
    """Have ``stats()[name]`` answered by a layer above this one."""
    _sections[name] = report


def _all_waiting() -> list[Waiting]:
    while True:
        try:
            return list(_waiting)
        except RuntimeError:  # noqa: PERF203 - another thread has added one meanwhile: older Pythons do not copy in one step
            continue


def _traces() -> dict[str, dict[str, Any]]:
    known = _all_waiting()
    for one in known:
        one.report()
    worker_events.tell()
    native, waiting = _native.export_stats_and_queued([one.queue for one in known])
    accounts = native | _account.accounts()
    for one, queued in zip(known, waiting, strict=True):
        account = accounts.setdefault(one.destination, _account.empty())
        account["accepted"] += queued
        account["queued"] += queued
    return accounts


def stats() -> dict[str, Any]:
    """Counts of this process since it began.

    ``stats()["traces"]`` has a dict for each destination (the endpoint without user, password and query; exporters with
    the same endpoint share one), and one for each class of exporters in Python that a ``BatchSpanProcessor`` feeds, by its
    name: there a request is a call of ``export``. A forked child begins at zero:

    - ``accepted``: spans given to ``export`` or to a native ``BatchSpanProcessor`` in front of it. Always ``accepted == exported + queued + sum(dropped.values())``.
    - ``exported``: spans that the destination took.
    - ``queued``: spans that wait or are under way, back-offs included.
    - ``dropped``: spans lost, by reason: ``damaged`` (an ended process had left them on the disk, and they could not be read), ``disk`` (of a
      durable queue: no file could be made), ``expired`` (likewise: they waited longer than ``max_age``), ``kept`` (likewise: not lost, but on
      the disk when the processor was shut down), ``encode`` (could not be encoded), ``too_large`` (one span that is larger than
      the destination or ``max_request_size`` allows), ``refused`` (final answer or error; FAILURE), ``raised`` (an exporter in Python did),
      ``rejected`` (partial success), ``response`` (answer too large to read), ``exhausted`` (unreachable or "later" until tries or time were used up), ``timeout`` (no answer in
      time), ``queue_full`` (the oldest went to make room), ``shutdown``,
      ``stage`` (left out on purpose), ``internal`` (a defect of ours).
    - ``requests``: requests written, each try counted; ``retries``: tries after the first, each after a back-off;
      ``connections``: connections opened; ``bytes``: body bytes written, each try counted. These four are counted when a
      request ends or a try of a batch processor's fails.
    - ``breaker``: whether a batch processor's requests are sent, at this moment: ``closed`` (yes), ``open`` (after failures in a row they
      wait) or ``half_open`` (one of them is asking, or may ask, whether the destination is back). Of several endpoints one that is well
      is enough. ``breakers``: the same of each endpoint, by name; empty before the first request, after the exporter's end, and of
      exporters in Python.
    - ``last_error``: text of what went wrong last, a partial success included; None if nothing did.

    ``stats()["encode"]`` counts what ``encode_spans``, all exporters and native spans encoded (a forked child goes on from its
    parent's):

    - ``spans_fast``, ``spans_general``: spans read without running Python code, and by their public attributes.
    - ``fast_path``: ``on`` (and what is read in a slower way, if anything), ``not used yet``, or ``off`` and why.
    - ``dropped``: what was left out while its span survived, by reason: attributes for ``integer_range`` (beyond 64 bits),
      ``text`` (lone surrogates), ``depth`` (nested too deeply), ``type`` (OTLP has none for it), ``raised`` (reading it
      did), ``key`` (no str); ``field`` (another field that could not be read). Only ``span`` counts whole spans: those
      without usable ids, which an exporter counts as dropped for ``encode``.

    ``stats()["trace"]`` is about the native spans of ``spanwire.trace``:

    - ``panics``: internal errors, each of which lost a span or a part of one; a defect of ours.
    - ``pooled_records``: records that wait for a next span.
    - ``clock``: ``counter`` (the processor counts on between two looks at the system's clock) or ``system``.

    ``stats()["durable"]`` has a dict for each folder of this process in which spans outlive it (``spanwire.durable``):

    - ``folder``, ``service``: where, and whose spans.
    - ``file_system``: the folder's: ``ext4``, ``overlay on xfs``; None where the system does not say.
    - ``not_mapped``: None if files are mapped into memory, so that a killed process loses nothing; else why they are not (the file system,
      or ``mapping=never``): a thread writes spans within 10 milliseconds then, which stay in memory, too.
    - ``bytes``, ``max_bytes``, ``files``: of its files.
    - ``failures``, ``last_error``: how often a file could not be made, written or synced, or was deleted, and the last time's text.
    - ``synced_seconds_ago``: what had ended by then is on the disk even if the power fails; None: nothing was synced.
    - ``recovered``: what has become of what terminated processes of the service had left there: how many of their ``folders`` were adopted,
      ``spans`` that at least one destination has, ``damaged`` spans that could not be read, ``files`` that stay because they could not be read;
      ``destinations``, by name: ``spans`` that each has answered for, and spans that are ``left`` for it in the folders seen so far; and
      ``error``, why not everything was looked at the last time or which destination does not answer, else None. None with ``recover=False``. Folders of the same path and
      service have the same numbers.
    """
    return {
        "traces": _traces(),
        "encode": _native.encode_counts(),
        "trace": _native.trace_counts(),
    } | {name: report() for name, report in _sections.items()}


def _destinations() -> dict[str, dict[str, Any]]:
    return {"traces": _traces()}


hooks.read_counts_by(_destinations)
