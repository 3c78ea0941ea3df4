"""Instructions as perf counts them: with a program of its name that says what the real one says, and with the real one."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spanwire_bench import _perf
from spanwire_bench._perf import NotCounted

FAKE = """#!/bin/sh
# perf stat -x , -e instructions:u -o FILE -- COMMAND
[ "$1 $2 $3 $4 $5 $6" = "stat -x , -e instructions:u -o" ] || exit 129
output=$7; shift 8
"$@"; status=$?
{BODY}
exit $status
"""
COUNTING = """printf '# started on a day\\n\\n%s,,instructions:u,100,100.00,,\\n' "${COUNT:-1000}" > "$output" """


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    _perf.counting.cache_clear()
    yield
    _perf.counting.cache_clear()


@pytest.fixture
def perf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a perf that does so before every other."""

    def make(body: str) -> None:
        script = tmp_path / "perf"
        script.write_text(FAKE.replace("{BODY}", body), encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return make


def test_where_perf_counts_nothing_is_said_against_it(perf: Callable[[str], None]) -> None:
    perf(COUNTING)
    assert _perf.counting() is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo '<not supported>,,instructions:u,0,100.00,,' > \"$output\"", "not counted: perf says not supported"),
        ("echo '<not counted>,,instructions:u,0,0.00,,' > \"$output\"", "not counted: perf says not counted"),
        (
            "echo 'Access to performance monitoring is limited.' >&2; exit 255",
            "not counted: perf may not look: Access to ",
        ),
        ("exit 3", "not counted: perf may not look: status 3"),
        (': > "$output"', "not counted: perf said nothing of instructions"),
        ("true", "not counted: perf wrote nothing: No such file or directory"),
    ],
)
def test_where_perf_does_not_count_it_is_said_why(body: str, why: str, perf: Callable[[str], None]) -> None:
    perf(body)
    assert str(_perf.counting()).startswith(why)


def test_without_perf_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _perf.counting() == "not counted: there is no perf"


def test_the_machine_is_asked_once(perf: Callable[[str], None], tmp_path: Path) -> None:
    perf(f"echo asked >> {tmp_path}/asked; {COUNTING}")
    _perf.counting()
    _perf.counting()
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "asked\n"


def test_what_more_work_takes_is_counted_without_start_and_warm_up(perf: Callable[[str], None]) -> None:
    perf(COUNTING)
    asked = []

    def run(units: int, counted: Callable[[list[str]], list[str]]) -> None:
        asked.append(units)
        env = {**os.environ, "COUNT": str(5_000_000 + 6_630 * units)}
        subprocess.run(counted([sys.executable, "-c", "pass"]), env=env, check=True)

    assert _perf.per_unit(run, 100) == 6_630
    assert asked == [100, 200]


def test_a_count_that_does_not_grow_is_none(perf: Callable[[str], None]) -> None:
    perf(COUNTING)
    with pytest.raises(NotCounted, match="no more instructions"):
        _perf.per_unit(lambda units, counted: subprocess.run(counted(["true"]), check=True), 100)


def test_where_nothing_is_counted_nothing_is_run(perf: Callable[[str], None]) -> None:
    perf("exit 1")
    with pytest.raises(NotCounted, match="may not look"):
        _perf.per_unit(lambda units, counted: pytest.fail("it was run"), 100)


def test_the_real_perf_counts_or_says_why_not() -> None:
    why = _perf.counting()
    if why is not None:
        assert why.startswith("not counted: ") and len(why) > len("not counted: ")
        return

    def run(units: int, counted: Callable[[list[str]], list[str]]) -> None:
        subprocess.run(counted([sys.executable, "-c", f"for _ in range({units}): pass"]), check=True)

    assert 1 < _perf.per_unit(run, 1_000_000) < 10_000
