"""What a process leaves on the disk that is killed before it could send anything."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

__all__ = ["leave"]

PROGRAM = """
import json, os, signal, sys
import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
folder, service, spans, text = sys.argv[1:]
queue = DurableQueue(folder, service=service, recover=False)
exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces", durable=queue)
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("tests")
attributes = {"text": "x" * int(text)} if int(text) else None
for number in range(int(spans)):
    tracer.start_span(str(number), attributes=attributes).end()
spanwire.durable.sync()
(directory,) = spanwire.stats()["durable"]
print(json.dumps([directory["folder"], directory["failures"]]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


TRIES = 20


def leave(folder: Path, service: str, spans: int, *, text: int = 0) -> None:
    """That many spans, named by their numbers, of a process of that service; each with a text of that many characters.

    Where the disk is busy the next file is not ready in time: spans stand in memory alone until it is, so the process waits for that before it is
    killed. If too many wait, it drops spans and counts a failure: what it left is not what was asked for, and another process is run.
    """
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder), service, str(spans), str(text)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=ROOT,
        )
        assert done.returncode == -9, done.stderr
        left, failures = json.loads(done.stdout)
        if failures == 0:
            return
        shutil.rmtree(left)
    raise AssertionError(f"{TRIES} processes in a row could not keep all of their spans: {done.stderr}")
