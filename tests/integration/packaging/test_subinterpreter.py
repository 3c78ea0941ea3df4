"""mod_wsgi runs applications in subinterpreters by default: spanwire refuses them instead of hanging."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters
if sys.argv[1] == "after":
    import spanwire._native
script = '''
try:
    import spanwire._native
except ImportError as error:
    assert "subinterpreter" in str(error), error
else:
    raise SystemError("imported")
'''
inner = interpreters.create("legacy") if sys.version_info >= (3, 13) else interpreters.create(isolated=False)
failure = interpreters.run_string(inner, script)
assert failure is None, failure
import spanwire._native
spanwire._native.export_stats()
"""


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_subinterpreter_is_refused_and_the_main_one_goes_on(order: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, order], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
