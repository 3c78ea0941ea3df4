"""Celery over Redis: a producer, and a worker whose pool of processes was forked from it; tasks that retry, fail, and start others.

The file is both: what Celery's command imports, and the program that starts that command and sends.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from celery import Celery, chain, group, signals
from opentelemetry import baggage, context, trace

tracer = trace.get_tracer("mill")
FOLDER = str(Path(__file__).parent)
URL = f"redis://:{os.environ['REDIS_PASSWORD']}@{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}"

app = Celery("celery_app", broker=f"{URL}/0", backend=f"{URL}/1")
app.conf.update(
    broker_connection_retry_on_startup=True,
    redis_backend_health_check_interval=None,
    task_acks_late=True,
    worker_hijack_root_logger=False,
    worker_max_tasks_per_child=1000,
    worker_prefetch_multiplier=1,
)


@signals.worker_process_shutdown.connect(weak=False)
def flush(**_: object) -> None:
    """Processes of the pool end without running what runs at exit."""
    trace.get_tracer_provider().force_flush()


class Broken(Exception):
    """What a task raises."""


@app.task(name="mill.grind")
def grind(corn: int) -> int:
    with tracer.start_as_current_span("stones", attributes={"corn": corn}) as span:
        span.add_event("turned", {"rounds": corn * 2})
    return corn * 2


@app.task(name="mill.sum")
def total(parts: list[int]) -> int:
    return sum(parts)


@app.task(name="mill.break")
def break_down() -> None:
    raise Broken("the wheel is off")


@app.task(name="mill.expected", throws=(KeyError,))
def expected() -> None:
    raise KeyError("flour")


@app.task(name="mill.retry", bind=True, max_retries=2)
def again(self: object) -> int:
    if self.request.retries < 2:
        raise self.retry(countdown=0, exc=Broken("jammed"))
    return self.request.retries


@app.task(name="mill.auto", autoretry_for=(ValueError,), default_retry_delay=0, max_retries=1)
def automatically() -> None:
    raise ValueError("never works")


@app.task(name="mill.order")
def order(number: int) -> str | None:
    grind.apply_async((number,), queue="celery")
    return baggage.get_baggage("miller")


def answer(result: object) -> None:
    try:
        print(result.get(timeout=100))
    except Exception as error:  # what the task raised
        print(type(error).__name__, error)


def produce() -> None:
    for task in (break_down, expected, again, automatically):
        answer(task.delay())
    with tracer.start_as_current_span("orders", kind=trace.SpanKind.SERVER):
        token = context.attach(baggage.set_baggage("miller", "anna"))
        answer(order.delay(3))
        answer(group(grind.s(number) for number in range(4)).apply_async())
        context.detach(token)
    answer(chain(grind.s(1), grind.s())())
    answer((grind.s(1) | total.si([1, 2]))())
    app.send_task("mill.grind", args=(9,)).get(timeout=100)
    answer(grind.apply_async((1,), expires=-1, ignore_result=True) and grind.delay(5))
    print(grind.apply(args=(2,)).get())  # here, without a worker


def main() -> None:
    command = [
        *("opentelemetry-instrument", "celery", "--quiet", "--workdir", FOLDER, "--app", "celery_app", "worker"),
        *("--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--loglevel", "error"),
    ]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "C_FORCE_ROOT": "1"})
    try:
        produce()
        until = time.monotonic() + 60
        while app.connection().default_channel.client.llen("celery") and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        worker.send_signal(signal.SIGTERM)  # what was taken is done before it ends
        print("worker", worker.wait(100))


if __name__ == "__main__":
    main()
