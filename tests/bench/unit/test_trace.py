"""Choosing cases, judging goals, and reading what callgrind, perf and mtrace write. No figure is measured here."""

from pathlib import Path

import pytest

from spanwire_bench import _callgrind, _mtrace, _perf, _trace_cases, _trace_report
from spanwire_bench._costs import Cost, Profile, object_name
from spanwire_bench._measure import Comparison, Figure
from spanwire_bench._trace_allocations import Allocations
from spanwire_bench.trace import Result


def result(name: str, official: float, ours: float) -> Result:
    (case,) = (one for one in _trace_cases.CASES if one.name == name)
    return Result(case, Comparison(Figure.of([official, official * 1.5]), Figure.of([ours, ours * 3])))


def test_no_two_cases_share_a_name() -> None:
    names = [case.name for case in _trace_cases.CASES]
    assert len(set(names)) == len(names)


def test_every_case_has_a_table_to_stand_in() -> None:
    assert {case.group for case in _trace_cases.CASES} == set(_trace_report.TITLES)


def test_a_whole_name_means_that_case_only() -> None:
    chosen, unknown = _trace_cases.select(["W5"])
    assert [case.name for case in chosen] == ["w5"]
    assert not unknown


def test_the_beginning_of_names_means_all_of_them_in_their_own_order() -> None:
    chosen, unknown = _trace_cases.select(["unsampled", "add-", "isinstance"])
    assert [case.name for case in chosen] == [
        "unsampled-root",
        "unsampled-child",
        "add-event",
        "add-event-attributes",
        "add-link",
        "isinstance",
    ]
    assert not unknown


def test_what_no_name_begins_with_is_told() -> None:
    assert _trace_cases.select(["w5", "w6", "root"])[1] == ["w6", "root"]


def test_without_names_all_cases_are_meant() -> None:
    assert tuple(_trace_cases.select(None)[0]) == _trace_cases.CASES


def test_a_goal_is_met_by_the_ratio_of_minima() -> None:
    assert result("w5", 3200, 100).met is True  # of medians it would be 20
    assert result("w5", 3199, 100).met is False


def test_no_slower_allows_for_noise_but_not_for_more() -> None:
    assert result("isinstance", 100, 102).met is True
    assert result("isinstance", 100, 104).met is False


def test_a_case_without_a_goal_is_not_judged() -> None:
    assert result("w10", 100, 200).met is None
    assert result("w10", 100, 200).as_json()["goal_met"] is None


def test_the_table_has_both_sides_and_the_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    _trace_report.show_trace(
        [result("w5", 3200, 100), result("set-attribute-int", 1400, 100), result("read-one", 5, 5)],
        {"rounds": 2},
        color=False,
    )
    shown = capsys.readouterr().out
    assert "3.20 µs  4.00 µs" in shown and "32.0×" in shown and "20.0×" in shown
    assert "w5: 32.0× (goal: ≥ 32) met" in shown
    assert "set-attribute-int: 14.0× (goal: ≥ 15) NOT met" in shown
    assert "attributes[key]" in shown and "read-one:" not in shown


def test_the_tables_of_allocations_and_profiles_name_who_takes_what(capsys: pytest.CaptureFixture[str]) -> None:
    counted = Allocations("w5", "spanwire", 10, 0.5, {"core": 0.5}, 4.0, 1, 2, 3)
    _trace_report.show_allocations([counted], {"operations": 10}, color=False)
    costs = [Cost("set_str", "_native", 80.0), Cost("[unknown]", "[kernel.kallsyms]", 20.0)]
    profiles = [
        Profile("w5", "official", "ns", [Cost("f", "libpython3.11", 2000.0)]),
        Profile("w5", "spanwire", "ns", costs),
    ]
    _trace_report.show_profile(profiles, {}, color=False)
    shown = capsys.readouterr().out
    assert "malloc is called by core 0.500" in shown
    assert "w5: 100 ns" in shown and "set_str" in shown and "[kernel.kallsyms]" in shown
    assert "By library: _native 80, [kernel.kallsyms] 20." in shown
    assert "official: 2,000 ns, 20.0×" in shown


CALLGRIND = """\
version: 1
creator: callgrind-3.19.0
events: Ir

ob=(1) /usr/lib/libpython3.11.so.1.0
fl=(1) ceval.c
fn=(1) _PyEval_EvalFrameDefault
10 100
+2 5
cob=(2) /x/core.cpython-311-x86_64-linux-gnu.so
cfi=(2) core.c
cfn=(2) set_attribute
calls=3 0
12 900
* 7

fn=(3) _PyEval_EvalFrameDefault'2
11 30

ob=(2)
fl=(2)
fn=(2)
1 600
fi=(1)
2 300
totals: 1042
"""


def test_callgrind_files_give_each_functions_own_instructions() -> None:
    assert _callgrind.parse(CALLGRIND.splitlines(keepends=True)) == {
        ("_PyEval_EvalFrameDefault", "libpython3.11"): 142,  # recursion is the same function; calls are not its own
        ("set_attribute", "core"): 900,
    }


def test_perf_reports_give_shares() -> None:
    lines = ["", "    62.50%|libc.so.6|[.] memmove  ", "    37.50%|[kernel.kallsyms]|[k] do_syscall_64", "# other"]
    assert _perf.parse(lines) == [Cost("memmove", "libc", 0.625), Cost("do_syscall_64", "[kernel.kallsyms]", 0.375)]


def test_mtrace_files_give_calls_sizes_and_callers(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(
        "= Start\n@ ./core.cpython-311-x.so:[0x1] + 0x55d0 0x20\n@ /lib/libc.so.6:(strdup+0x1)[0x1] < 0x55d0\n"
        "@ /lib/libc.so.6:(strdup+0x1)[0x1] > 0x55e0 0x40\n@ ./x.so:[0x1] - 0x55e0\n= End\n",
        encoding="ascii",
    )
    traced = _mtrace.parse(trace)
    assert traced == _mtrace.Traced(mallocs=1, reallocs=1, bytes=0x60)
    assert traced.callers == {"core": 1, "libc": 1}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc"),
        ("/a/core.cpython-313-x86_64-linux-gnu.so", "core"),
        ("libpython3.11.so.1.0", "libpython3.11"),
        ("[vdso]", "[vdso]"),
        ("/usr/bin/python3.11", "python3.11"),
    ],
)
def test_libraries_are_named_without_path_and_version(path: str, name: str) -> None:
    assert object_name(path) == name
