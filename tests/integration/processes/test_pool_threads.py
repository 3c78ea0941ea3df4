"""Large requests are compressed on threads beside the worker's, which take no signals and end when there is nothing to compress."""

import subprocess
import sys

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT

PROGRAM = """
import os, pathlib, signal, sys, time
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

def status(thread, name):
    try:
        lines = pathlib.Path(f"/proc/self/task/{thread}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return ""
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(name + ":"))

def masks():
    named = [thread for thread in os.listdir("/proc/self/task") if status(thread, "Name") == "spanwire-pack"]
    return [int(mask, 16) for mask in (status(thread, "SigBlk") for thread in named) if mask]

exporter = OTLPSpanExporter(endpoint=sys.argv[1], compression=sys.argv[2])
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("tests")
tracer.start_span("a small request").end()
assert provider.force_flush()
small, sent, seen = masks(), 1, []
end = time.monotonic() + 60
while not seen and time.monotonic() < end:
    for _ in range(400):
        tracer.start_span("large", attributes={"text": "x" * 1000}).end()
    sent += 400
    assert provider.force_flush()
    seen = masks()
while masks() and time.monotonic() < end:
    time.sleep(0.05)
quiet = all(mask >> (signal.SIGTERM - 1) & 1 for mask in seen)
print(len(small), 1 <= len(seen) <= 2, quiet, len(masks()), sent)
provider.shutdown()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: Linux alone lists threads in /proc")
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_large_requests_are_compressed_on_quiet_threads_that_end(compression: str) -> None:
    with Sink() as sink:
        command = [sys.executable, "-c", PROGRAM, sink.traces_endpoint, compression]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        *threads, sent = done.stdout.split()
        assert threads == ["0", "True", "True", "0"], done.stdout
        assert sink.span_count == int(sent)
