"""A Celery application as its users write it: what the worker imports; each task is a span with its number and process.

The broker is a folder. Where the environment says so, ``install()`` runs in each process of the pool, else before the fork.
"""

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]  # it has no types
from celery.signals import worker_process_init, worker_process_shutdown  # type: ignore[import-untyped]  # as above
from opentelemetry import trace

import spanwire
from tests.integration.processes.prelude import BOOKS, make, write_books

FOLDER = Path(os.environ[BOOKS])
for part in ("queue", "done", "control"):
    (FOLDER / part).mkdir(exist_ok=True)

app: Any = Celery("tests", broker="filesystem://", set_as_current=False)
app.conf.update(
    broker_transport_options={
        "data_folder_in": FOLDER / "queue",
        "data_folder_out": FOLDER / "queue",
        "processed_folder": FOLDER / "done",
        "control_folder": FOLDER / "control",
        "polling_interval": 0.02,
    },
    task_ignore_result=True,
    worker_hijack_root_logger=False,
)


def install(**_: Any) -> None:
    spanwire.install()


if os.environ["INSTALL_IN"] == "each process":
    worker_process_init.connect(install, weak=False)
else:
    install()


def shutdown(**_: Any) -> None:
    """Processes of the pool end by ``os._exit``, like those of multiprocessing: nothing runs at exit."""
    assert spanwire.install().force_flush(20_000)
    write_books()


worker_process_shutdown.connect(shutdown, weak=False)


def run(number: int) -> None:
    """A task that takes a moment, so that every process has its share."""
    tracer = trace.get_tracer("tests")
    with tracer.start_as_current_span("task", attributes={"number": number, "process.pid": os.getpid()}):
        make(tracer, 1, "step")
        time.sleep(0.005)


work = app.task(run)
