"""The self-test's faults; each is run by pytest, as the suite is, and must be found."""

import ctypes
import os
import subprocess
import sys

FOLDER = os.environ["SPANWIRE_ASAN"]


def overrun(half: str) -> None:
    ctypes.CDLL(f"{FOLDER}/overrun_{half}.so").overrun(ctypes.c_size_t(13))


def in_bounds() -> None:
    from spanwire import _native  # noqa: F401
    from spanwire._facade.core import encode_spans

    assert encode_spans([]) == b""


def c() -> None:
    overrun("c")


def rust() -> None:
    overrun("rust")


def unwatched_child() -> None:
    subprocess.run([sys.executable, __file__, "c"], check=False, capture_output=True)


def stale_object() -> None:
    address = id(object())
    ctypes.string_at(address, 8)


def leak_c() -> None:
    ctypes.CDLL(f"{FOLDER}/leak_c.so").leak(ctypes.c_size_t(1300))


def leak_rust() -> None:
    ctypes.CDLL(f"{FOLDER}/leak_rust.so").leak(ctypes.c_size_t(1300))


def leak_object() -> None:
    ctypes.PyDLL(f"{FOLDER}/leak_c.so").leak_object()


def leak_in_a_child() -> None:
    subprocess.run([sys.executable, __file__, "leak"], check=False, capture_output=True)


def leak_of_others() -> None:
    allocate = ctypes.CDLL(None).malloc
    for _ in range(100):
        allocate(ctypes.c_size_t(1700))


if __name__ == "__main__":
    if sys.argv[1] == "leak":
        leak_c()
    else:
        overrun(sys.argv[1])
