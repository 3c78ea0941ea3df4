"""A worker that does its work, is replaced by a new version meanwhile, and loses neither a task nor a span. README.md has more."""

import argparse
import sys
from contextlib import ExitStack

from redis import Redis

from examples.launcher import ExampleError, Programs, backend, print_books, raise_on_sigterm, scratch
from examples.servers import redis

APPLICATION = ("celery", "-A", "examples.worker.tasks")
QUIET = ("--loglevel", "warning")
DONE = "gallery:done"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.worker", description=__doc__)
    parser.add_argument("--pictures", type=int, default=40, help="how many there are to do (40)")
    options = parser.parse_args()
    raise_on_sigterm()
    try:
        run(options.pictures)
    except ExampleError as error:
        sys.exit(f"worker: {error}")
    except KeyboardInterrupt:
        sys.exit("worker: ended early")


def run(pictures: int) -> None:
    """Broker, producer, beat and two versions of the worker, the second of which takes over from the first.

    :raises ExampleError: if something does not start, or a task or span is lost.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        broker = stack.enter_context(redis(folder))
        client = stack.enter_context(Redis.from_url(broker))
        client.delete(DONE)
        endpoint = stack.enter_context(backend())
        programs = stack.enter_context(Programs(folder, endpoint, {"REDIS_URL": broker}))

        def done() -> int:
            return int(client.scard(DONE))

        start_worker(programs, "1")
        programs.start("beat", [*APPLICATION, "beat", *QUIET, "-s", str(folder / "schedule"), "--pidfile="])
        programs.start("upload", [sys.executable, "-m", "examples.worker.produce", str(pictures)])
        programs.wait("upload")

        programs.wait_for(lambda: done() >= pictures // 4, "the first pictures are done")
        print(
            f"{done()} of {pictures} pictures are done: kill -TERM {programs.pid('worker 1')}, as a deployment does",
            flush=True,
        )
        programs.stop("worker 1")
        print(f"{done()} are done, and the worker has ended; its next version goes on with the rest", flush=True)
        start_worker(programs, "2")
        programs.wait_for(lambda: done() >= pictures, "all pictures are done")
        programs.stop("beat")
        programs.stop("worker 2")
        print(f"{done()} of {pictures} pictures are done")
        if not print_books(programs.books()):
            raise ExampleError(f"not every span has arrived in time at {endpoint}: is an OTLP/HTTP backend there?")


def start_worker(programs: Programs, version: str) -> None:
    """Celery's usual pool: processes that the worker forks."""
    programs.start(
        f"worker {version}",
        [*APPLICATION, "worker", *QUIET, "--pool", "prefork", "--concurrency", "2", "-n", f"version-{version}@%h"],
        OTEL_SERVICE_NAME="worker",
        OTEL_RESOURCE_ATTRIBUTES=f"service.version={version}",
    )


if __name__ == "__main__":
    main()
