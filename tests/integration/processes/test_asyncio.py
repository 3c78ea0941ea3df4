"""asyncio programs: tasks keep their spans across awaits, the loop goes on during a flush, and exit delivers."""

import sys
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.integration.processes.programs import HOUR, INSTALLED, finish, run, start

TASKS = f"""
import asyncio
{INSTALLED}
async def request(number):
    with tracer.start_as_current_span("request", attributes={{"number": number}}) as span:
        await asyncio.sleep(0.001 * (number % 5))
        with tracer.start_as_current_span("work") as work:
            await asyncio.sleep(0)
            assert work.parent == span.get_span_context()
            await asyncio.gather(*(step(span) for _ in range(2)))

async def step(request):
    with tracer.start_as_current_span("step") as span:
        await asyncio.sleep(0)
        assert span.get_span_context().trace_id == request.get_span_context().trace_id
"""


@pytest.mark.parametrize(
    "ending",
    [
        "asyncio.run(main())",
        "asyncio.run(cancelled())",
        "asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())",
    ],
    ids=["run", "cancelled", "a loop that nobody closes"],
)
def test_spans_across_awaits_arrive_when_the_program_ends(ending: str, tmp_path: Path) -> None:
    if "policy" in ending and sys.version_info >= (3, 14):
        pytest.skip("not applicable: policies are deprecated")
    program = f"""
async def main():
    await asyncio.gather(*map(request, range(200)))

async def cancelled():
    await main()
    task = asyncio.create_task(asyncio.sleep(60))
    asyncio.get_running_loop().call_later(0.01, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        pass

{ending}
"""
    with Sink() as sink:
        run(TASKS + program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR).check(sink)
        spans = sink.spans()
    assert len(spans) == 800
    requests = {span.trace_id: span for span in spans if span.name == "request"}
    assert {span.attributes["number"] for span in requests.values()} == set(range(200))
    work = {span.span_id: span for span in spans if span.name == "work"}
    assert all(span.parent_span_id == requests[span.trace_id].span_id for span in work.values())
    assert all(span.parent_span_id in work for span in spans if span.name == "step")


def test_the_loop_goes_on_during_a_flush_in_a_thread(tmp_path: Path) -> None:
    program = """
async def main():
    await asyncio.gather(*map(request, range(50)))
    flush = asyncio.create_task(asyncio.to_thread(installation.force_flush))
    turns = 0
    while not flush.done():
        await request(1000 + turns)  # spans are made meanwhile
        await asyncio.sleep(0.005)
        turns += 1
        if turns == 21:
            print("turned", flush=True)
    assert await flush
    return turns

turns = asyncio.run(main())
print(4 * (50 + turns))
"""
    with Sink() as sink:
        sink.inject(status=503, times=None)  # until the loop has gone on
        process = start(TASKS + program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        assert process.stdout is not None
        said = process.stdout.readline()
        sink.clear_faults()
        ended = finish(process, tmp_path)
        assert said == "turned\n", ended.errors
        ended.check(sink)
        assert sink.span_count == int(ended.output)
