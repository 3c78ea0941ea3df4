"""The rules of tests/conftest.py, on a test session of their own."""

import re

import pytest

from tests.conftest import ROOT

CONFTEST = ROOT / "tests" / "conftest.py"


@pytest.fixture
def session(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nmarkers =\n    requires_program(*names): needs it\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.requires_program("no-such-program")
        def test_with_a_program():
            pass

        def test_that_gives_up():
            pytest.skip("no reason")

        def test_for_another_platform():
            pytest.skip("not applicable: another platform")

        @pytest.mark.xfail
        def test_known_to_fail():
            assert False
        """
    )
    return pytester


def test_missing_program_skips_with_a_summary_line(session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    result = session.runpytest_subprocess()

    result.assert_outcomes(skipped=3, xfailed=1)
    result.stdout.fnmatch_lines(["missing program: no-such-program; 1 tests did not run*"])


def test_skip_is_a_failure_in_ci(session: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    result = session.runpytest_subprocess()

    result.assert_outcomes(failed=1, errors=1, skipped=1, xfailed=1)  # a fixture that fails is an error
    result.stdout.fnmatch_lines(["*program missing: no-such-program*"])


def test_module_skipped_as_a_whole_is_a_failure_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile("import pytest\npytest.importorskip('no_such_module_at_all')\n")

    result = pytester.runpytest_subprocess()

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*was skipped as a whole*"])


def test_a_report_with_a_lone_surrogate_reaches_the_run_from_a_worker(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(
        r"""
        import pytest

        @pytest.mark.parametrize("text", ["\ud800"])
        def test_in_a_comparison(text):
            assert "a" + text == "b"

        def test_in_a_message():
            raise ValueError("\udfff")

        def test_that_passes(record_property):
            record_property("text", "\ud800")
        """
    )

    result = pytester.runpytest_subprocess("-n", "1")

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*ValueError: \\udfff*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.parametrize(
    "test",
    [
        "ctypes.PyDLL(None).sleep(60)",  # no other thread can run
        "os.waitpid(os.fork() or time.sleep(60), 0)",  # the child holds the worker's pipe
    ],
    ids=["holds the GIL", "waits for a child"],
)
def test_a_test_that_hangs_ends_its_worker_and_the_run(pytester: pytest.Pytester, test: str) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(
        test_one=f"import ctypes, os, time\n\ndef test_that_hangs():\n    {test}\n\ndef test_after_it():\n    pass\n",
        test_other="def test_passes():\n    pass\n",
    )
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (parallel,) = re.findall(r"^PARALLEL := -n \$\(WORKERS\) (.*)$", makefile, re.MULTILINE)

    result = pytester.runpytest_subprocess("-n", "2", *parallel.split(), "--timeout", "2", timeout=50)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*crashed while running*test_that_hangs*"])
    result.stderr.fnmatch_lines(["Timeout*", "*in test_that_hangs"])
