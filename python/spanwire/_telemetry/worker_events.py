"""What the native worker has to say, in log lines: it rings, and a thread of Python's that is started then says it.

The worker never waits for that, and never for the GIL.
"""

import atexit
import os

from spanwire import _native
from spanwire._telemetry import hooks, log

__all__ = ["listen", "name_max_bytes", "say", "say_lost", "tell"]

# The thread ends when so long nothing was said, and is started again.
PATIENCE_SECONDS = 60.0

_RECOVER = "durable.recover"  # a kind of lines

_listening_process = 0  # where a thread listens; a child forked by C code has its parent's number here
_ended_process = 0  # that is at its exit
_on_disk: set[str] = set()  # destinations in front of which a queue is, or was, on the disk


def name_max_bytes(destination: str) -> None:
    """The bound of a queue in front of this destination is a durable queue's: to be named where it is full."""
    _on_disk.add(destination)


def say_lost(destination: str, lost: str, spans: int, message: str) -> None:
    """Log that spans were lost for a reason of ``stats()``, and tell who wants to be called. What is ``kept`` is not lost."""
    if lost == "kept":
        log.warn(
            f"export.kept.{destination}",
            "Spans to %s, %d or more, are on the disk and are sent by the next start of the service, or by `spanwire recover`: %s",
            destination,
            spans,
            message,
        )
        return
    hooks.note(destination, lost, message, is_error=lost != "queue_full")
    if lost == "queue_full" and destination in _on_disk:
        log.warn(
            f"queue.full.{destination}",
            "Spans to %s are lost: the durable queue was full, %d went. Is the backend away or slow? Else raise max_bytes or "
            "SPANWIRE_DURABLE_MAX_BYTES, and max_queue_size if it is given",
            destination,
            spans,
        )
    elif lost == "queue_full":
        log.warn(
            f"queue.full.{destination}",
            "Spans to %s are lost: the queue was full, %d went. Is the backend slow? Else raise max_queue_size or "
            "OTEL_BSP_MAX_QUEUE_SIZE",
            destination,
            spans,
        )
    else:
        log.warn(f"export.{lost}.{destination}", "Spans to %s are lost (%s): %s", destination, lost, message)


def say(destination: str, lost: str | None, spans: int, message: str) -> None:
    """Log what became of a request that did not just succeed."""
    if lost == "waits":
        hooks.note(destination, "message", message)
        log.warn(f"export.waits.{destination}", "Spans to %s wait, and are tried again: %s", destination, message)
        return
    if lost == "recover":  # the destination is a folder
        hooks.note(destination, lost, message)
        # Each file that stays is told of once.
        log.warn(_RECOVER, "What ended processes have left is not sent: %s", message, about=message)
        return
    if lost in hooks.TROUBLES:
        hooks.note(destination, lost, message)
        log.warn(f"export.{lost}.{destination}", "Exports to %s: %s", destination, message)
        return
    if lost is not None:
        say_lost(destination, lost, spans, message)
        return
    hooks.note(destination, "rejected" if spans else "message", message)
    if spans:
        log.warn(f"export.rejected.{destination}", "%s rejected %d spans: %s", destination, spans, message)
    else:
        log.warn(f"export.message.{destination}", "%s says: %s", destination, message)


def tell(*, is_last: bool = False) -> None:
    """Say what there is to say, from this thread; ``is_last``: also what would be said later."""
    events, missed = _native.take_events()
    for event in events:
        say(*event)
    if left_out := log.take_left_out(_RECOVER, is_last=is_last):
        log.warning(
            "%d more times what ended processes have left was not sent; `spanwire recover` names each file that stays",
            left_out,
        )
    if missed:
        log.warn(
            "export.missed",
            "%d more messages about exports came too fast to be logged; spanwire.stats() has the counts",
            missed,
        )


def listen() -> None:
    """See to it that a thread says what there is to say from now on."""
    global _listening_process  # noqa: PLW0603 - one a process
    if _listening_process == os.getpid():
        return
    _listening_process = os.getpid()
    try:
        hooks.start_quiet_thread(_listen)
    except RuntimeError:  # no more threads: whoever flushes or asks for stats() hears it
        _listening_process = 0


def _listen() -> None:
    global _listening_process  # noqa: PLW0603 - as above
    try:
        # Who wants to be called is told at once: there somebody listens all the time.
        while _native.wait_events(PATIENCE_SECONDS) or (hooks.are_wanted() and _ended_process != os.getpid()):
            tell()
    finally:
        _listening_process = 0
    tell()  # what came in between


def _stop() -> None:
    global _ended_process  # noqa: PLW0603 - as above
    _ended_process = os.getpid()
    _native.stop_events()


atexit.register(tell, is_last=True)
atexit.register(_stop)
