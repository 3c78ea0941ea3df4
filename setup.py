"""One Rust cdylib and every ``_facade/*.pyx``; the rest is in pyproject.toml."""

import glob
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # a build in isolation has not got it

from buildtools.needs import require  # noqa: E402 - the path is set above

require(sys.argv[1:])

from Cython.Build import cythonize  # noqa: E402 - after the question above, which costs nothing
from setuptools import Extension, find_packages, setup  # noqa: E402
from setuptools_rust import Binding, RustExtension, Strip  # noqa: E402

from buildtools.commands import COMMANDS  # noqa: E402
from buildtools.origin import origin  # noqa: E402

# Times in archives are the commit's: the same sources give the same wheel.
os.environ.setdefault("SOURCE_DATE_EPOCH", str(origin(ROOT).seconds or 315532800))

FACADE = "python/spanwire/_facade"
# Cargo features that only tests use (ci/asan); what is built with them keeps its symbols.
FEATURES = os.environ.get("SPANWIRE_BUILD_FEATURES", "").split()
# For profilers, which want names: the Rust half keeps its own with CARGO_PROFILE_RELEASE_STRIP=none.
SYMBOLS = bool(FEATURES or os.environ.get("SPANWIRE_BUILD_SYMBOLS"))

# Profile-guided builds (ci/pgo, and by clang ci/wheels): `generate` has the program count what it runs, `use` compiles by those
# counts. They lie in SPANWIRE_PGO_DATA: gcc's in that folder, clang's in that file. The Rust half is told by RUSTFLAGS.
PGO_KIND = os.environ.get("SPANWIRE_PGO", "")
PGO_DATA = os.environ.get("SPANWIRE_PGO_DATA", "")
if PGO_KIND not in ("", "generate", "use"):
    raise SystemExit(f"SPANWIRE_PGO is {PGO_KIND!r}: say generate or use, or leave it out")
if PGO_KIND and not PGO_DATA:
    raise SystemExit("SPANWIRE_PGO needs SPANWIRE_PGO_DATA, the folder of the counts: make wheel-pgo sets both")
PGO = {
    "": [],
    "generate": ["-fprofile-generate", "-fprofile-update=prefer-atomic", f"-fprofile-dir={PGO_DATA}"],
    # What the training never ran is compiled as without counts, not for size.
    "use": [
        f"-fprofile-use={PGO_DATA}",
        f"-fprofile-dir={PGO_DATA}",
        "-fprofile-partial-training",
        "-Wno-missing-profile",
    ],
    "generate by clang": [f"-fprofile-instr-generate={PGO_DATA}", "-fprofile-update=atomic"],
    # Counts are of one Python; the code that Cython makes for another differs here and there, and does without.
    "use by clang": [
        f"-fprofile-instr-use={PGO_DATA}",
        "-Wno-profile-instr-unprofiled",
        "-Wno-profile-instr-out-of-date",
    ],
}[PGO_KIND + (" by clang" if os.environ.get("SPANWIRE_PGO_BY") == "clang" else "")]
# clang's counters need its run-time library, which zig has not got and Rust has.
PGO_RUNTIME = os.environ.get("SPANWIRE_PGO_RUNTIME", "")
PGO_LINK = ["-Wl,-u,__llvm_profile_runtime", PGO_RUNTIME] if PGO_RUNTIME else PGO

facade = [
    Extension(
        f"spanwire._facade.{path.rsplit('/', 1)[1].removesuffix('.pyx')}",
        [path],
        depends=[*glob.glob(f"{FACADE}/*.h"), *glob.glob(f"{FACADE}/*.px[di]")],
        include_dirs=[FACADE],
        define_macros=[("SPANWIRE_ANY_PYTHON", "1")] if os.environ.get("SPANWIRE_BUILD_ANY_PYTHON") else [],
        # Calls of the interpreter go through its table without a stub between: some thirty for every span.
        extra_compile_args=["-O3", "-g1" if SYMBOLS else "-g0", "-fvisibility=hidden", "-fno-plt", *PGO],
        extra_link_args=[*PGO_LINK, *(["-Wl,-s"] if sys.platform == "linux" and not SYMBOLS else [])],
    )
    for path in sorted(glob.glob(f"{FACADE}/*.pyx"))
]
native = RustExtension(
    "spanwire._native",
    path="native/bindings/Cargo.toml",
    features=FEATURES,
    binding=Binding.PyO3,
    debug=False,  # else an editable install is a debug build
    strip=Strip.No,  # the cargo profile strips; the host's strip may not know the target
    cargo_manifest_args=["--locked"],
)
setup(
    cmdclass=COMMANDS,
    package_dir={"": "python"},
    packages=find_packages("python"),
    package_data={
        "spanwire": ["py.typed", "*.pyi"],
        "spanwire._facade": ["*.pyi"],
    },
    include_package_data=False,
    ext_modules=cythonize(facade, build_dir="build/cython"),
    rust_extensions=[native],
    zip_safe=False,
)
