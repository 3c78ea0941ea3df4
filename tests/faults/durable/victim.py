"""A service that is killed: it makes spans without end, and writes down each one whose ``end()`` has returned.

Run as ``python -m tests.faults.durable.victim FOLDER ENDPOINT FIRST JOURNAL [WORD...]``; the words: ``fork`` (the child makes spans as well),
``recover`` (adopts what others have left), ``threads`` (64 of them), ``big`` (2 KB a span), ``counts`` (each line of the journal says how many
spans were dropped so far too), ``orderly`` (SIGTERM shuts it down: it prints its books). The journal is written by write(2), which outlives a kill as well; a span's name is its number.
"""

import itertools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from opentelemetry.trace import Tracer

import spanwire
import spanwire.durable._queue
import spanwire.exporter._common.span_exporter
import spanwire.trace.export._batch
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

SERVICE = "victim"
CHILD = 5_000_000  # numbers of the child's spans begin so much higher
THREADS, THREAD = 64, 100_000


def dropped() -> int:
    return sum(sum(account["dropped"].values()) for account in spanwire.stats()["traces"].values())


def leave_memory(tracer: Tracer) -> None:
    """Ends spans until one lies in a block that was ready: those of a new child, and a while after, stand in memory alone until
    the disk thread has its turn, which a busy machine puts off. A kill then loses them, as docs/durability.md says."""
    last: tuple[Path, int, int] | None = None
    for number in range(1_000):  # where files are not mapped that never happens
        mark = f"mark {number}."
        tracer.start_span("-1", attributes={"mark": mark}).end()
        if last is None:
            spanwire.durable.sync()
        (report,) = spanwire.stats()["durable"]
        for path in Path(report["folder"]).glob("*.spans"):
            at = path.read_bytes().find(mark.encode())
            if at < 0:
                continue
            # In the same block it is right behind the one before.
            if last and not (path == last[0] and 0 < at - last[1] < 1000 * (number - last[2])):
                return
            last = path, at, number
        time.sleep(0.005)


def main() -> None:
    folder, endpoint, first, journal, *words = sys.argv[1:]
    spanwire.durable._queue._RECOVER_AFTER = 0.0  # it is killed soon
    exporter = OTLPSpanExporter(
        endpoint=endpoint, timeout=2, durable=DurableQueue(folder, service=SERVICE, recover="recover" in words)
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    tracer = provider.get_tracer("tests")
    begin = int(first)
    out = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    tracer.start_span("-1").end()  # before the fork: the parent's
    if "fork" in words and os.fork() == 0:
        begin += CHILD
        leave_memory(tracer)
    is_over = threading.Event()
    if "orderly" in words:
        vars(spanwire.trace.export._batch)["DEFAULT_TIMEOUT_MILLIS"] = 3_000  # for what the backend does not take
        vars(spanwire.exporter._common.span_exporter)["_CUT_OFF_SECONDS"] = 30.0  # until that is counted
        signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    os.write(1, b"%d\n" % os.getpid())  # in one piece, whoever else writes there; from now on it may be killed
    length, is_counted = 2000 if "big" in words else 0, "counts" in words

    def work(begin: int) -> None:
        for number in itertools.count(begin):
            text = "x" * (length + number % 200)
            tracer.start_span(str(number), attributes={"number": number, "text": text}).end()
            os.write(out, b"%d %d\n" % (number, dropped() if is_counted else 0))
            if number % 50 == 0:  # files are made as fast as that: what has none, since spans come faster, may be lost
                time.sleep(0.03 if "threads" in words else 0.001)
            if is_over.is_set():
                return

    if "threads" in words:
        for thread in range(1, THREADS):
            threading.Thread(target=work, args=(begin + thread * THREAD,), daemon=True).start()
    work(begin)
    provider.shutdown()
    (recovered,) = (report["recovered"] for report in spanwire.stats()["durable"])
    (account,) = spanwire.stats()["traces"].values()
    print(json.dumps({**account, "recovered": recovered}), flush=True)


if __name__ == "__main__":
    main()
