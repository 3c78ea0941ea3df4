"""Threads, timers and pools that carry on the context in which they were started."""

import contextvars
import queue
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from opentelemetry import baggage, context, trace

tracer = trace.get_tracer("threads")
lock = threading.Lock()


def work(name: str) -> str:
    with tracer.start_as_current_span(name) as span:
        span.set_attribute("tenant", str(baggage.get_baggage("tenant")))
    return name


def fail(name: str) -> None:
    with tracer.start_as_current_span(name):
        raise ValueError(name)


class Worker(threading.Thread):
    """One that overrides run."""

    def run(self) -> None:
        work("subclass")


def consume(orders: "queue.Queue[object]") -> None:
    while (found := orders.get()) is not None:
        captured, name = found
        token = context.attach(captured)
        work(name)
        context.detach(token)


def main() -> None:
    token = context.attach(baggage.set_baggage("tenant", "anna"))
    with tracer.start_as_current_span("threads"):
        threads = [threading.Thread(target=work, args=(f"thread {number}",)) for number in range(4)]
        threads += [Worker(), threading.Timer(0.01, work, ("timer",))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with tracer.start_as_current_span("pool"), ThreadPoolExecutor(3) as pool:
        print(sorted(pool.map(work, [f"mapped {number}" for number in range(6)])))
        futures = [pool.submit(fail if number % 2 else work, f"submitted {number}") for number in range(6)]
        print(sorted(type(future.exception()).__name__ for future in as_completed(futures)))
        nested = pool.submit(lambda: pool.submit(work, "nested").result())
        print(nested.result())
    with ThreadPoolExecutor(1) as pool:
        with tracer.start_as_current_span("first"):
            pool.submit(work, "in first").result()
        with tracer.start_as_current_span("second"):
            pool.submit(work, "in second").result()
        pool.submit(work, "in none").result()
    orders: queue.Queue[object] = queue.Queue()
    consumer = threading.Thread(target=consume, args=(orders,))
    consumer.start()
    with tracer.start_as_current_span("produced", kind=trace.SpanKind.PRODUCER):
        orders.put((context.get_current(), "consumed"))
    orders.put(None)
    consumer.join()
    with tracer.start_as_current_span("copied"):
        copied = contextvars.copy_context()
    thread = threading.Thread(target=copied.run, args=(work, "in a copied context"))
    thread.start()
    thread.join()
    span = tracer.start_span("ended by another thread")
    thread = threading.Thread(target=span.end)
    thread.start()
    thread.join()
    context.detach(token)


if __name__ == "__main__":
    main()
