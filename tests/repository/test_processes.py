"""The runner of programs: an end that was not expected fails the test, with what the program printed."""

import subprocess
from pathlib import Path

import pytest

from tests.processes import python, run

FAILS = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"


def test_another_status_fails_with_what_was_printed() -> None:
    with pytest.raises(AssertionError, match=r"(?s)status 3.*out.*err"):
        python("-c", FAILS)
    assert python("-c", FAILS, status=3).stdout == "out\n"
    assert python("-c", FAILS, status=None).returncode == 3


def test_a_quiet_program_says_nothing_on_standard_error() -> None:
    with pytest.raises(AssertionError, match="err"):
        python("-c", FAILS, status=3, quiet=True)
    assert python("-c", "print(1)", quiet=True).stdout == "1\n"


def test_variables_are_added_to_the_environment_that_is_given() -> None:
    program = "import os; print(os.environ.get('HOME'), os.environ.get('A'), os.environ.get('B'))"
    assert python("-c", program, environment={"A": "1"}, variables={"B": "2"}).stdout == "None 1 2\n"


def test_it_runs_in_the_folder_and_below_the_program_that_are_given(tmp_path: Path) -> None:
    assert python("-c", "import os; print(os.getcwd())", folder=tmp_path).stdout == f"{tmp_path.resolve()}\n"
    assert python("-c", "import os; print(os.environ['A'])", before=["env", "A=b"]).stdout == "b\n"


def test_one_that_hangs_fails() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sleep", 60], timeout=0.2)
