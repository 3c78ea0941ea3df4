"""Scenarios and sides by the names that somebody typed."""

import sys
from pathlib import Path

import pytest

from spanwire_bench.suite import _catalogue, _choice
from spanwire_bench.suite._choice import BadName
from spanwire_bench.suite._sides import PEERS, SIDES

ALL = [one.name for one in _catalogue.SCENARIOS]


def names(*asked: str, peers: bool = False) -> list[str]:
    return [one.name for one in _choice.scenarios(asked, peers=peers)]


def test_without_a_name_all_scenarios_are_run() -> None:
    assert names() == ALL == names("all") == names("ALL", peers=True)


def test_peers_alone_mean_what_peers_can_do() -> None:
    assert names(peers=True) == ["export/W5", "export/W10"]
    assert names("create/W5", peers=True) == ["create/W5"]


def test_a_name_is_exact_before_it_is_what_others_begin_with() -> None:
    assert names("export/w1") == ["export/W10"]
    assert names("import/exporter", "encode/WR") == ["encode/WR", "import/exporter"]
    assert "export-gzip/W5" not in names("export")
    assert names("export-") == ["export-gzip/W5", "export-gzip/W10"]


@pytest.mark.parametrize("name", ["exports", "w5", "", "export/W5 "])
def test_a_name_that_nothing_has_is_told_with_those_that_there_are(name: str) -> None:
    if name.strip() in ALL:
        assert names(name) == [name.strip()]
        return
    with pytest.raises(BadName) as caught:
        names("export", name)
    assert str(caught.value) == f"no scenario {name or repr(name)}; there are {', '.join(ALL)}"


def test_sides_may_be_one_text_or_several_and_are_in_the_order_of_tables() -> None:
    assert _choice.sides(["spanwire, SDK", "fastotel"]) == ["sdk", "spanwire", "fastotel"]
    assert _choice.sides([]) == list(_choice.DEFAULT_SIDES)


def test_peers_join_the_sides() -> None:
    assert _choice.sides([], peers=True) == list(SIDES)
    assert _choice.sides(["spanwire"], peers=True) == ["spanwire", "fastotel", "ddtrace", *PEERS]


def test_an_unknown_side_is_told_with_those_that_there_are() -> None:
    with pytest.raises(BadName, match=r"^no side otel, x; there are sdk, exporter, spanwire, "):
        _choice.sides(["sdk,otel", "x"])


def test_what_is_not_installed_is_left_out_with_what_to_do(tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    there = _choice.available(["sdk", "fastotel"], str(script))
    assert there.names == ("sdk",)
    assert there.left_out == {"fastotel": "make bench-peers, or pip install fastotel==0.9.1"}


def test_an_interpreter_that_does_not_run_is_named() -> None:
    with pytest.raises(BadName, match=r"^/no/such/python does not run: "):
        _choice.available(["ddtrace"], "/no/such/python")
