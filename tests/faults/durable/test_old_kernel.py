"""Linux before 5.14 refuses MADV_POPULATE_WRITE: files are faulted in page by page there, and must stay as they are.

``make test-old-kernel`` runs all tests of durable queues so.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT

OLD_KERNEL = str(ROOT / "ci" / "old-kernel")

# One span is so large that it gets a file of its own.
VICTIM = """
import mmap, os, sys
from spanwire.durable import DurableQueue, sync
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import SpanLimits, TracerProvider
from spanwire.trace.export import BatchSpanProcessor

try:
    mmap.mmap(-1, 4096).madvise(23)  # MADV_POPULATE_WRITE
except OSError:
    pass
else:
    sys.exit("it is not refused")
exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces", timeout=1, durable=DurableQueue(sys.argv[1], service="victim"))
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("tests")
for number in range(100):
    text = "x" * (2 << 20 if number == 50 else 10)
    tracer.start_span(str(number), attributes={"text": text}).end()
sync()  # the file of the large one is there
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: Linux alone has seccomp")
def test_files_of_an_old_kernel_keep_their_headers(tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    victim = subprocess.run(
        [OLD_KERNEL, sys.executable, "-c", VICTIM, str(queue)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert victim.returncode == -signal.SIGKILL, victim.stderr
    files = sorted(queue.rglob("*.spans"))
    assert len(files) >= 2
    assert [file.read_bytes()[:8] for file in files] == [b"spanwire"] * len(files)
    with Sink() as sink:
        command = [sys.executable, "-m", "spanwire", "recover", str(queue), "--endpoint", sink.http_endpoint, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout)
        assert (told["delivered"], told["damaged"], told["files_not_understood"]) == (100, 0, 0)
        assert sorted(int(span.name) for span in sink.spans()) == list(range(100))
    assert list(queue.iterdir()) == []
