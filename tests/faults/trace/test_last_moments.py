"""What runs when nobody expects it: finalizers at the interpreter's exit and while processors are replaced, odd calls."""

import subprocess
import sys


AT_EXIT = """
import builtins
from spanwire.trace import TracerProvider

tracer = TracerProvider().get_tracer("exit")

class Late:
    def __init__(self):
        self.span, self.tracer = tracer.start_span("late", attributes={"a": 1}), tracer

    def __del__(self):
        self.span.add_event("event")
        self.span.end()
        assert dict(self.span.attributes) == {"a": 1}
        assert len(self.span.events) == 1 and not self.span.links
        with self.tracer.start_as_current_span("later"):
            pass
        print("read", flush=True)

builtins.late = Late()
"""


def test_a_finalizer_reads_a_span_when_the_interpreter_is_gone() -> None:
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "read\n", "")
