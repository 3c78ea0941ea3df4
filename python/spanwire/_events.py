"""What the native worker has to say, in log lines: it rings, and a thread of Python's that is started then says it.

The worker never waits for that, and never for the GIL.
"""

import atexit
import os

from spanwire import _hooks, _log, _native

__all__ = ["listen", "say", "say_lost", "tell"]

# The thread ends when so long nothing was said, and is started again.
PATIENCE_SECONDS = 60.0

_listening_process = 0  # where a thread listens; a child forked by C code has its parent's number here
_ended_process = 0  # that is at its exit


def say_lost(destination: str, lost: str, spans: int, message: str) -> None:
    """Log that spans were lost for a reason of ``stats()``, and tell who wants to be called. What is ``kept`` is not lost."""
    if lost == "kept":
        _log.warn(
            f"export.kept.{destination}",
            "Spans to %s, %d or more, are on the disk and are sent by the next start of the service, or by `spanwire recover`: %s",
            destination,
            spans,
            message,
        )
        return
    _hooks.note(destination, lost, message, is_error=lost != "queue_full")
    if lost == "queue_full":
        _log.warn(
            f"queue.full.{destination}",
            "Spans to %s are lost: the queue was full, %d went. Is the backend slow? Else raise max_queue_size or "
            "OTEL_BSP_MAX_QUEUE_SIZE",
            destination,
            spans,
        )
    else:
        _log.warn(f"export.{lost}.{destination}", "Spans to %s are lost (%s): %s", destination, lost, message)


def say(destination: str, lost: str | None, spans: int, message: str) -> None:
    """Log what became of a request that did not just succeed."""
    if lost == "waits":
        _hooks.note(destination, "message", message)
        _log.warn(f"export.waits.{destination}", "Spans to %s wait, and are tried again: %s", destination, message)
        return
    if lost == "recover":  # the destination is a folder
        _hooks.note(destination, lost, message)
        _log.warn("durable.recover", "What ended processes have left is not sent: %s", message)
        return
    if lost in _hooks.TROUBLES:
        _hooks.note(destination, lost, message)
        _log.warn(f"export.{lost}.{destination}", "Exports to %s: %s", destination, message)
        return
    if lost is not None:
        say_lost(destination, lost, spans, message)
        return
    _hooks.note(destination, "rejected" if spans else "message", message)
    if spans:
        _log.warn(f"export.rejected.{destination}", "%s rejected %d spans: %s", destination, spans, message)
    else:
        _log.warn(f"export.message.{destination}", "%s says: %s", destination, message)


def tell() -> None:
    """Say what there is to say, from this thread."""
    events, missed = _native.take_events()
    for event in events:
        say(*event)
    if missed:
        _log.warn(
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
        _hooks.start_new_thread(_listen)
    except RuntimeError:  # no more threads: whoever flushes or asks for stats() hears it
        _listening_process = 0


def _listen() -> None:
    global _listening_process  # noqa: PLW0603 - as above
    try:
        # Who wants to be called is told at once: there somebody listens all the time.
        while _native.wait_events(PATIENCE_SECONDS) or (_hooks.are_wanted() and _ended_process != os.getpid()):
            tell()
    finally:
        _listening_process = 0
    tell()  # what came in between


def _stop() -> None:
    global _ended_process  # noqa: PLW0603 - as above
    _ended_process = os.getpid()
    _native.stop_events()


atexit.register(tell)
atexit.register(_stop)
