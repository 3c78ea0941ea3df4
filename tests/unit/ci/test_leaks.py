"""Whose a leak is that LeakSanitizer found: the code's that asked for the memory, not that of who called it through Python code."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.test_unsafe import _script

leaks = _script(ROOT / "ci" / "asan" / "leaks.py")

OURS = "/venv/lib/python3.11/site-packages/spanwire/"
MALLOC = ("malloc", "/usr/lib/gcc/libasan.so")
NEW_OBJECT = ("_PyObject_New", "/usr/bin/python3.11")
EVALUATE = ("_PyEval_EvalFrameDefault", "/usr/lib/libpython3.11.so.1.0")
NATIVE = ("spanwire_queue::append", OURS + "_native.so")
FACADE = ("sw_new_context", OURS + "_facade/tracing.so")
OTHER = ("numpy_alloc", "/venv/lib/python3.11/site-packages/numpy/core.so")


@pytest.mark.parametrize(
    "stack, ours",
    [
        ([MALLOC, NATIVE, EVALUATE], True),
        ([MALLOC, NEW_OBJECT, FACADE, EVALUATE], True),
        ([MALLOC, OTHER, NATIVE], False),
        ([MALLOC, NEW_OBJECT, EVALUATE, NATIVE], False),
        ([MALLOC, NEW_OBJECT, OTHER], False),
        ([MALLOC, NEW_OBJECT], False),
        ([MALLOC, NATIVE, ("push_raw_vec_slot<T>", OURS + "_native.so"), EVALUATE], False),
        ([], False),
    ],
)
def test_the_first_library_outwards_decides(stack: list[tuple[str, str]], ours: bool) -> None:
    assert leaks.is_ours(stack, [OURS]) is ours


def report(*stacks: list[tuple[str, str]]) -> str:
    text = "==1==ERROR: LeakSanitizer: detected memory leaks\n\n"
    for stack in stacks:
        text += "Direct leak of 26 byte(s) in 2 object(s) allocated from:\n"
        text += "".join(f"    #{at} {name} [{library}] a.rs:{at}\n" for at, (name, library) in enumerate(stack)) + "\n"
    return text + "SUMMARY: AddressSanitizer: 26 byte(s) leaked\n"


def test_findings_are_counted_and_ours_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.1").write_text(report([MALLOC, NATIVE], [MALLOC, OTHER]), encoding="utf-8")
    (tmp_path / "report.2").write_text(report([MALLOC, NATIVE]), encoding="utf-8")
    assert leaks.main(str(tmp_path), OURS) == 1
    said = capsys.readouterr().out
    assert "leaks: 4 objects, asked for by\n  malloc a.rs:0\n  spanwire_queue::append a.rs:1\n" in said
    assert "ours 1, others' 1, in reports of 2 processes" in said


def test_what_is_others_or_nothing_is_no_failure(tmp_path: Path) -> None:
    assert leaks.main(str(tmp_path), OURS) == 0
    (tmp_path / "report").write_text(report([MALLOC, OTHER]), encoding="utf-8")
    assert leaks.main(str(tmp_path), OURS) == 0


@pytest.mark.parametrize(
    "text",
    [
        "==1==ERROR: AddressSanitizer: heap-use-after-free\n",
        'AddressSanitizer: CHECK failed: sanitizer_stacktrace.cpp:158 "((count)) < ((size))"\n    <empty stack>\n',
        "==1==LeakSanitizer has encountered a fatal error.\n",
        "something that nobody knows\n",
        report([MALLOC, OTHER]) + "\nAddressSanitizer: CHECK failed: x.cpp:1\n",
    ],
)
def test_another_report_is_a_failure(text: str, tmp_path: Path) -> None:
    (tmp_path / "report").write_text(text, encoding="utf-8")
    assert leaks.main(str(tmp_path), OURS) == 1
