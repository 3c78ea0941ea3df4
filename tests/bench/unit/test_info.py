"""``spanwire bench --info`` and what SPANWIRE_SIMD does: in fresh processes, since the level is chosen at import."""

import json
import os

import pytest

from spanwire import _native
from tests.processes import python


def run(level: str | None, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if name != "SPANWIRE_SIMD"}
    if level is not None:
        env["SPANWIRE_SIMD"] = level
    return python(*arguments, environment=env, quiet=True).stdout


def info(level: str | None) -> "_native._SimdInfo":
    found: _native._SimdInfo = json.loads(
        run(level, "-c", "import json; from spanwire import _native; print(json.dumps(_native.simd_info()))")
    )
    return found


def test_the_widest_is_taken_where_none_is_asked_for() -> None:
    for wish in (None, "", " "):
        found = info(wish)
        assert (found["level"], found["outcome"]) == (found["available"][-1], "best")
        assert found["wish"] is None and found["note"] is None


@pytest.mark.parametrize("level", _native.simd_info()["available"])
def test_each_level_of_this_machine_can_be_forced(level: str) -> None:
    found = info(level)
    assert (found["level"], found["wish"], found["outcome"], found["note"]) == (level, level, "forced", None)
    assert all(level in kernel["variants"] for kernel in found["kernels"].values())


@pytest.mark.parametrize(("wish", "outcome"), [("mmx", "unknown"), ("neon", "unavailable"), ("avx512", "unavailable")])
def test_a_level_that_cannot_be_had_gives_the_widest_and_says_so(wish: str, outcome: str) -> None:
    if wish in _native.simd_info()["available"]:
        pytest.skip(f"not applicable: this machine has {wish}")
    found = info(wish)
    assert (found["level"], found["wish"], found["outcome"]) == (found["available"][-1], wish, outcome)
    assert found["note"] and f"SPANWIRE_SIMD={wish}" in found["note"] and found["level"] in found["note"]


def test_the_command_shows_level_kernels_and_the_note() -> None:
    lines = run("scalar", "-m", "spanwire", "bench", "--info").splitlines()
    assert lines[0].startswith("SIMD: scalar, asked for by SPANWIRE_SIMD")
    assert {line.split()[0] for line in lines[2:]} == set(_native.simd_info()["kernels"])
    assert "note: SPANWIRE_SIMD=mmx names no level" in run("mmx", "-m", "spanwire", "bench", "--info")


def test_text_is_the_same_at_every_level() -> None:
    program = (
        "from opentelemetry.sdk.trace import TracerProvider; from spanwire import encode_spans\n"
        "from opentelemetry.sdk.resources import Resource\n"
        "from opentelemetry.sdk.trace.id_generator import RandomIdGenerator\n"
        "class Ids(RandomIdGenerator):\n"
        "    def generate_trace_id(self): return 1\n"
        "    def generate_span_id(self): return 1\n"
        "tracer = TracerProvider(resource=Resource({}), shutdown_on_exit=False, id_generator=Ids()).get_tracer('t')\n"
        "span = tracer.start_span('größe €', start_time=1)\n"
        "for n in range(0, 72, 3):\n"
        "    for text in ('é', '€', '😀', 'aé', 'words €'): span.set_attribute(f'{text}{n}', text * n)\n"
        "span.end(2)\n"
        "print(encode_spans([span]).hex())\n"
    )
    texts = {run(level, "-c", program) for level in _native.simd_info()["available"]}
    assert len(texts) == 1
