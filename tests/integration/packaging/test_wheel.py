"""The wheel as a user gets it: in an empty environment, outside the checkout, with nothing but its own dependencies."""

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.full, pytest.mark.wheel, pytest.mark.timeout(600)]


def wheel() -> Path:
    found = sorted((ROOT / "dist").glob("spanwire-*.whl"))
    assert len(found) == 1, f"`make wheel` first: dist/ has {[path.name for path in found]}"
    return found[0]


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment and a folder that is no checkout."""

    root: Path
    elsewhere: Path

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        # Nothing of the surroundings but what finds the registries.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        clean["PATH"] = f"{self.root / 'bin'}{os.pathsep}{os.defpath}"
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.elsewhere, env=clean, timeout=300
        )
        assert not check or done.returncode == 0, (
            f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
        return done

    @property
    def python(self) -> str:
        return str(self.root / "bin" / "python")


def environment(tmp_path_factory: pytest.TempPathFactory, requirement: str) -> Environment:
    root, elsewhere = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", str(root)], check=True)
    made = Environment(root, elsewhere)
    made.run(made.python, "-m", "pip", "install", "-q", requirement)
    return made


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(tmp_path_factory, str(wheel()))


@pytest.fixture(scope="module")
def with_cli(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(tmp_path_factory, f"{wheel()}[cli]")


def test_demo_without_the_cli_extra_says_in_one_line_what_to_install(plain: Environment) -> None:
    done = plain.run("spanwire", "demo", check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "spanwire[cli]" in done.stderr


def test_wheel_pulls_in_no_protobuf_grpc_or_requests(plain: Environment) -> None:
    listed = plain.run(plain.python, "-m", "pip", "list", "--format=freeze").stdout.lower()

    assert "opentelemetry-sdk==" in listed
    for heavy in ("protobuf", "grpcio", "requests", "numpy", "rich", "typer"):
        assert f"\n{heavy}==" not in f"\n{listed}"


def test_wheel_encodes_without_its_extras(plain: Environment) -> None:
    program = (
        "from opentelemetry.sdk.trace import TracerProvider; import spanwire;"
        "s = TracerProvider(shutdown_on_exit=False).get_tracer('t').start_span('hello'); s.end();"
        "b = spanwire.encode_spans([s]); assert b'hello' in b; print(spanwire.__file__)"
    )

    where = plain.run(plain.python, "-W", "error", "-c", program).stdout

    assert where.startswith(str(plain.root))


def test_demo_runs_from_the_wheel_and_receives_what_it_sent(with_cli: Environment) -> None:
    done = with_cli.run("spanwire", "demo")  # its status says whether received = sent

    assert "received" in done.stdout


def test_a_report_is_written_from_the_wheel(with_cli: Environment) -> None:
    program = (
        "from spanwire.cli.bench.suite._html import render; from spanwire.cli.bench.suite._model import Document;"
        "print(render(Document('', '', 0.0, True, {}, {}, {}, ())))"
    )
    page = with_cli.run(with_cli.python, "-W", "error", "-c", program).stdout
    assert "<style>" in page and "<script>" in page


def test_compiled_halves_are_stripped_and_export_their_init_functions_only() -> None:
    with zipfile.ZipFile(wheel()) as archive:
        compiled = {name: archive.getinfo(name).file_size for name in archive.namelist() if name.endswith(".so")}
        names = set(archive.namelist())
    assert {name.split(".")[0] for name in compiled} == {
        "spanwire/_native",
        "spanwire/_facade/core",
        "spanwire/_facade/tracing",
    }
    # Unstripped they are several times this.
    assert all(size < 8 << 20 for size in compiled.values()), compiled
    assert {"spanwire/py.typed", "spanwire/_native.pyi", "spanwire/_facade/core.pyi"} <= names
    assert "spanwire/cli/_data/wr.json" in names
    assert not [name for name in names if name.startswith(("tests/", "benches/", "native/"))]


def test_sdist_has_all_that_the_build_needs() -> None:
    (sdist,) = (ROOT / "dist").glob("spanwire-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"native/Cargo.toml", "native/Cargo.lock", "native/wire/src/lib.rs", "setup.py", "LICENSE"}
    needed |= {f"python/spanwire/cli/bench/suite/_html/report.{kind}" for kind in ("css", "js")}
    needed |= {f"python/spanwire/_facade/{name}" for name in ("core.pyx", "capi.pxd", "spanwire_api.h")}
    assert needed <= names
    assert not [name for name in names if "/target/" in name or name.endswith(".so")]
