"""The tasks of a gallery, as a Celery application is written; what concerns tracing is marked."""

import atexit
import os
import time
from typing import Any

from celery import Celery
from celery.signals import worker_process_shutdown
from redis import Redis

from examples.books import close_books

REDIS_URL = os.environ["REDIS_URL"]
DONE = "gallery:done"  # a set of pictures that are finished

app = Celery("gallery", broker=REDIS_URL)
app.conf.update(
    # A worker that is killed has not answered for what it was doing: another one does that again.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    beat_schedule={"every second": {"task": "sweep", "schedule": 1.0}},
)


# Tracing. Processes of Celery's pool end without what Python does at exit, so what waits is sent when Celery says that one
# ends. All others (producers, beat) would send it at exit by themselves; here they close their books besides.
worker_process_shutdown.connect(lambda **_: close_books(), weak=False)
atexit.register(close_books)


class StorageError(Exception):
    """The storage is busy."""


@app.task(name="resize", bind=True, max_retries=3)
def resize(self: Any, picture: int) -> None:
    """Make a picture small; for every fourth one the storage is busy at first, so that it is tried again later."""
    time.sleep(0.05)
    if picture % 4 == 0 and self.request.retries == 0:
        raise self.retry(exc=StorageError(f"picture {picture} is locked"), countdown=0.5)
    publish.delay(picture)


@app.task(name="publish")
def publish(picture: int) -> None:
    """Show it; of every tenth one nothing can be shown."""
    Redis.from_url(REDIS_URL).sadd(DONE, picture)
    if picture % 10 == 0:
        raise ValueError(f"picture {picture} is empty")


@app.task(name="sweep")
def sweep() -> None:
    """What beat sends every second."""
