"""Settings of the native part, and of its build."""

from spanwire._settings._setting import Setting, rows

__all__ = ["NATIVE"]

_native = rows("native", "spanwire._native")
_build = rows("build", "setup.py")

NATIVE: tuple[Setting, ...] = (
    _native(
        "",
        "SPANWIRE_CLOCK",
        "auto",
        "auto: the processor's counter between two looks at the system's clock; system: only that; read by TracerProvider",
    ),
    _native(
        "",
        "SPANWIRE_SIMD",
        "the widest there is",
        "scalar, sse4.2, avx2, avx512 or neon: instruction set of the kernels; read at import",
    ),
    _build("", "SPANWIRE_BUILD_FEATURES", "", "Cargo features that only tests use"),
    _build("", "SPANWIRE_BUILD_SYMBOLS", "", "anything: symbols are kept, for profilers"),
    _build("", "SPANWIRE_PGO", "", "generate or use: a profile-guided build; make wheel-pgo sets it"),
    _build("", "SPANWIRE_PGO_DATA", "", "where the counts of a profile-guided build lie"),
    _build("", "SPANWIRE_PGO_BY", "", "clang: the counts are clang's; make wheels sets it"),
    _build("", "SPANWIRE_PGO_RUNTIME", "", "what is linked in to write clang's counts; make wheels sets it"),
    _build("", "SPANWIRE_BUILD_ANY_PYTHON", "", "anything: a Python that is newer than those supported is tried too"),
)
