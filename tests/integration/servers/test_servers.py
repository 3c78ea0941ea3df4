"""Real servers with several workers: every request's spans arrive, from workers that are forked, recycled and stopped."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.books import check_books, check_once, total
from tests.conftest import ROOT
from tests.integration.processes.programs import environment, read_books

pytestmark = pytest.mark.slow
APPLICATION = "tests.integration.servers.served"
REQUESTS = 120
WORKERS = 3
SECONDS = 60.0

GUNICORN = [
    sys.executable,
    "-m",
    "gunicorn",
    "--workers",
    str(WORKERS),
    "--graceful-timeout",
    "20",
    "--no-control-socket",
]
UVICORN = [sys.executable, "-m", "uvicorn", "--workers", str(WORKERS), "--lifespan", "on", "--log-level", "warning"]
SERVERS: dict[str, list[str]] = {
    f"gunicorn {kind}{' preloaded' if preload else ''}{' recycling' if recycled else ''}": [
        *GUNICORN,
        *("--worker-class", kind),
        *(("--threads", "4") if kind == "gthread" else ()),
        *(("--preload",) if preload else ()),
        *(("--max-requests", "10") if recycled else ()),
        f"{APPLICATION}:application",
    ]
    for kind, preload, recycled in [
        ("sync", False, False),
        ("sync", True, True),
        ("gthread", False, True),
        ("gthread", True, False),
        ("gevent", False, False),
        ("gevent", True, False),
    ]
}
UWSGI = [
    *(str(Path(sys.executable).with_name("uwsgi")), "--home", sys.prefix, "--pythonpath", str(ROOT)),
    *("--module", f"{APPLICATION}:application", "--need-app", "--disable-logging"),
    # A worker that gets SIGTERM while it starts hangs, with the SDK too: the master kills it then, after a minute by default.
    *("--master", "--workers", str(WORKERS), "--die-on-term", "--worker-reload-mercy", "10"),
]
RECYCLED = ["--max-requests", "30", "--min-worker-lifetime", "0"]
SERVERS |= {
    "uwsgi": [*UWSGI, "--enable-threads"],
    "uwsgi lazy": [*UWSGI, "--enable-threads", "--lazy-apps"],
    "uwsgi threads": [*UWSGI, "--threads", "4"],
    "uwsgi without threads": UWSGI,  # which then run during requests only
    "uwsgi recycling": [*UWSGI, "--enable-threads", *RECYCLED],
    "uwsgi lazy recycling": [*UWSGI, "--enable-threads", "--lazy-apps", *RECYCLED],
}
FULL = {"uwsgi lazy", "uwsgi lazy recycling", "uwsgi threads"}
SERVERS["uvicorn"] = [*UVICORN, f"{APPLICATION}:asgi"]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket of the file system: no port to be found."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path: str, number: int) -> int:
    """The process that has answered request ``number``. A worker that is being recycled may refuse: then again."""
    until = time.monotonic() + SECONDS
    while True:
        connection = UnixConnection(path)
        try:
            connection.request("GET", f"/?{number}", headers={"Connection": "close"})
            answer = connection.getresponse()
            assert answer.status == 200
            return int(answer.read())
        except (OSError, http.client.HTTPException):
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        finally:
            connection.close()


@contextmanager
def serving(command: list[str], path: Path, sink: Sink) -> Generator[subprocess.Popen[str], None, None]:
    variables: dict[str, str] = {}
    if "uvicorn" in command:
        address = ["--uds", str(path)]
    elif "gunicorn" in command:
        address = ["--bind", f"unix:{path}"]
    else:
        address = ["--http-socket", str(path)]
        variables["OTEL_BSP_SCHEDULE_DELAY"] = "500"  # not at exit only: see below
    process = subprocess.Popen(
        [*command, *address],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=environment(path.parent, sink.http_endpoint, OTEL_SERVICE_NAME="served", **variables),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    "server",
    [pytest.param(name, marks=[pytest.mark.full] if name in FULL else []) for name in SERVERS],
)
def test_every_request_of_every_worker_arrives(server: str, tmp_path: Path) -> None:
    if not Path(SERVERS[server][0]).exists():
        pytest.skip("not applicable: uWSGI is missing")
    path = tmp_path / "socket"
    wanted = WORKERS + 1 if "recycling" in server else WORKERS
    with Sink() as sink, serving(SERVERS[server], path, sink) as process:
        answered: list[int] = []
        with ThreadPoolExecutor(8) as clients:
            # Until workers that were slower to start have had their share.
            while len(answered) < 20 * REQUESTS and (not answered or len(set(answered)) < wanted):
                numbers = range(len(answered), len(answered) + REQUESTS)
                answered += clients.map(lambda number: ask(str(path), number), numbers)
        if "uwsgi" in server:
            # Its workers often end by SIGTERM without what Python does at exit; with the SDK too.
            sink.wait_for(2 * len(answered), timeout=SECONDS)
            time.sleep(1 if "recycling" in server else 0)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)
        spans = sink.spans()

    requests = [span for span in spans if span.name == "request"]
    # A request that was refused while its worker was stopped may have been traced, and was then asked again.
    assert {span.attributes["number"] for span in requests} == set(range(len(answered))), output
    assert set(answered) <= {span.attributes["process.pid"] for span in requests}
    assert len(set(answered)) >= wanted, "some workers did nothing: nothing is proved about them"
    if "recycling" not in server:
        assert len(requests) == len(answered)
    # No id twice, every span below the one that it belongs to, and the workers' books add up to what has arrived.
    check_once(spans)
    check_worker_books(tmp_path, sink, all_write="uwsgi" not in server)
    assert len({span.trace_id for span in requests}) == len(requests)
    parents: dict[str | None, str] = {span.span_id: span.trace_id for span in requests}
    work = [span for span in spans if span.name == "work"]
    assert len(work) == len(requests)
    assert all(parents[span.parent_span_id] == span.trace_id for span in work)
    assert {span.resource_attributes["service.name"] for span in spans} == {"served"}
    assert "Traceback" not in output
    assert process.returncode == 0, output


def check_worker_books(folder: Path, sink: Sink, *, all_write: bool = True) -> None:
    books = [book["traces"] for book in read_books(folder).values()]
    for accounts in books:
        check_books(accounts)
    assert total(books, "exported") <= sink.span_count
    assert total(books, "exported") == sink.span_count or not all_write


STARTED = """
import multiprocessing, os, sys
import spanwire
from opentelemetry import trace
from tests.integration.processes.prelude import write_books

def work(number):
    installation = spanwire.install()  # a forked child has its parent's
    with trace.get_tracer("child").start_as_current_span("child") as span:
        span.set_attribute("number", number)
    assert installation.force_flush(20_000)
    write_books()

if __name__ == "__main__":
    installation = spanwire.install()
    with trace.get_tracer("parent").start_as_current_span("parent"):
        pass
    context = multiprocessing.get_context(sys.argv[1])
    children = [context.Process(target=work, args=(number,)) for number in range(5)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    with context.Pool(2) as pool:
        pool.map(work, range(5, 20))
    print([child.exitcode for child in children])
    assert installation.force_flush(20_000)
    write_books()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing(method: str, tmp_path: Path) -> None:
    program = tmp_path / "started.py"
    program.write_text(STARTED, encoding="utf-8")
    with Sink() as sink:
        done = subprocess.run(
            [sys.executable, str(program), method],
            env=environment(tmp_path, sink.http_endpoint),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        spans = sink.spans()
    assert (done.returncode, done.stdout) == (0, "[0, 0, 0, 0, 0]\n"), done.stderr
    assert Counter(span.name for span in spans) == {"parent": 1, "child": 20}
    assert sorted(span.attributes["number"] for span in spans if span.name == "child") == list(range(20))
    check_once(spans)
    check_worker_books(tmp_path, sink)
