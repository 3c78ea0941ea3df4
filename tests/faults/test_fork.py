"""Must hold for every fork: the parent goes on sending, the children deliver, nothing hangs, no span arrives twice.

Real forks of a real application (forking_app.py) with the stock SDK's batch processor, while the parent's request is in flight
to a sink in this process, which is another one than theirs. ``make test-full`` forks 200 times each way.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.faults.forking_app import SPANS_OF_A_CHILD

APP = Path(__file__).with_name("forking_app.py")
ROOT = APP.parent.parent.parent
# While one is answered, the next fork happens.
ANSWER_SECONDS = 0.02
SECONDS = 100


@pytest.mark.parametrize("way", ["python", "c", "c-unseen"])
@pytest.mark.parametrize("forks", [20, pytest.param(200, marks=[pytest.mark.full, pytest.mark.timeout(SECONDS + 60)])])
def test_parent_and_children_deliver_every_span_once(way: str, forks: int) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHONWARNINGS"))
    }
    environment["PYTHONPATH"] = str(ROOT)
    with Sink() as sink:
        sink.inject(times=None, delay=ANSWER_SECONDS)
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-W", "ignore", str(APP), sink.traces_endpoint, way, str(forks)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        received = sink.spans()

    parent = json.loads(done.stdout)
    assert parent["failures"] == []
    assert Counter(span.span_id for span in received).most_common(1)[0][1] == 1, "a span arrived twice"
    by_process = Counter(span.attributes["process"] for span in received)
    assert by_process == {0: parent["traced"], **dict.fromkeys(range(1, forks + 1), SPANS_OF_A_CHILD)}

    counts = parent["counts"]
    assert (counts["exported"], counts["queued"], sum(counts["dropped"].values())) == (parent["traced"], 0, 0)
    assert parent["traced"] > forks, "the parent goes on tracing"
    if way == "c-unseen":
        # One connection all the time: no child closed or used it.
        assert counts["connections"] == 1
    else:
        assert parent["in_flight"] >= 0.9 * forks, "or this test shows nothing"
