"""The two native halves check each other before they call each other: halves of different builds are a clear ImportError."""

import ctypes
import re
import subprocess
import sys

import pytest

from spanwire import _native
from tests.conftest import ROOT

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
    import {module}
except ImportError as error:
    print(error)
"""


def error_for(abi: int, size: int, module: str = "spanwire._facade.core") -> str:
    program = PROGRAM.format(abi=abi, size=size, module=module)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def built() -> tuple[int, int]:
    """Version and size of the table that this build has."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    abi, size = (ctypes.c_uint32 * 2).from_address(pointer(_native._C_API, b"spanwire._native._C_API"))
    return abi, size


ABI, SIZE = built()


def test_the_header_and_the_rust_half_have_the_same_version_and_functions() -> None:
    header = (ROOT / "python" / "spanwire" / "_facade" / "spanwire_api.h").read_text(encoding="utf-8")
    assert int(re.findall(r"^#define SPANWIRE_ABI (\d+)$", header, re.MULTILINE)[0]) == ABI == 3
    table = header[header.index("uint32_t abi;") :]
    functions = len(re.findall(r"\(\*\w+\)\(", table))
    assert ctypes.sizeof(ctypes.c_uint32) * 2 + functions * ctypes.sizeof(ctypes.c_void_p) == SIZE


@pytest.mark.parametrize(
    ("abi", "size"), [(1, SIZE), (ABI + 1, SIZE), (ABI, SIZE - 8)], ids=["older", "newer", "shorter table"]
)
@pytest.mark.parametrize("module", ["spanwire._facade.core", "spanwire._facade.tracing", "spanwire.trace"])
def test_halves_of_different_builds_are_a_clear_import_error(module: str, abi: int, size: int) -> None:
    error = error_for(abi, size, module)
    assert error == (
        f"spanwire._native has interface {abi} ({size} bytes) but spanwire._facade was built for {ABI} ({SIZE} bytes): "
        "the two come from different builds; reinstall spanwire"
    )


@pytest.mark.parametrize("size", [SIZE, SIZE + 8], ids=["same table", "longer table"])
def test_a_table_that_has_all_functions_is_accepted(size: int) -> None:
    assert error_for(ABI, size) == ""


@pytest.mark.parametrize("module", ["spanwire", "spanwire.trace", "spanwire.trace.export"])
def test_a_free_threaded_build_is_a_clear_import_error(module: str) -> None:
    # No such build is at hand everywhere; all that tells it from others is this flag.
    program = f"import sys; sys.abiflags = 't'\ntry: import {module}\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith(
        "spanwire does not support free-threaded builds of Python yet: use a build with the GIL"
    )
