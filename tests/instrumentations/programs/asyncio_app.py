"""asyncio with its instrumentation: coroutines, futures and to_thread that are traced, tasks that fail and are cancelled, generators."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace

tracer = trace.get_tracer("loop")


async def fetch(number: int) -> int:
    """Named in OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE."""
    with tracer.start_as_current_span(f"fetch {number}"):
        await asyncio.sleep(0)
        if number == 3:
            raise ValueError(number)
    return number


async def slow() -> None:
    """Named too, and cancelled."""
    with tracer.start_as_current_span("waiting"):
        await asyncio.sleep(60)


async def untraced() -> int:
    return 5


def compute(number: int) -> int:
    """Named in OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE."""
    with tracer.start_as_current_span(f"compute {number}"):
        return number * 2


async def items() -> AsyncIterator[int]:
    with tracer.start_as_current_span("items"):
        for number in range(2):
            yield number


@tracer.start_as_current_span("decorated")
async def decorated() -> str:
    await asyncio.sleep(0)
    return "recording" if trace.get_current_span().is_recording() else "not"


async def main() -> None:
    with tracer.start_as_current_span("main"):
        found = await asyncio.gather(*map(fetch, range(5)), return_exceptions=True)
        print([type(one).__name__ for one in found], await untraced())
        task = asyncio.create_task(slow(), name="slow one")
        await asyncio.sleep(0.01)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print("cancelled")
        print(await asyncio.gather(asyncio.to_thread(compute, 1), asyncio.to_thread(compute, 2)))
        print([number async for number in items()], await decorated())
    try:
        await asyncio.wait_for(slow(), 0.01)
    except (TimeoutError, asyncio.TimeoutError) as error:
        print(type(error).__mro__[-3].__name__)
    with tracer.start_as_current_span("futures"):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        print(await asyncio.ensure_future(future))
        with ThreadPoolExecutor(1) as pool:
            print(await loop.run_in_executor(pool, compute, 3))
            submitted = asyncio.run_coroutine_threadsafe(fetch(9), loop)
            print(await asyncio.wrap_future(submitted))
        done, _ = await asyncio.wait([asyncio.create_task(fetch(number)) for number in (7, 8)])
        print(sorted(task.result() for task in done))
        async for one in as_done():
            print(one)


async def as_done() -> AsyncIterator[int]:
    for future in asyncio.as_completed([fetch(6)]):
        yield await future


if __name__ == "__main__":
    asyncio.run(main())
