"""A program whose threads gevent has replaced, before everything else: greenlets go on whatever we wait for."""

from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.integration.processes.programs import HOUR, INSTALLED, Ended, finish, run, start

pytest.importorskip("gevent", reason="not applicable: gevent is missing")

GEVENT = f"""
from gevent import monkey
monkey.patch_all()
import gevent
{INSTALLED}
def request(number):
    with tracer.start_as_current_span("request") as span:
        gevent.sleep(0.001 * (number % 5))
        with tracer.start_as_current_span("work") as work:
            gevent.sleep(0)
            assert work.parent == span.get_span_context()
"""


def run_patched(program: str, folder: Path, sink: Sink, **variables: str) -> Ended:
    return run(GEVENT + program, folder, sink.http_endpoint, **variables)


def test_spans_of_greenlets_keep_their_parents_and_arrive(tmp_path: Path) -> None:
    with Sink() as sink:
        ended = run_patched(
            "gevent.joinall([gevent.spawn(request, n) for n in range(500)], raise_error=True)", tmp_path, sink
        )
        ended.check(sink)
        spans = sink.spans()
    assert ended.errors == ""
    requests = {span.span_id: span.trace_id for span in spans if span.name == "request"}
    assert len(spans) == 1000
    assert {span.trace_id for span in spans if span.name == "work"} == set(requests.values())
    assert len(set(requests.values())) == 500


def test_a_thread_sends_while_greenlets_are_at_work_and_nobody_flushes(tmp_path: Path) -> None:
    program = """
request(0)
until = time.monotonic() + 30
while not any(account["exported"] for account in spanwire.stats()["traces"].values()):
    assert time.monotonic() < until
    gevent.sleep(0.001)
"""
    with Sink() as sink:
        run_patched(program, tmp_path, sink, OTEL_BSP_SCHEDULE_DELAY="50").check(sink)
        assert sink.span_count == 2


def check_that_greenlets_work_during(how: str, folder: Path) -> None:
    """Of a flush that cannot end before another greenlet has had its turn 21 times."""
    program = f"""
turns, before = 0, None
def turn():
    global turns
    while True:
        turns += 1
        if before is not None and turns == before + 21:
            print("turned", flush=True)
        gevent.sleep(0.005)

gevent.joinall([gevent.spawn(request, n) for n in range(100)], raise_error=True)
turning = gevent.spawn(turn)
gevent.sleep(0)
before = turns
{how}
turning.kill()
"""
    with Sink() as sink:
        sink.inject(status=503, times=None)
        process = start(GEVENT + program, folder, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        assert process.stdout is not None
        said = process.stdout.readline()
        sink.clear_faults()
        ended = finish(process, folder)
        assert said == "turned\n", ended.errors
        ended.check(sink)
        assert sink.span_count == 200


IN_THE_HUBS_POOL = "assert gevent.get_hub().threadpool.apply(installation.force_flush)"


def test_greenlets_go_on_during_a_flush_in_the_hubs_thread_pool(tmp_path: Path) -> None:
    check_that_greenlets_work_during(IN_THE_HUBS_POOL, tmp_path)


def test_greenlets_go_on_during_a_flush(tmp_path: Path) -> None:
    check_that_greenlets_work_during("assert installation.force_flush()", tmp_path)


def test_nothing_is_lost_when_the_hub_is_destroyed_before_the_end(tmp_path: Path) -> None:
    program = """
gevent.joinall([gevent.spawn(request, n) for n in range(50)], raise_error=True)
gevent.get_hub().destroy()
"""
    with Sink() as sink:
        run_patched(program, tmp_path, sink, OTEL_BSP_SCHEDULE_DELAY=HOUR).check(sink)
        assert sink.span_count == 100


def test_a_provider_of_headers_may_block_while_greenlets_go_on(tmp_path: Path) -> None:
    program = """
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from spanwire.exporter.http import OTLPSpanExporter
blocks = monkey.get_original("time", "sleep")
said = []

def provide():
    said.append("begun")
    until = time.monotonic() + 20
    while turns <= 20 and time.monotonic() < until:
        blocks(0.01)
    said.append("ended")
    return {"x-key": "fresh"}

turns = 0
exporter = OTLPSpanExporter(headers_provider=provide)
while not said:
    gevent.sleep(0.001)
while turns < 20:
    gevent.sleep(0.001)
    turns += 1
assert said == ["begun"], said
turns += 1
exporter.shutdown()
"""
    with Sink() as sink:
        ended = run_patched(program, tmp_path, sink)
    assert (ended.status, ended.errors) == (0, ""), ended
