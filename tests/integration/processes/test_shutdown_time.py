"""How long a process waits at its end for a backend that takes nothing: not long; and what it has not delivered is counted and logged.

The times are hang guards, far above what is promised and below what there was: 30 s for each of these ends.
"""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from spanwire.sink import Fault, Sink
from tests.books import total
from tests.integration.processes.programs import HOUR, INSTALLED, finish, run, start
from tests.ports import free_port, refusing

GUARD = 20.0
SPANS = 12_000

TIMED = """
began = time.monotonic()
{}
print(time.monotonic() - began, flush=True)
"""

FAULTS = {"fails": Fault(status=503), "throttles": Fault(status=429), "hangs": Fault(delay=60)}
WAYS = {
    "shutdown": "installation.shutdown()",
    "flush and shutdown": "assert not installation.tracer_provider.force_flush()\ninstallation.shutdown()",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trouble", ["refuses", *FAULTS])
def test_a_shutdown_ends_soon_where_nothing_can_be_delivered(trouble: str, way: str, tmp_path: Path) -> None:
    program = INSTALLED + f"make(tracer, {SPANS})" + TIMED.format(WAYS[way])
    with ExitStack() as stack:
        if trouble == "refuses":
            endpoint = f"http://127.0.0.1:{stack.enter_context(refusing())}"
        else:
            sink = stack.enter_context(Sink())
            sink.inject(FAULTS[trouble], times=None)
            endpoint = sink.http_endpoint
        ended = run(program, tmp_path, endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
    assert ended.status == 0, ended.errors
    assert float(ended.output) < GUARD
    assert total(ended.accounts, "dropped") == SPANS
    assert "shutdown ended while the backend accepted nothing" in ended.errors or "are lost" in ended.errors


@pytest.mark.parametrize("trouble", ["refuses", "fails"])
def test_what_is_on_the_disk_is_not_waited_for(trouble: str, tmp_path: Path) -> None:
    """Though the shutdown may take the SDK's 30 seconds."""
    program = INSTALLED + "make(tracer, 100)" + TIMED.format("installation.shutdown()")
    with ExitStack() as stack:
        if trouble == "refuses":
            endpoint = f"http://127.0.0.1:{stack.enter_context(refusing())}"
        else:
            sink = stack.enter_context(Sink())
            sink.inject(FAULTS[trouble], times=None)
            endpoint = sink.http_endpoint
        durable = {"SPANWIRE_DURABLE_PATH": str(tmp_path / "kept"), "SPANWIRE_SHUTDOWN_TIMEOUT": "30"}
        ended = run(program, tmp_path, endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR, **durable)
    assert ended.status == 0, ended.errors
    assert float(ended.output) < GUARD
    assert [account["dropped"] for book in ended.accounts for account in book.values()] == [{"kept": 100}]
    with Sink() as sink:
        again = run(INSTALLED + "time.sleep(3)", tmp_path, sink.http_endpoint, **durable)
        assert again.status == 0, again.errors
        sink.wait_for(100, 30)


@pytest.mark.parametrize(("after", "seconds"), [(1.5, ""), (8.0, "30")], ids=["at once", "within the SDK's limit"])
def test_a_backend_that_comes_back_in_time_gets_what_waited(after: float, seconds: str, tmp_path: Path) -> None:
    port = free_port()
    program = INSTALLED + f"make(tracer, {SPANS})\nprint('ends', flush=True)\ninstallation.shutdown()"
    process = start(
        program,
        tmp_path,
        f"http://127.0.0.1:{port}",
        OTEL_BSP_SCHEDULE_DELAY=HOUR,
        SPANWIRE_SHUTDOWN_TIMEOUT=seconds,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ends\n"
    time.sleep(after)
    with Sink(port=port) as sink:
        finish(process, tmp_path).check(sink)
        assert sink.span_count == SPANS


def test_a_backend_that_is_slow_has_the_time_that_it_needs(tmp_path: Path) -> None:
    """Three requests of three seconds each, one after the other."""
    with Sink() as sink:
        sink.inject(delay=3, times=None)
        variables = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100", "OTEL_BSP_SCHEDULE_DELAY": HOUR}
        ended = run(INSTALLED + "make(tracer, 300)", tmp_path, sink.http_endpoint, **variables)
        ended.check(sink)
        assert sink.span_count == 300


def test_a_request_that_alone_is_refused_keeps_no_others_from_their_last_try(tmp_path: Path) -> None:
    program = INSTALLED + "make(tracer, 40)\ntime.sleep(0.5)\ninstallation.shutdown()"
    with Sink() as sink:
        sink.inject(status=503, times=3)  # the first request, and each of its tries until then
        variables = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": HOUR}
        run(program, tmp_path, sink.http_endpoint, **variables).check(sink)
        assert sink.span_count == 40
