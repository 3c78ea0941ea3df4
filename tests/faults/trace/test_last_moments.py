"""What runs when nobody expects it: finalizers at the interpreter's exit and while processors are replaced, odd calls."""

import subprocess
import sys
from typing import Any

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

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


def test_a_span_that_ends_while_its_processor_is_freed_is_not_given_to_a_freed_queue() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces"))
    provider.add_span_processor(processor)
    span = provider.get_tracer("freed").start_span("span")

    class Last:
        def __del__(self) -> None:
            span.end()

    vars(processor)["last"] = Last()  # freed after the queue
    processor.shutdown()
    del processor
    plan: Any = provider._active_span_processor.plan  # type: ignore[union-attr]
    plan.set_processors(())
    span.end()
    assert not span.is_recording()
