"""Batch processors with a durable queue, and what is told of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import spanwire
from spanwire.durable import DurableQueue
from spanwire.durable._queue import Recovery
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace.export import BatchSpanProcessor
from tests.books import check_books, since

__all__ = ["NOWHERE", "PATIENCE", "account", "joined", "processor", "told", "wait_until"]

NOWHERE = "http://127.0.0.1:9/v1/traces"
PATIENCE = 60.0


@contextmanager
def processor(endpoint: str, queue: DurableQueue, timeout: float = PATIENCE) -> Iterator[BatchSpanProcessor]:
    """What nobody takes has less time: the end of the processor would wait so long for it. What is taken has more, or an answer that is
    late would have it sent again.
    """
    timeout = 0.5 if endpoint == NOWHERE else timeout
    exporter = OTLPSpanExporter(endpoint=endpoint, durable=queue, timeout=timeout)
    made = BatchSpanProcessor(exporter, schedule_delay_millis=50)
    try:
        yield made
    finally:
        made.shutdown()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def told(folder: Path) -> dict[str, Any]:
    (found,) = (one for one in spanwire.stats()["durable"] if Path(one["folder"]).parent == folder)
    return found  # type: ignore[no-any-return]


def account(endpoint: str, before: dict[str, Any]) -> dict[str, Any]:
    accounts = spanwire.stats()["traces"]
    check_books(accounts, at_rest=False)
    return since(before.get(endpoint, {}), accounts[endpoint]) if endpoint in accounts else {"dropped": {}}


def joined(one: BatchSpanProcessor) -> Recovery | None:
    return one._recoverer._recovery if one._recoverer is not None else None
