"""Signals are the application's: no native thread takes one, so a program may block them in its own threads and wait for them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT

# It blocks SIGTERM after all is set up, as a server does that waits for it with sigwait.
PROGRAM = """
import os, pathlib, signal, sys
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

def status(thread, name):
    lines = pathlib.Path(f"/proc/self/task/{thread}/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(name + ":"))

own = Sink().start()
exporter = OTLPSpanExporter(endpoint=sys.argv[1], durable=DurableQueue(sys.argv[2]))
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter))
provider.get_tracer("tests").start_span("one").end()
assert provider.force_flush()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
native = {"spanwire", "spanwire-disk", "spanwire-recove", "spanwire-sink"}  # of names Linux keeps 15 bytes
threads = {status(thread, "Name"): int(status(thread, "SigBlk"), 16) for thread in os.listdir("/proc/self/task")}
assert native <= set(threads), threads
print(*sorted(name for name in native if not threads[name] >> (signal.SIGTERM - 1) & 1), flush=True)
assert signal.sigwait({signal.SIGTERM}) == signal.SIGTERM
own.close()
provider.shutdown()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: Linux alone lists threads in /proc")
def test_a_program_that_waits_for_sigterm_is_not_killed_by_it(tmp_path: Path) -> None:
    with Sink() as sink:
        command = [sys.executable, "-c", PROGRAM, sink.traces_endpoint, str(tmp_path / "queue")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            loud = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, f"threads that take it: {loud}"
        assert loud == "\n"
        assert [span.name for span in sink.spans()] == ["one"]
