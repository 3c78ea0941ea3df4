"""One wheel: from an unpacked sdist, by zig, retagged by auditwheel. The same sources give the same bytes in any folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from buildtools.origin import origin
from ci.wheelhouse.pythons import Python

__all__ = [
    "OUT",
    "ROOT",
    "TARGETS",
    "WORK",
    "Target",
    "build",
    "builder",
    "copy_checkout",
    "environment",
    "forget",
    "make_sdist",
    "run",
    "surroundings",
    "unpack",
]

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "wheelhouse"
WORK = ROOT / "build" / "wheels"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a wheel is to run: zig's name and rustc's, Python's platform, and the tag that auditwheel must agree to."""

    zig: str
    rust: str
    machine: str
    plat: str

    @property
    def is_native(self) -> bool:
        """Whether it runs here."""
        return self.machine == os.uname().machine and "musl" not in self.zig


# glibc 2.17 is the oldest that Rust's standard library supports: RHEL 7 and everything since.
TARGETS = {
    "x86_64": Target("x86_64-linux-gnu.2.17", "x86_64-unknown-linux-gnu", "x86_64", "manylinux_2_17_x86_64"),
    "aarch64": Target("aarch64-linux-gnu.2.17", "aarch64-unknown-linux-gnu", "aarch64", "manylinux_2_17_aarch64"),
    "musl": Target("x86_64-linux-musl", "x86_64-unknown-linux-musl", "x86_64", "musllinux_1_2_x86_64"),
}


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Its output; all of it is shown if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\nci/wheels: this ended with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def make_sdist(folder: Path) -> Path:
    """The archive, made as the backend makes it, from a copy: in the checkout others read the metadata meanwhile, which it writes anew."""
    python = builder(Python((sys.version_info[0], sys.version_info[1]), "", Path(sys.executable).resolve()))
    shutil.rmtree(folder, ignore_errors=True)
    source = copy_checkout(folder.with_name(f"{folder.name}-from"))
    run(
        *(python, "-m", "build", "-q", "--sdist", "--no-isolation", "--outdir", folder),
        cwd=source,
        env=surroundings(source),
    )
    (archive,) = folder.glob("*.tar.gz")
    return archive


def unpack(sdist: Path, folder: Path) -> Path:
    """What is in it, in a fresh folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def copy_checkout(folder: Path) -> Path:
    """The files of the checkout that are under version control or could be, in a fresh folder."""
    shutil.rmtree(folder, ignore_errors=True)
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in names:
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    origin(ROOT).write(folder)
    return folder


def build(
    source: Path, python: Python, target: Target, out: Path, profile: Path | None = None, apart: Path | None = None
) -> Path:
    """The wheel of these sources for that Python and target, in ``out``. ``apart``: where cargo compiles all anew."""
    forget(source)
    raw = source / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    settings = environment(source, python, target, apart) | _guided(profile)
    settings["RUSTFLAGS"] = " ".join(filter(None, [_remapped(settings), _flags_of(target, profile)]))
    run(builder(python), "-m", "build", "--wheel", "--no-isolation", "--outdir", raw, cwd=source, env=settings)
    (made,) = raw.glob("*.whl")
    out.mkdir(parents=True, exist_ok=True)
    tools = Path(sys.executable).parent
    with_patchelf = {**settings, "PATH": f"{tools}{os.pathsep}{settings['PATH']}"}
    repaired = source / "repaired"
    shutil.rmtree(repaired, ignore_errors=True)
    # auditwheel takes no name of another machine or libc; what it finds itself for one must be target.plat (check.problems).
    plat = target.plat if target.is_native else "auto"
    # musl's loader is its libc.so, by that name too; auditwheel would look for the file on this machine.
    system = ["--exclude", "libc.so"] if "musl" in target.zig else []
    run(tools / "auditwheel", "repair", "--plat", plat, *system, "-w", repaired, made, env=with_patchelf)
    (wheel,) = repaired.glob("*.whl")
    return Path(shutil.move(wheel, out / wheel.name))


def forget(source: Path) -> None:
    """Objects of another Python or compiler would be taken as they are."""
    for stale in [*source.glob("build/lib.*"), *source.glob("build/temp.*"), *source.glob("build/bdist.*")]:
        shutil.rmtree(stale)


def environment(source: Path, python: Python, target: Target, apart: Path | None = None) -> dict[str, str]:
    """For a build of these sources, RUSTFLAGS apart."""
    return surroundings(source) | _cross(python, target, apart)


def builder(python: Python) -> Path:
    """The Python of an environment that has the build's requirements; made once for each version."""
    venv = WORK / "venvs" / f"{python.version[0]}.{python.version[1]}"
    found = re.search(r"^requires = (\[.*\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    needs = json.loads(found[1] if found else "[]")  # no tomllib in Python 3.10
    stamp = venv / ".made-from"
    wanted = "\n".join([str(python.path), *needs])
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(venv, ignore_errors=True)
        run(python.path, "-m", "venv", "--without-pip", venv)
        run(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "-q", "build", *needs)
        stamp.write_text(wanted, encoding="utf-8")
    return venv / "bin" / "python"


def surroundings(source: Path) -> dict[str, str]:
    """The surroundings' without what would change the build."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR"}
    }
    kept |= {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy") or name.startswith(("PIP_", "SSL_"))
    }
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(origin(source).seconds or 315532800)}


def _cross(python: Python, target: Target, apart: Path | None) -> dict[str, str]:
    zigcc, upper = str(ROOT / "ci" / "zigcc"), target.rust.upper().replace("-", "_")
    lower = target.rust.replace("-", "_")
    zig = {
        "SPANWIRE_ZIG_TARGET": target.zig,
        "SPANWIRE_ZIG": run(sys.executable, "-c", "import ziglang; print(ziglang.__path__[0])").strip() + "/zig",
        "SPANWIRE_ZIG_VERSION": run(sys.executable, "-m", "ziglang", "version").strip(),
        "CC": zigcc,
        "AR": str(ROOT / "ci" / "zigar"),
        f"CARGO_TARGET_{upper}_LINKER": zigcc,
        "CARGO_BUILD_TARGET": target.rust,  # named even if it is this machine's: flags are for the wheel, not for build scripts
        "CARGO_TARGET_DIR": str(_cargo_target(target, apart)),
        "PYO3_PYTHON": str(builder(python)),
        # What asserts print names no folder of this machine's.
        "CFLAGS": f"-ffile-prefix-map={_cargo_target(target, apart)}=/target -ffile-prefix-map={_cargo_home()}=/cargo",
    }
    if not target.is_native:
        suffix = f".cpython-{python.tag[2:]}-{target.machine}-linux-{'musl' if 'musl' in target.zig else 'gnu'}.so"
        zig |= {
            "HOST_CC": "cc",
            f"CC_{lower}": zigcc,
            f"AR_{lower}": zig["AR"],
            "PYO3_CROSS_PYTHON_VERSION": f"{python.version[0]}.{python.version[1]}",
            "_PYTHON_HOST_PLATFORM": f"linux-{target.machine}",
            "SETUPTOOLS_EXT_SUFFIX": suffix,
        }
    return zig


def _cargo_target(target: Target, apart: Path | None) -> Path:
    """Cargo does not see which glibc is linked: a folder for each; and another one for a build that is to share nothing."""
    return (apart or WORK) / f"cargo-{target.zig}"


def _cargo_home() -> str:
    return os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")


def _remapped(settings: dict[str, str]) -> str:
    """Panics name files, under names that no machine has. Those of our sources are relative already, so that a build in another folder
    need not compile the crates of others again."""
    places = [(settings["CARGO_TARGET_DIR"], "/target"), (_cargo_home(), "/cargo")]
    return " ".join(f"--remap-path-prefix={place}={name}" for place, name in places)


def _flags_of(target: Target, profile: Path | None) -> str:
    flags = [f"-Cprofile-use={profile / 'rust.profdata'}"] if profile else []
    # A Python extension is a shared library, also where Rust's default is a static program.
    flags += ["-Ctarget-feature=-crt-static"] if "musl" in target.zig else []
    return " ".join(flags)


def _guided(profile: Path | None) -> dict[str, str]:
    """Both halves by the counts of a training (ci/pgo), if there is one."""
    if profile is None:
        return {}
    return {"SPANWIRE_PGO": "use", "SPANWIRE_PGO_BY": "clang", "SPANWIRE_PGO_DATA": str(profile / "facade.profdata")}
