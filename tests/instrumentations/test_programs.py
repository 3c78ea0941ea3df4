"""The same program, with its official instrumentations, under the SDK and under spanwire: the same spans, logs and output."""

import json
from pathlib import Path

import pytest

from tests.instrumentations.catalogue import PROGRAMS
from tests.instrumentations.program import Program
from tests.instrumentations.running import SIDES, Outcome, run, start, versions
from tests.instrumentations.table import Row

pytestmark = [pytest.mark.instrumentations, pytest.mark.full]

# What the exporters of both sides call themselves.
EXPORTERS = {"sdk": "OTel-OTLP-Exporter-Python", "spanwire": "spanwire", "exporter": "spanwire"}


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_spans_are_the_same(program: Program, rows: list[Row], request: pytest.FixtureRequest) -> None:
    outcome = run(program, *[request.getfixturevalue(server) for server in program.servers])
    found = outcome.differences()
    known = versions()
    libraries = ", ".join(f"{name} {known[name.lower()]}" for name in program.libraries)
    rows.append(Row(str(program), libraries, len(outcome.sdk.spans), len(found)))
    assert not found, "\n".join([f"{len(found)} differences", *map(str, found[:20])])
    assert outcome.sdk.status == 0, str(outcome.sdk)
    assert len(outcome.sdk.spans) >= program.spans, str(outcome.sdk)
    if program.spans:
        assert outcome.sdk.user_agents == {EXPORTERS["sdk"]}
        assert outcome.ours.user_agents == {EXPORTERS[program.ours]}


TOLD = """
import json
from opentelemetry import trace

with trace.get_tracer("told").start_as_current_span("told") as span:
    types = type(trace.get_tracer_provider()), type(span)
print(json.dumps([one.__module__.split(".")[0] for one in types]))
"""


def test_the_sides_are_what_they_are_called(tmp_path: Path) -> None:
    program = tmp_path / "told.py"
    program.write_text(TOLD, encoding="utf-8")
    sides = {side: start(side, program, variables={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}) for side in SIDES}
    assert {side: json.loads(seen.stdout) for side, seen in sides.items()} == {
        "sdk": ["opentelemetry", "opentelemetry"],
        "spanwire": ["spanwire", "spanwire"],
        "exporter": ["opentelemetry", "opentelemetry"],
    }
    assert [len(seen.spans) for seen in sides.values()] == [1, 1, 1]
    assert {side: set(seen.user_agents) for side, seen in sides.items()} == {
        side: {exporter} for side, exporter in EXPORTERS.items()
    }


PLANTED = """
import os
from opentelemetry import trace

side = os.environ["OTEL_PYTHON_DISTRO"]
with trace.get_tracer("planted").start_as_current_span("planted") as span:
    span.set_attribute("side", side)
print(side)
raise SystemExit(len(side))
"""


def test_a_program_that_differs_is_found_out(tmp_path: Path) -> None:
    program = tmp_path / "planted.py"
    program.write_text(PLANTED, encoding="utf-8")
    without = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}
    outcome = Outcome(start("sdk", program, variables=without), start("spanwire", program, variables=without))
    assert [(one.where, one.field) for one in outcome.differences()] == [
        ("planted", "attributes"),
        ("stdout", "line"),
        ("process", "status"),
    ]
