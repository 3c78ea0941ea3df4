"""One Rust cdylib and every ``_facade/*.pyx``; the rest is in pyproject.toml."""

import glob
import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools_rust import Binding, RustExtension, Strip

if "t" in getattr(sys, "abiflags", ""):
    raise SystemExit("spanwire does not support free-threaded builds of Python yet: use a build with the GIL")

FACADE = "python/spanwire/_facade"
# Cargo features that only tests use (ci/asan); what is built with them keeps its symbols.
FEATURES = os.environ.get("SPANWIRE_BUILD_FEATURES", "").split()
# For profilers, which want names: the Rust half keeps its own with CARGO_PROFILE_RELEASE_STRIP=none.
SYMBOLS = bool(FEATURES or os.environ.get("SPANWIRE_BUILD_SYMBOLS"))

# Profile-guided builds (ci/pgo): `generate` has the program count what it runs, `use` compiles by those counts. They lie in
# SPANWIRE_PGO_DATA. The Rust half is told by RUSTFLAGS.
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
}[PGO_KIND]

facade = [
    Extension(
        f"spanwire._facade.{path.rsplit('/', 1)[1].removesuffix('.pyx')}",
        [path],
        depends=[*glob.glob(f"{FACADE}/*.h"), *glob.glob(f"{FACADE}/*.px[di]")],
        include_dirs=[FACADE],
        # Calls of the interpreter go through its table without a stub between: some thirty for every span.
        extra_compile_args=["-O3", "-g1" if SYMBOLS else "-g0", "-fvisibility=hidden", "-fno-plt", *PGO],
        extra_link_args=[*PGO, *(["-Wl,-s"] if sys.platform == "linux" and not SYMBOLS else [])],
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
    package_dir={"": "python"},
    packages=find_packages("python"),
    package_data={
        "spanwire": ["py.typed", "*.pyi"],
        "spanwire._facade": ["*.pyi"],
        "spanwire.cli": ["_data/*.json"],
        "spanwire.cli.bench.suite._html": ["*.css", "*.js"],
    },
    include_package_data=False,
    ext_modules=cythonize(facade, build_dir="build/cython"),
    rust_extensions=[native],
    zip_safe=False,
)
