"""What runs when nobody expects it: finalizers at the interpreter's exit and while processors are replaced, odd calls."""

import subprocess
import sys
from typing import Any

import pytest

from spanwire._facade import tracing
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import SpanProcessor, TracerProvider
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


class Keeper(SpanProcessor):
    """Keeps the last span."""

    def on_end(self, span: Any) -> None:
        self.last = span


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


def test_a_finished_view_cannot_be_made_without_a_span() -> None:
    with pytest.raises(TypeError, match="made by a span"):
        tracing.ReadableSpan.__new__(tracing.ReadableSpan)
    with pytest.raises(TypeError):
        object.__new__(tracing.ReadableSpan)


def test_deleting_by_a_subclass_of_str_deletes_that_attribute() -> None:
    class Key(str):
        __slots__ = ()

    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("keys").start_span("span")
    span.set_attributes({"k" * 100: 1, "other": 2})
    del span._attributes[Key("k" * 100)]
    assert dict(span.attributes) == {"other": 2}


def test_an_end_time_that_raises_does_not_keep_the_span_from_ending() -> None:
    class Hostile:
        def __int__(self) -> int:
            raise RuntimeError

    provider, keeper = TracerProvider(shutdown_on_exit=False), Keeper()
    provider.add_span_processor(keeper)
    span: Any = provider.get_tracer("times").start_span("span")
    span.end(Hostile())
    assert keeper.last.end_time >= keeper.last.start_time
