"""Whose a leak is that LeakSanitizer found: the code's that asked for the memory, not that of who called it through Python code."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repository.test_unsafe import _script

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


def report(*stacks: list[tuple[str, str]], objects: int = 2) -> str:
    text = "==1==ERROR: LeakSanitizer: detected memory leaks\n\n"
    for stack in stacks:
        text += f"Direct leak of 26 byte(s) in {objects} object(s) allocated from:\n"
        text += "".join(f"    #{at} {name} [{library}] a.rs:{at}\n" for at, (name, library) in enumerate(stack)) + "\n"
    return text + "SUMMARY: AddressSanitizer: 26 byte(s) leaked\n"


def test_findings_are_counted_and_ours_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.1").write_text(report([MALLOC, NATIVE], [MALLOC, OTHER]), encoding="utf-8")
    (tmp_path / "report.2").write_text(report([MALLOC, NATIVE]), encoding="utf-8")
    assert leaks.main(str(tmp_path), OURS) == 1
    said = capsys.readouterr().out
    assert "leaks: 4 objects, asked for by\n  malloc a.rs:0\n  spanwire_queue::append a.rs:1\n" in said
    assert "ours 1, doubtful 0, others' 1, in reports of 2 processes" in said


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


TUPLE = [MALLOC, ("gc_alloc", EVALUATE[1]), ("_PyTuple_FromArray", EVALUATE[1]), FACADE, EVALUATE]


@pytest.mark.parametrize("objects, said", [(9, "ours 0, doubtful 1"), (10, "ours 1, doubtful 0")])
def test_a_tuple_may_be_anothers_that_had_its_memory_of_us(
    objects: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report").write_text(report(TUPLE, objects=objects), encoding="utf-8")
    assert leaks.main(str(tmp_path), OURS) == (objects >= 10)
    assert said in capsys.readouterr().out


def test_what_python_keeps_for_nobody_is_not_doubtful() -> None:
    assert leaks.is_recycled(TUPLE)
    assert not leaks.is_recycled([MALLOC, NEW_OBJECT, FACADE])
    assert not leaks.is_recycled([MALLOC, NATIVE, ("PyTuple_New", EVALUATE[1])])
