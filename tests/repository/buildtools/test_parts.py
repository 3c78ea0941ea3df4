"""What a wheel says of the crates that are in it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from buildtools import licences
from buildtools.crates import Crate, linked
from buildtools.sbom import sbom
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def crates() -> list[Crate]:
    return linked(ROOT)


def test_all_that_is_linked_is_there_and_nothing_that_only_runs_in_the_compiler(crates: list[Crate]) -> None:
    names = {crate.name for crate in crates}
    assert {"pyo3", "ring", "hyper", "tokio", "rustls", "zstd-sys", "zlib-rs"} <= names
    assert not {"syn", "pyo3-macros", "criterion", "loom", "cc"} & names
    assert not [name for name in names if name.startswith("spanwire")]


def test_each_crate_has_its_licence_its_source_and_its_hash(crates: list[Crate]) -> None:
    assert len(crates) > 40
    for crate in crates:
        assert crate.licence and crate.folder is not None and re.fullmatch("[0-9a-f]{64}", crate.checksum), crate.name


def test_the_text_has_every_crate_and_each_licence_once(crates: list[Crate]) -> None:
    text = licences.licences(crates)
    for crate in crates:
        assert f"  {crate.name} {crate.version}: {crate.licence}\n" in text
    assert "BoringSSL" in text and "Permission is hereby granted" in text
    assert "GNU GENERAL PUBLIC LICENSE" not in text  # zstd is taken under its other one
    # Apache's is in dozens of crates, a little different in some.
    assert text.count("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION") < 14


def test_a_crate_without_a_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "license.rs").write_text("// code", encoding="utf-8")
    bare = Crate("bare", "1.0", "MIT", "", "0" * 64, tmp_path)
    assert licences.without_text([bare]) == ["bare 1.0"]
    (tmp_path / "LICENSE-MIT").write_text("a text", encoding="utf-8")
    assert licences.without_text([bare]) == []


def test_the_list_of_parts_is_the_same_each_time_and_says_where_it_is_from(crates: list[Crate]) -> None:
    tools = {"rustc": "1.95.0 (abc 2026-01-01)", "cc": "clang 22"}
    text = sbom("1.2.3", crates, tools, "c0ffee", 86400)
    assert text == sbom("1.2.3", crates, tools, "c0ffee", 86400)
    assert str(Path.home()) not in text

    document = json.loads(text)
    assert document["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/spanwire@1.2.3"
    names = [part["name"] for part in document["components"]]
    assert names == [*(crate.name for crate in crates), "rust-std"]
    assert document["serialNumber"] != json.loads(sbom("1.2.4", crates, tools, "c0ffee", 86400))["serialNumber"]


def test_no_network_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def note(command: list[str], **keywords: object) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", note)
    assert linked(ROOT, "aarch64-unknown-linux-gnu") == []
    assert "--offline" in commands[0] and commands[0][-2:] == ["--target", "aarch64-unknown-linux-gnu"]
    assert commands[0][0] == os.environ.get("CARGO", "cargo")
