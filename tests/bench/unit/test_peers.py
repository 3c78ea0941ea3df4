"""What of the peers is here, in which version, and what they can make."""

import sys
from pathlib import Path

import pytest

from spanwire_bench import _peers
from spanwire_bench.suite._sides import SIDES
from tests.conftest import ROOT


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which one program is built, while the command is typed elsewhere."""
    (tmp_path / "benches" / "peers").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(_peers, "_CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path / "elsewhere")
    folder = tmp_path / "build" / "peers" / "fastrace"
    folder.mkdir(parents=True)
    (folder / "run").touch()
    (folder / "version").write_text("1.2.3, rustc 1.95.0\n", encoding="utf-8")
    return folder


def test_every_peer_is_a_side() -> None:
    assert set(_peers.PEERS) < set(SIDES)
    assert set(_peers.PEERS).isdisjoint({"sdk", "exporter", "spanwire"})


def test_nothing_of_ours_is_ever_missing() -> None:
    assert _peers.missing(["sdk", "exporter", "spanwire"], "/no/such/python") == {}


@pytest.mark.usefixtures("built")
def test_a_program_that_is_not_built_is_missing(tmp_path: Path) -> None:
    place = tmp_path / "build/peers/opentelemetry-go/run"
    assert _peers.missing(["opentelemetry-go", "spanwire", "fastrace"], sys.executable) == {
        "opentelemetry-go": f"not built, {place} is missing: make bench-peers"
    }


def test_of_an_installed_package_the_folder_is_looked_at_that_the_command_is_typed_in(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_peers, "_CHECKOUT", tmp_path / "site-packages")
    assert not _peers.program("fastrace").exists()
    monkeypatch.chdir(tmp_path)
    assert _peers.program("fastrace").resolve() == built / "run"


@pytest.mark.usefixtures("built")
def test_the_version_of_a_program_is_what_its_build_wrote() -> None:
    assert _peers.versions(["sdk", "fastrace"], sys.executable) == {"fastrace": "1.2.3, rustc 1.95.0"}


def test_a_package_that_cannot_be_imported_is_missing(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    assert _peers.missing(["sdk", "ddtrace"], str(python)) == {
        "ddtrace": "make bench-peers, or pip install ddtrace==4.16.0 msgpack"
    }


def test_a_python_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho first >&2\necho last >&2\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(_peers.Unasked, match=r"python does not run: last$"):
        _peers.missing(["fastotel"], str(python))


def test_programs_make_no_recordings() -> None:
    assert [workload for workload in ("W5", "W10", "WR", "shop.json") if _peers.makes("fastrace", workload)] == [
        "W5",
        "W10",
    ]
    assert _peers.makes("ddtrace", "WR")


def test_who_does_something_else_has_a_note() -> None:
    noted = {side: _peers.note(side) for side in SIDES if _peers.note(side)}
    assert set(noted) == {"ddtrace", "fastrace", "opentelemetry-rust-builder"}
    assert all("attributes are text" in noted[side] and "batches of its own" in noted[side] for side in _peers.LOOSE)


def test_attributes_given_to_the_builder_are_a_side_of_the_same_program() -> None:
    assert _peers.program("opentelemetry-rust-builder") == _peers.program("opentelemetry-rust")
    assert _peers.told("opentelemetry-rust-builder", "W5") == "W5-builder"
    assert _peers.told("opentelemetry-rust", "W5") == "W5"


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("opentelemetry-rust/src/main.rs", "span.set_attribute(KeyValue::new("),
        ("fastrace/src/main.rs", "LocalSpan::add_property(|| ("),
        ("opentelemetry-go/main.go", "span.SetAttributes(attribute."),
        ("opentelemetry-java/src/main/java/spanwire/peer/Peer.java", "span.setAttribute("),
    ],
)
def test_every_peer_has_a_call_for_each_attribute_of_w5_and_w10(source: str, call: str) -> None:
    text = (ROOT / "benches" / "peers" / source).read_text(encoding="utf-8")
    assert text.count(call) == 5 + 10


def test_every_program_has_its_folder_with_a_readme_a_lock_and_a_build() -> None:
    locks = {
        "opentelemetry-rust": "Cargo.lock",
        "fastrace": "Cargo.lock",
        "opentelemetry-go": "go.sum",
        "opentelemetry-java": "pom.xml",  # every version in it is exact
    }
    assert set(locks) == set(map(_peers.folder, _peers.PROGRAMS))
    for side, lock in locks.items():
        folder = ROOT / "benches" / "peers" / side
        assert (folder / "build").stat().st_mode & 0o111, side
        assert {lock, "README.md"} <= {path.name for path in folder.iterdir()}, side
