"""Python threads that spanwire starts, also where gevent has replaced threads by greenlets."""

import sys
import threading
from collections.abc import Callable

from spanwire._telemetry import log

__all__ = ["report_no_thread", "start_thread"]


def start_thread(run: Callable[[], None], name: str = "OtelBatchSpanRecordProcessor") -> None:
    """A daemon thread of the system's, also where gevent has put greenlets in its place: what it waits for blocks."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        monkey.get_original("_thread", "start_new_thread")(run, ())
        return
    threading.Thread(target=run, name=name, daemon=True).start()


def report_no_thread(error: Exception) -> None:
    """Tell people that there is none."""
    log.warn(
        "export.thread",
        "The thread that sends spans cannot be started: %s; they wait, and it is tried again. Is there a limit on threads "
        "(ulimit -u, the container's pids)?",
        error,
    )
