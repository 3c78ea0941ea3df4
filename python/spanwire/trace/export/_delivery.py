"""Who sends what waits in a queue: the native worker, or a thread of Python's where Python has to hear of each batch.

There are no locks here: the queue's methods are atomic, and waiting happens in native code. So nothing can be found locked in
a forked child, where the queue is empty, and sending is begun again by the first span that ends there.
"""

import logging
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from spanwire._facade.tracing import when_all_have_seen
from spanwire._native import FrameQueue, HttpClient
from spanwire._telemetry import hooks, stats, threads, top, worker_events
from spanwire._telemetry.account import Account
from spanwire.trace.export._policy import DEFAULT_SHUTDOWN_SECONDS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from spanwire.exporter._common.span_exporter import NativeSpanExporter

__all__ = ["BatchLimits", "Delivery", "NativeDelivery", "tell_drops"]

DEFAULT_TIMEOUT_MILLIS = 30_000

_LOOK_SECONDS = 0.1  # how often a flush asks whether the backend takes anything
_LEAST_PATIENCE = 0.5  # for a shutdown behind a flush that was in vain: one more try

# Where the SDK says it, in its words.
_sdk_logger = logging.getLogger("opentelemetry.sdk._shared_internal")


class BatchLimits(NamedTuple):
    """How much a request holds at most; so much waiting starts an export."""

    spans: int
    bytes: int
    in_flight: int = 0
    """Requests under way at most; 0: by the endpoint."""
    patience: float = DEFAULT_SHUTDOWN_SECONDS
    """Seconds that a shutdown waits for a backend that takes nothing."""


class Delivery:
    """Sends the spans of one queue by one exporter, in order, from one thread a process."""

    # Of whoever must know that another exporter was put in the place of this one; None once it was told.
    tell_replaced: "weakref.WeakMethod[Callable[[SpanExporter], None]] | None" = None

    def __init__(
        self,
        exporter: "NativeSpanExporter",
        queue: FrameQueue,
        *,
        delay_seconds: float,
        limits: BatchLimits,
        metrics: Any,
        may_share: bool = True,
    ) -> None:
        self._may_share = may_share
        self._sends_by = exporter
        self._queue = queue
        self._client = exporter._client
        self._delay = delay_seconds
        self._limits = limits
        self._metrics = metrics
        self._is_closed = False
        self._thread = 0
        self.destination = self._client.destination
        if metrics is not None:
            metrics.register_queue_size(self._collected)
        queue.want_reader()
        stats.watch(self)
        top.serve_if_asked()
        weakref.finalize(self, _tell, queue, self._client, metrics).atexit = False

    @property
    def _exporter(self) -> "NativeSpanExporter":
        """Libraries read it, and put another in its place."""
        return self._sends_by

    @_exporter.setter
    def _exporter(self, exporter: "SpanExporter") -> None:
        tell, self.tell_replaced = self.tell_replaced, None
        replace = None if tell is None else tell()
        if replace is not None:
            replace(exporter)

    def emit(self, span: "ReadableSpan") -> None:
        """Queue a finished span of the SDK's, or a view of one of ours once every processor has seen it."""
        when_all_have_seen(span, self._push)

    def _push(self, span: "ReadableSpan") -> None:
        w3c_flags = self._exporter._w3c_flags or type(span).__module__.startswith("spanwire.")
        if self._queue.push(span, w3c_flags):
            self.attend()

    def attend(self) -> None:
        """The queue wants a reader, or has heard news from it, or is closed and has dropped a span."""
        if self._is_closed:
            _sdk_logger.info("Shutdown called, ignoring %s.", "Span")
            if self._metrics is not None:
                self.report()
            hooks.notice()
            return
        if self._queue.take_news() or hooks.are_wanted():
            worker_events.listen()
        self._start()

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more: it was shut down, or is being shut down."""
        return self._is_closed

    @property
    def queue(self) -> FrameQueue:
        """Where its spans wait."""
        return self._queue

    def queued(self) -> int:
        """Spans that wait."""
        return len(self._queue)

    def report(self) -> None:
        """Tell the client, and people, what was dropped."""
        tell_drops(self._queue, self._client, None)
        self._record()

    def _record(self) -> None:
        """Record in the metrics what the native worker has done since the last call."""
        if self._metrics is not None:
            _count(self._queue, self._metrics)
        self._sends_by._record_driven()

    def _collected(self) -> int:
        """Spans that wait, for a reader of metrics, who calls this before it collects what was recorded."""
        self._record()
        return self.queued()

    def force_flush(self, timeout_millis: float | None = None) -> bool:
        """Send what waits now; whether that was answered within the time."""
        if self._is_closed or threading.get_ident() == self._thread:
            return False
        millis = DEFAULT_TIMEOUT_MILLIS if timeout_millis is None else timeout_millis
        # A provider's default, of which the provider has used little before it comes here.
        is_default = DEFAULT_TIMEOUT_MILLIS - 1000 < millis <= DEFAULT_TIMEOUT_MILLIS
        return self._flush(millis / 1000, may_stall=is_default)

    def shutdown(self, timeout_millis: float = DEFAULT_TIMEOUT_MILLIS) -> None:
        """Take no more, send what waits, and shut the exporter down, all within the time."""
        if self._is_closed:
            return
        end = time.monotonic() + timeout_millis / 1000
        try:
            self._is_closed = True
            self._close()
            self._flush(timeout_millis / 1000)
        finally:
            self._discard()
            self._queue.wake()
            self._exporter.shutdown(max(0.0, end - time.monotonic()) * 1000)
            self.report()
            worker_events.tell()

    def retire(self, seconds: float) -> None:
        """Send what waits, within the time, and be done; the exporter goes on, for another."""
        self._is_closed = True
        self._close()
        self._flush(seconds)
        self._discard()
        self._queue.wake()
        self.report()

    def _close(self) -> None:
        """Take no more."""
        self._queue.close()

    def _discard(self) -> None:
        """Drop what waits."""
        self._queue.discard()

    def _flush(self, seconds: float, may_stall: bool = False) -> bool:
        end = time.monotonic() + seconds
        until = self._queue.entered
        if self._queue.wait_done(until, 0):
            return True
        if self._queue and not self._start():
            self._send_until(until, end)
        until = self._queue.flush()
        try:
            return _wait(self._queue.wait_done, until, end=end)
        finally:
            worker_events.tell()

    def _start(self) -> bool:
        """See to it that somebody sends in this process; False if nobody can, at the interpreter's end for example."""
        began = False
        try:
            began = self._queue.begin_reader()
            if began:
                threads.start_thread(self._run)
        except RuntimeError as error:
            self._queue.end_reader()
            threads.report_no_thread(error)
            return False
        except BaseException:  # of a signal handler: the next one tries again
            if began:
                self._queue.end_reader()
            raise
        return True

    def _run(self) -> None:
        self._thread = threading.get_ident()
        try:
            self._loop()
        finally:
            self._thread = 0
            self._queue.end_reader()

    def _loop(self) -> None:
        queue, limits = self._queue, self._limits
        due = time.monotonic() + self._delay
        while queue or not self._is_closed:
            if not queue.is_flushing and not self._is_closed:
                queue.wait(limits.spans, limits.bytes, max(0.0, due - time.monotonic()))
            if queue.is_flushing or self._is_closed or time.monotonic() >= due:
                self._send_until(queue.entered)
                due = time.monotonic() + self._delay
            else:
                while len(queue) >= limits.spans or queue.frame_bytes >= limits.bytes:
                    self._send()
            self.report()

    def _send_until(self, until: int, end: float = float("inf")) -> None:
        while self._queue.gone < until and time.monotonic() < end:
            self._send()
        self._queue.set_done(min(until, self._queue.gone))

    def _send(self) -> None:
        """Send one batch, from a thread of Python's."""
        raise NotImplementedError


class NativeDelivery(Delivery):
    """The worker sends, without the GIL; what people must hear comes by :mod:`spanwire._telemetry.worker_events`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._may_share:
            self._queue.allow_sharing()
        self._try_again_at = 0.0
        self._in_vain: tuple[float, float] | None = (
            None  # the last flush that the backend took nothing of: from when to when
        )

    def _close(self) -> None:
        """As the base class's. The worker goes on until the backend has taken nothing for a while: for what a flush has left of it."""
        patience = self._limits.patience
        if self._in_vain is not None:
            began, ended = self._in_vain
            now = time.monotonic()
            # Nothing was taken since.
            if now - ended < patience and self._client.is_stalled(now - began, (now - began) * 0.99):
                patience = max(_LEAST_PATIENCE, patience - (ended - began))
        self._queue.close(patience)

    def _discard(self) -> None:
        """As the base class's, and say so."""
        spans = self._queue.discard()
        if spans:
            reason = "kept" if self._queue.is_durable else "shutdown"
            worker_events.say_lost(self.destination, reason, spans, f"shutdown timed out: {spans} spans were not sent")

    def _start(self) -> bool:
        """As the base class's; after a failure not more often than once a second."""
        if time.monotonic() < self._try_again_at:
            return False
        try:
            limits = self._limits
            self._sends_by._attend()
            self._client.drive(self._queue, limits.spans, limits.bytes, self._delay, limits.in_flight)
        except OSError as error:
            self._try_again_at = time.monotonic() + 1
            threads.report_no_thread(error)
            return False
        return True

    def _flush(self, seconds: float, may_stall: bool = False) -> bool:
        begin = time.monotonic()
        end = begin + seconds
        if self._queue and not self._start():
            return False  # what waits is kept for a time when there can be a thread
        flush = self._queue.flush_all()
        self._in_vain = None
        try:
            if not may_stall:
                return _wait(flush.wait, end=end)
            while not _wait(flush.wait, end=min(end, time.monotonic() + _LOOK_SECONDS)):
                now = time.monotonic()
                if now >= end:
                    return False
                if self._client.is_stalled(now - begin, self._limits.patience):
                    self._in_vain = begin, now
                    return False
            return True
        finally:
            worker_events.tell()
            self._record()


def _wait(wait: Callable[..., bool], *args: object, end: float) -> bool:
    """Call ``wait(*args, seconds)``; where gevent has patched threads in short turns, so that other greenlets go on."""
    monkey = sys.modules.get("gevent.monkey")
    gevent = sys.modules.get("gevent")
    if monkey is not None and gevent is not None and monkey.is_module_patched("threading"):
        pause = 0.001
        while not wait(*args, 0):
            if time.monotonic() >= end:
                return False
            if gevent.getcurrent() is gevent.get_hub():  # it cannot wait for itself
                break
            gevent.sleep(min(pause, max(0.0, end - time.monotonic())))
            pause = min(pause * 2, 0.02)
        else:
            return True
    return wait(*args, max(0.0, end - time.monotonic()))


def tell_drops(queue: FrameQueue, books: HttpClient | Account, metrics: Any) -> None:
    """Count what the queue has dropped in the books of its destination, and tell people in the native worker's words."""
    full, closed, unstored, expired, damaged = books.lose_dropped(queue)
    if full:
        worker_events.say_lost(books.destination, "queue_full", full, "")
    if unstored:
        worker_events.say_lost(
            books.destination,
            "disk",
            unstored,
            f'there was no file for {unstored} to be kept in: stats()["durable"] says why',
        )
    if expired:
        worker_events.say_lost(books.destination, "expired", expired, f"{expired} had waited for longer than max_age")
    if damaged:
        worker_events.say_lost(
            books.destination, "damaged", damaged, f"{damaged} that waited on the disk could not be read"
        )
    if metrics is not None:
        if full + unstored + expired + damaged:
            metrics.drop_items(full + unstored + expired + damaged)
        if closed:
            metrics.drop_items(closed, "already_shutdown")


def _tell(queue: FrameQueue, books: HttpClient, metrics: Any) -> None:
    """The same where the native worker sends, and nobody is there to say when."""
    tell_drops(queue, books, None)
    if metrics is not None:
        _count(queue, metrics)


def _count(queue: FrameQueue, metrics: Any) -> None:
    """Record in the metrics of a processor what has left its queue since the last call."""
    taken, full, closed = queue.take_counts()
    if taken:
        metrics.finish_items(taken)
    if full:
        metrics.drop_items(full)
    if closed:
        metrics.drop_items(closed, "already_shutdown")
