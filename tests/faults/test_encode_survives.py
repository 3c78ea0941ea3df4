"""Encoding in a process of its own, so that a crash of the interpreter is a failed test: hostile objects, and spans that change."""

from pathlib import Path

import pytest

from tests.processes import python

ROOT = Path(__file__).resolve().parents[2]

HOSTILE = """
import gc, logging, random
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link
import spanwire
from tests.property.hostile import LIARS, MEDDLERS, RAISERS, Meddler
from tests.spans import RESOURCE, SCOPE, context

logging.disable(logging.CRITICAL)
values = [make for table in (RAISERS, LIARS) for make in table.values()]
values += [lambda meddle=meddle: Meddler(meddle) for meddle in MEDDLERS.values()]
random.seed(SEED)
for _ in range(400):
    def attributes():
        return {f"k{n}": random.choice(values)() for n in range(random.randrange(6))}
    batch = [
        ReadableSpan(
            "name", context(), resource=RESOURCE, instrumentation_scope=SCOPE, attributes=attributes(),
            events=[Event("event", attributes(), 1)], links=[Link(context(), attributes())],
        )
        for _ in range(random.randrange(1, 8))
    ]
    for span in batch:
        for value in span.attributes.values():
            if type(value) is Meddler:
                value.span = span
    spanwire.encode_spans(batch)
    if random.random() < 0.1:
        gc.collect()
print("survived")
"""

CHANGING = """
import logging, sys, threading, time
from opentelemetry.sdk.trace import TracerProvider
import spanwire
from tests.official import parse, spans_of
from tests.spans import RESOURCE

logging.disable(logging.CRITICAL)
sys.setswitchinterval(1e-6)
tracer = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("changing")
# Live spans take the general path, in which other threads run; their finished copies share the attributes.
spans = [tracer.start_span(f"span {n}") for n in range(32)]
until, enough = time.monotonic() + 2, threading.Event()

def change(offset):
    n = offset
    while not enough.is_set():
        n += 1
        span = spans[n % len(spans)]
        span.set_attribute(f"k{n % 200}", [n, str(n), {"n": n}])
        span.add_event(f"event {n}", {"n": n})
        span.update_name(f"name {n}")

threads = [threading.Thread(target=change, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
encoded = 0
while time.monotonic() < until or encoded <= 3:
    batch = spans + [span._readable_span() for span in spans]
    request = parse(spanwire.encode_spans(batch))
    assert len(spans_of(request)) == len(batch)
    encoded += 1
enough.set()
for thread in threads:
    thread.join()
print("survived")
"""


def run(program: str) -> None:
    assert python("-X", "faulthandler", "-c", program, folder=ROOT, timeout=120).stdout == "survived\n"


@pytest.mark.parametrize("seed", range(3))
def test_no_hostile_object_crashes_the_interpreter(seed: int) -> None:
    run(HOSTILE.replace("SEED", str(seed)))


def test_spans_that_other_threads_change_meanwhile_are_whole_messages() -> None:
    run(CHANGING)
