"""mod_wsgi runs applications in subinterpreters by default: spanwire refuses them instead of hanging."""

import subprocess
import sys

import pytest

PROGRAM = """
import importlib, sys
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters
module = sys.argv[2]
if sys.argv[1] == "after":
    importlib.import_module(module)
script = f'''
try:
    import {module}
except ImportError as error:
    assert "subinterpreter" in str(error), error
else:
    raise SystemError("imported")
'''
inner = interpreters.create("legacy") if sys.version_info >= (3, 13) else interpreters.create(isolated=False)
failure = interpreters.run_string(inner, script)
assert failure is None, failure
importlib.import_module(module)
import spanwire._native, spanwire.trace
spanwire._native.export_stats()
with spanwire.trace.TracerProvider(shutdown_on_exit=False).get_tracer("main").start_as_current_span("goes on") as span:
    span.set_attribute("key", "value")
    assert spanwire.trace.get_current_span() is span
"""


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("module", ["spanwire._native", "spanwire.trace"])
def test_a_subinterpreter_is_refused_and_the_main_one_goes_on(order: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, order, module], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
