"""64 threads make spans while others flush: each thread's spans arrive once, and all of them."""

from collections import Counter
from pathlib import Path

from spanwire.sink import Sink
from tests.integration.processes.programs import INSTALLED, run

THREADS = 64
SPANS = 200

PROGRAM = f"""
{INSTALLED}
together = threading.Barrier({THREADS} + 1)

def work(number):
    together.wait()
    for step in range({SPANS} // 20):
        make(tracer, 20, thread=number)
        time.sleep(0.001)

def flush():
    while any(thread.is_alive() for thread in threads):
        installation.force_flush()

threads = [threading.Thread(target=work, args=(number,)) for number in range({THREADS})]
for thread in threads:
    thread.start()
flushing = [threading.Thread(target=flush) for _ in range(3)]
together.wait()
for thread in flushing:
    thread.start()
for thread in threads + flushing:
    thread.join()
"""


def test_all_spans_of_64_threads_arrive_while_three_more_flush(tmp_path: Path) -> None:
    with Sink() as sink:
        run(PROGRAM, tmp_path, sink.http_endpoint).check(sink)
        by_thread = Counter(span.attributes["thread"] for span in sink.spans())
    assert by_thread == dict.fromkeys(range(THREADS), SPANS)
