"""Celery's prefork pool: every task's spans arrive from processes that are forked, recycled and stopped."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.integration.processes.programs import HOUR, environment, finish, start

pytest.importorskip("celery", reason="not applicable: Celery is missing")
pytestmark = pytest.mark.slow

APPLICATION = "tests.integration.processes.celery_app"
TASKS = 60
PROCESSES = 2

SEND = f"""
from {APPLICATION} import work
for number in range({TASKS}):
    work.delay(number)
"""

WORKER = [
    *(
        sys.executable,
        "-m",
        "celery",
        "-A",
        APPLICATION,
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        str(PROCESSES),
    ),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"),
]


@pytest.mark.parametrize(
    ("where", "recycled"),
    [
        ("the parent", True),
        pytest.param("the parent", False, marks=pytest.mark.full),
        pytest.param("each process", False, marks=pytest.mark.full),
        pytest.param("each process", True, marks=pytest.mark.full),
    ],
)
def test_every_task_of_every_process_arrives(where: str, recycled: bool, tmp_path: Path) -> None:
    variables = {"INSTALL_IN": where, "OTEL_BSP_SCHEDULE_DELAY": HOUR, "C_FORCE_ROOT": "1"}
    with Sink() as sink:
        subprocess.run(
            [sys.executable, "-c", SEND],
            env=environment(tmp_path, sink.http_endpoint, **variables),
            check=True,
            timeout=60,
        )
        command = [*WORKER, *(("--max-tasks-per-child", "10") if recycled else ())]
        process = start(command, tmp_path, sink.http_endpoint, **variables)
        until = time.monotonic() + 60
        while (tmp_path / "queue").exists() and any((tmp_path / "queue").iterdir()):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)  # what was taken is done before it ends
        ended = finish(process, tmp_path)
        ended.check(sink)
        spans = sink.spans()
    assert "Traceback" not in ended.errors
    assert {span.attributes["number"] for span in spans if span.name == "task"} == set(range(TASKS))
    assert Counter(span.name for span in spans) == {"task": TASKS, "step": TASKS}
    assert len({span.attributes["process.pid"] for span in spans}) >= (TASKS // 10 if recycled else PROCESSES)
