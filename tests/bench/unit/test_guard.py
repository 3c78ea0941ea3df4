"""The guard's arithmetic: reading callgrind's files, comparing, naming what grew, keeping baselines. Nothing is counted here."""

import json
from pathlib import Path

import pytest

from benches.guard import __main__ as program
from benches.guard._baseline import Accepted, Baseline, toolchain
from benches.guard._compare import Verdict, compare, moved
from benches.guard._count import Case, Counts, summed
from benches.guard._report import details, results, spread, table

ROOT = "/native/checkout/build/guard/source"
CASE = Case("record/w5", "kernels", 10, "a span")


def counts(total: float, **functions: float) -> Counts:
    return Counts(total, dict(functions))


# --- reading ----------------------------------------------------------------------------------------------------------

WRITTEN = f"""\
# callgrind format
ob=(1) /checkout/build/guard/target/guard/spanwire-guard
fl=(1) {ROOT}/benches/guard/src/kernels/record.rs
fn=(1) spanwire_guard::kernels::record::w5::{{{{closure}}}}
10 600
fi=(2) {ROOT}/native/record/src/attributes.rs
+3 300
fe=(1)
* 100
cob=(2) /usr/lib/libc.so.6
cfi=(3) ./string/memcpy.S
cfn=(2) memcpy
calls=7 0
11 5000

ob=(2)
fl=(3)
fn=(2)
0 4000
fl=(4) /rustc/0123456789abcdef/library/core/src/ptr/mod.rs
fn=(3) write::h0123456789abcdef
1 999
fl=(5) /home/.cargo/registry/src/native/simdutf8/src/lib.rs
fn=(4) little
1 1
"""


def test_costs_are_an_operations_by_function_and_library() -> None:
    read = summed(WRITTEN.splitlines(), 10)
    assert read.total == 600.0
    assert read.functions == {
        "memcpy [libc]": 400.0,
        "spanwire_guard::kernels::record::w5::{{closure}} [spanwire-guard]": 100.0,
        "write [libc]": 99.9,
    }


def test_what_is_inlined_counts_for_the_file_that_it_comes_from() -> None:
    assert summed(WRITTEN.splitlines(), 10).sources == {
        "library/core/src/ptr/mod.rs": 99.9,
        "benches/guard/src/kernels/record.rs": 70.0,
        "native/record/src/attributes.rs": 30.0,
    }


@pytest.mark.parametrize("name", ["f.llvm.123", "f.isra.0", "f.constprop.0.cold", "f.part.0", "f::h0123456789abcdef"])
def test_what_compilers_add_to_a_name_is_no_part_of_it(name: str) -> None:
    assert list(summed(["ob=(1) /x.so", f"fn=(1) {name}", "1 10"], 1).functions) == ["f [x]"]


# --- comparing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "verdict"),
    [(103.0, Verdict.SAME), (103.1, Verdict.DEARER), (97.0, Verdict.SAME), (96.9, Verdict.CHEAPER)],
)
def test_three_percent_are_tolerated_both_ways(after: float, verdict: Verdict) -> None:
    assert compare(counts(100), counts(after)) is verdict


def test_a_case_without_a_baseline_is_new() -> None:
    assert compare(None, counts(1)) is Verdict.NEW


def test_what_grew_is_named_most_first() -> None:
    grown, shrunk = moved({"a": 10, "b": 10, "c": 5}, {"a": 12, "b": 30, "c": 5}, 1)
    assert [(one.name, one.grown) for one in grown] == [("b", 20), ("a", 2)]
    assert not shrunk


def test_a_function_that_is_inlined_elsewhere_now_is_told_as_gone() -> None:
    before, after = {"outer": 50.0, "inner": 40.0}, {"outer": 95.0}
    (row,) = results([(CASE, Counts(95, after))], {CASE.name: Counts(90, before)})
    assert row.verdict is Verdict.DEARER
    text = "\n".join(details(row))
    assert "+45.0       50.0 ->      95.0  outer" in text
    assert "-40.0       40.0 ->       0.0  inner  (gone)" in text


def test_the_report_names_function_library_amount_and_source_file() -> None:
    before = Counts(100, {"f [core]": 60, "g [core]": 40}, {"native/a.rs": 50})
    after = Counts(110, {"f [core]": 70, "g [core]": 40}, {"native/a.rs": 59.5})
    (row,) = results([(CASE, after)], {CASE.name: before})
    lines = details(row)
    assert lines[0] == "record/w5 (a span): 100.0 -> 110.0 instructions, +10.0 (+10.0%)"
    assert lines[1:3] == ["  functions that grew:", "        +10.0       60.0 ->      70.0  f [core]"]
    assert lines[-1] == "         +9.5       50.0 ->      59.5  native/a.rs"
    assert "g [core]" not in "\n".join(lines)


def test_the_table_says_what_became_of_each_case() -> None:
    other = Case("wire/w5", "kernels", 10, "another")
    rows = results([(CASE, counts(120)), (other, counts(7))], {CASE.name: counts(100)})
    _, first, second = table(rows)
    assert first.split() == ["record/w5", "100.0", "120.0", "+20.0%", "DEARER"]
    assert second.split() == ["wire/w5", "-", "7.0", "no", "baseline"]


def test_the_spread_is_of_all_runs() -> None:
    lines = spread([[(CASE, counts(total))] for total in (100, 101, 100.5)])
    assert lines[1].split() == ["record/w5", "100.0", "101.0", "1.000%"]


# --- baselines --------------------------------------------------------------------------------------------------------

ONE, OTHER = {"rustc": "1", "machine": "x"}, {"rustc": "2", "machine": "x"}


def test_what_is_accepted_is_read_back(tmp_path: Path) -> None:
    baseline = Baseline()
    accepted = Counts(2.5, {"f [x]": 2.0}, {"a.rs": 1.0})
    baseline.accept("kernels", ONE, [(CASE, accepted)], whole=True)
    baseline.save(tmp_path / "b.json")
    found = Baseline.load(tmp_path / "b.json").find("kernels", ONE)
    assert found is not None
    assert found.cases == {CASE.name: accepted}
    assert Baseline.load(tmp_path / "b.json").find("python", ONE) is None


def test_to_accept_leaves_other_toolchains_alone() -> None:
    baseline = Baseline([Accepted("kernels", OTHER, {CASE.name: counts(9)})])
    baseline.accept("kernels", ONE, [(CASE, counts(1))], whole=True)
    assert [one.cases[CASE.name].total for one in baseline.accepted] == [9, 1]


def test_to_accept_some_cases_leaves_the_others_alone_and_all_of_them_drops_what_is_no_more() -> None:
    baseline = Baseline([Accepted("kernels", ONE, {"gone": counts(9)})])
    baseline.accept("kernels", ONE, [(CASE, counts(1))], whole=False)
    assert set(baseline.accepted[0].cases) == {"gone", CASE.name}
    baseline.accept("kernels", ONE, [(CASE, counts(1))], whole=True)
    assert set(baseline.accepted[0].cases) == {CASE.name}


def test_the_nearest_toolchain_says_what_differs() -> None:
    baseline = Baseline([Accepted("kernels", {"rustc": "3", "machine": "y"}), Accepted("kernels", OTHER)])
    nearest = baseline.nearest("kernels", ONE)
    assert nearest is not None
    assert nearest.differences(ONE) == ["rustc: 1, not 2"]


def test_a_baseline_of_another_make_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"schema": 0}', encoding="utf-8")
    with pytest.raises(ValueError, match="schema 0"):
        Baseline.load(tmp_path / "b.json")


def test_the_committed_baseline_is_laid_out_as_it_is_written(tmp_path: Path) -> None:
    committed = Path(program.__file__).with_name("baseline.json")
    Baseline.load(committed).save(tmp_path / "b.json")
    assert (tmp_path / "b.json").read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")
    for one in json.loads(committed.read_text(encoding="utf-8"))["baselines"]:
        assert one["cases"]


def test_the_toolchain_of_python_is_that_of_the_kernels_and_more() -> None:
    assert toolchain("kernels").items() < toolchain("python").items()


# --- the program ------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What each run of the program counts for its one case."""
    totals: list[float] = []
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(program, "_prepared", lambda tree, asked: [CASE])
    monkeypatch.setattr(program, "count_all", lambda wanted, tree, jobs: [(CASE, counts(totals.pop(0), f=50))])
    return totals


def run(tmp_path: Path, *options: str) -> int:
    return program.main(["--baseline", str(tmp_path / "b.json"), "--folder", str(tmp_path), *options])


def test_growth_ends_with_one_and_acceptance_with_silence(
    counted: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted[:] = [100, 104, 104, 104]
    assert run(tmp_path, "--accept") == 0
    assert run(tmp_path) == 1
    assert "FAILED: 1 of 1 cases take over 3 % more" in capsys.readouterr().err
    assert run(tmp_path, "--accept") == 0
    assert run(tmp_path) == 0
    assert "1 cases within 3 %" in capsys.readouterr().err


def test_a_toolchain_without_a_baseline_is_told_and_is_a_failure_where_one_is_required(
    counted: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted[:] = [100, 100]
    assert run(tmp_path) == 0
    assert "NO BASELINE of the kernels for this toolchain" in capsys.readouterr().err
    assert run(tmp_path, "--require") == 1


def test_what_got_cheaper_is_to_be_accepted(
    counted: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted[:] = [100, 90]
    run(tmp_path, "--accept")
    assert run(tmp_path) == 0
    assert "cheaper than the baseline, which would let it grow again: record/w5" in capsys.readouterr().err


def test_one_loud_run_of_several_is_a_failure(
    counted: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted[:] = [100, 100, 110, 100]
    run(tmp_path, "--accept")
    assert run(tmp_path, "--repeat", "3") == 1
    assert "silent in 2 of 3 runs" in capsys.readouterr().err


def test_without_valgrind_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert run(tmp_path) == 0
    assert capsys.readouterr().err.startswith("guard: NOT run: there is no valgrind")
    assert run(tmp_path, "--require") == 2
