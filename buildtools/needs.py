"""What a build needs, asked before anything is done: one sentence instead of a page of a compiler's or cargo's."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig

__all__ = ["NEWEST", "OLDEST", "require"]

OLDEST, NEWEST = (3, 10), (3, 14)
# Commands of setuptools that compile; the others (an sdist, metadata) need neither Rust nor C.
COMPILING = {"bdist_wheel", "build", "build_ext", "build_rust", "develop", "editable_wheel", "install"}


def require(arguments: list[str]) -> None:
    """End with a sentence, if these commands of setup.py can't succeed here: why, and what to do about it."""
    if "t" in getattr(sys, "abiflags", ""):
        raise SystemExit("spanwire does not support free-threaded builds of Python yet: use a build with the GIL")
    version = sys.version_info[:2]
    if version < OLDEST or (version > NEWEST and not os.environ.get("SPANWIRE_BUILD_ANY_PYTHON")):
        raise SystemExit(
            f"spanwire supports CPython {_dotted(OLDEST)} to {_dotted(NEWEST)}, and this is {_dotted(version)}: use one of those, or set "
            "SPANWIRE_BUILD_ANY_PYTHON=1 to try what nobody has tested (it reads the interpreter's own structures)"
        )
    if not COMPILING.intersection(arguments):
        return
    if shutil.which(os.environ.get("CARGO", "cargo")) is None:
        raise SystemExit(
            "building spanwire from source needs Rust, and there is no cargo on PATH: install stable Rust (rustup, or your system's "
            "packages rustc and cargo), or install a wheel"
        )
    if shutil.which(_compiler()) is None:
        raise SystemExit(
            f"building spanwire from source needs a C compiler, and there is no {_compiler()} on PATH: install one (Debian: gcc and "
            "python3-dev; Alpine: build-base; Fedora: gcc and python3-devel), set CC, or install a wheel"
        )


def _compiler() -> str:
    """The program that setuptools will call: CC, or what this Python was built with."""
    command = os.environ.get("CC") or str(sysconfig.get_config_var("CC") or "cc")
    return shlex.split(command)[0]


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
