"""Providers by the thousand, as tests make them, and several at once with several destinations."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.integration.processes.programs import HOUR, run

OWN = """
import gc, os, sys, threading, time
from pathlib import Path
from tests.integration.processes.prelude import make, write_books, write_books_at_exit
write_books_at_exit()
import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor, SimpleSpanProcessor

ENDPOINT = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"

def provider_with(*processors, shutdown_on_exit=False):
    provider = TracerProvider(shutdown_on_exit=shutdown_on_exit)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider
"""

MANY = f"""
{OWN}
def resources():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

def test(number):
    # A provider that makes up to two spans; how many of them are certain to have been sent.
    provider = provider_with(BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT)))
    count = number % 3
    make(provider.get_tracer("tests"), count)
    if ENDING == "shut down":
        provider.shutdown()
    elif number % 20 == 0:
        assert provider.force_flush(20_000)
    else:
        return 0
    return count

def waiting():
    return sum(account["queued"] for account in spanwire.stats()["traces"].values())

PROVIDERS, ENDING = int(os.environ["PROVIDERS"]), os.environ["ENDING"]
certain = 0
for number in range(PROVIDERS):
    if number == PROVIDERS // 10:
        before = resources()
    if number % 100 == 99 and len(os.listdir("/proc/self/task")) > 100:
        sys.exit(f"{{len(os.listdir('/proc/self/task'))}} threads after {{number + 1}} providers")
    certain += test(number)
until = time.monotonic() + 40
while (resources()[1] > before[1] + 2 or waiting()) and time.monotonic() < until:
    time.sleep(0.05)
after = resources()
print(certain, *(now - then for now, then in zip(after, before)))
"""


@pytest.mark.parametrize("ending", ["shut down", "dropped"])
@pytest.mark.parametrize("providers", [500, pytest.param(10_000, marks=[pytest.mark.full, pytest.mark.timeout(300)])])
def test_a_provider_a_test_leaves_no_thread_descriptor_or_memory(providers: int, ending: str, tmp_path: Path) -> None:
    with Sink() as sink:
        ended = run(
            MANY,
            tmp_path,
            sink.http_endpoint,
            PROVIDERS=str(providers),
            ENDING=ending,
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        ended.check(sink)
        certain, memory, threads, descriptors = map(int, ended.output.split())
        assert sink.span_count >= certain
    assert threads <= 2
    assert descriptors <= 4
    assert memory < 16 << 20


def test_what_waits_behind_a_dropped_provider_is_sent_and_counted_soon(tmp_path: Path) -> None:
    program = f"""
{OWN}
make(provider_with(BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT))).get_tracer("tests"), 5)
gc.collect()
until = time.monotonic() + 20
while not any(account["exported"] for account in spanwire.stats()["traces"].values()):
    assert time.monotonic() < until
    time.sleep(0.01)
"""
    with Sink() as sink:
        run(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR).check(sink)
        assert sink.span_count == 5


SEVERAL = f"""
{OWN}
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

class Python(SpanExporter):
    names = []
    def export(self, spans):
        self.names += [span.name for span in spans]
        return SpanExportResult.SUCCESS
    def shutdown(self):
        pass
"""


@pytest.mark.parametrize("dead", ["http://127.0.0.1:9/v1/traces", "hanging"])
def test_a_dead_destination_takes_nothing_from_the_other(dead: str, tmp_path: Path) -> None:
    program = f"""
{SEVERAL}
dead = sys.argv[1] if len(sys.argv) > 1 else os.environ["DEAD"]
provider = provider_with(
    BatchSpanProcessor(OTLPSpanExporter(endpoint=dead, timeout=1)),
    BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT)),
)
for number in range(20):
    make(provider.get_tracer("tests"), 100)
    time.sleep(0.01)
began = time.monotonic()
provider.shutdown()
print(time.monotonic() - began < 20)
"""
    with Sink() as sink, Sink() as hanging:
        hanging.inject(delay=60, times=None)
        ended = run(program, tmp_path, sink.http_endpoint, DEAD=hanging.traces_endpoint if dead == "hanging" else dead)
        ended.check(sink)
        assert sink.span_count == 2000
    assert ended.output == "True\n"
    (accounts,) = ended.accounts
    assert sorted(sum(account["dropped"].values()) for account in accounts.values()) == [0, 2000]


def grown_while_nothing_is_delivered(destinations: int, place: Path) -> tuple[int, int]:
    """Bytes that a process grew by whose spans wait for so many destinations that hang, and how many bytes of spans they were at least."""
    program = f"""
{SEVERAL}
from opentelemetry.trace import SpanKind
from spanwire.filters import SpanFilter

filters = [SpanFilter(kinds=[SpanKind.CLIENT]), SpanFilter(names=["*"]), None]
provider = provider_with(*(
    BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint), span_filter=span_filter)
    for endpoint, span_filter in zip(os.environ["HANGING"].split(), filters)
))
tracer = provider.get_tracer("tests")

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def spans(count):
    for _ in range(count):
        tracer.start_span("request", kind=SpanKind.CLIENT, attributes={{"text": "x" * 150}}).end()

spans(1_000)
before = memory()
spans(250_000)
waiting = {{account["queued"] for account in spanwire.stats()["traces"].values()}}
print(memory() - before, *waiting, flush=True)
os._exit(0)
"""
    with ExitStack() as stack:
        hanging = [stack.enter_context(Sink()) for _ in range(destinations)]
        for sink in hanging:
            sink.inject(delay=60, times=None)
        ended = run(program, place, "", HANGING=" ".join(sink.traces_endpoint for sink in hanging))
    assert ended.status == 0, ended.errors
    memory, waiting = map(int, ended.output.split())
    assert waiting == 251_000
    return memory, 250_000 * 150


def test_three_destinations_take_hardly_more_memory_than_one(tmp_path: Path) -> None:
    one, spans = grown_while_nothing_is_delivered(1, tmp_path)
    three, _ = grown_while_nothing_is_delivered(3, tmp_path)
    assert one > spans
    assert three <= 1.2 * one


def test_ours_a_python_exporter_and_a_simple_processor_get_the_same_spans(tmp_path: Path) -> None:
    program = f"""
{SEVERAL}
simple, batched = Python(), Python()
simple.names, batched.names = [], []
provider = provider_with(
    BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT)),
    BatchSpanProcessor(batched),
    SimpleSpanProcessor(simple),
    SimpleSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT)),
)
for number in range(200):
    make(provider.get_tracer("tests"), 1, f"span {{number}}")
assert provider.force_flush(20_000)
provider.shutdown()
print(simple.names == batched.names == [f"span {{number}}" for number in range(200)])
"""
    with Sink() as sink:
        ended = run(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        assert (ended.status, ended.output) == (0, "True\n"), ended.errors
        # By both ways: each span twice.
        assert Counter(span.name for span in sink.spans()) == {f"span {number}": 2 for number in range(200)}


def test_providers_side_by_side_keep_their_spans_apart(tmp_path: Path) -> None:
    program = f"""
{OWN}
from spanwire.resources import Resource
providers = []
for number in range(10):
    provider = TracerProvider(resource=Resource({{"service.name": f"service {{number}}"}}), shutdown_on_exit=True)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT)))
    providers.append(provider)
threads = [
    threading.Thread(target=make, args=(provider.get_tracer("tests"), 50 + number))
    for number, provider in enumerate(providers)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
providers[3].shutdown()
make(providers[4].get_tracer("tests"), 100)
"""
    with Sink() as sink:
        run(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR).check(sink)
        by_service = Counter(span.resource_attributes["service.name"] for span in sink.spans())
    assert by_service == {f"service {number}": 50 + number + 100 * (number == 4) for number in range(10)}
