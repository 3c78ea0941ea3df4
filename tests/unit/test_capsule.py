"""The two native halves check each other before they call each other: halves of different builds are a clear ImportError."""

import subprocess
import sys

import pytest

# A fresh process whose Rust half is only a capsule with another table.
PROGRAM = """
import ctypes, sys, types

table = (ctypes.c_uint32 * 4)({abi}, {size})
new = ctypes.pythonapi.PyCapsule_New
new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
name = ctypes.c_char_p(b"spanwire._native._C_API")
native = types.ModuleType("spanwire._native")
native.__version__ = "0"
native._C_API = new(ctypes.addressof(table), name, None)
sys.modules["spanwire._native"] = native
try:
    import spanwire._facade.core
except ImportError as error:
    print(error)
"""


def error_for(abi: int, size: int) -> str:
    program = PROGRAM.format(abi=abi, size=size)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize(("abi", "size"), [(0, 16), (2, 16), (1, 8)], ids=["older", "newer", "shorter table"])
def test_halves_of_different_builds_are_a_clear_import_error(abi: int, size: int) -> None:
    error = error_for(abi, size)
    assert error.startswith(
        f"spanwire._native has interface {abi} ({size} bytes) but spanwire._facade was built for 1 "
    )
    assert error.endswith("the two come from different builds; reinstall spanwire")


@pytest.mark.parametrize("size", [16, 24], ids=["same table", "longer table"])
def test_a_table_that_has_all_functions_is_accepted(size: int) -> None:
    assert error_for(1, size) == ""


def test_a_free_threaded_build_is_a_clear_import_error() -> None:
    # No such build is at hand everywhere; all that tells it from others is this flag.
    program = "import sys; sys.abiflags = 't'\ntry: import spanwire\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith(
        "spanwire does not support free-threaded builds of Python yet: use a build with the GIL"
    )
