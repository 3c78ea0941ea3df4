"""docs/configuration.md has every setting that there is, as spanwire._settings knows it."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from spanwire._settings import SETTINGS, Setting
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "configuration.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settings_table", ROOT / "ci" / "site" / "settings_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_settings(script: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert script.written(page) == page, "make config-table"


def test_every_variable_and_keyword_is_told() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = {name for one in SETTINGS for name in (*one.variables, one.keyword) if name}
    assert len(names) > 150
    assert not [name for name in names if f"`{name}`" not in page]


@pytest.mark.parametrize(
    "change",
    [{"keyword": "other"}, {"default": "7"}, {"meaning": "another"}, {"variables": ("OTEL_OTHER",)}],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_that_has_changed_makes_another_page(
    change: dict[str, str], script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    other: list[Setting] = [replace(SETTINGS[-1], **change), *SETTINGS[:-1]]  # type: ignore[arg-type]
    monkeypatch.setattr(script, "SETTINGS", other)
    assert script.written(page) != page


def test_a_topic_without_a_place_is_an_error(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "SETTINGS", [*SETTINGS, replace(SETTINGS[0], topic="new")])
    with pytest.raises(SystemExit, match="new"):
        script.written(PAGE.read_text(encoding="utf-8"))


def test_a_default_has_its_unit_if_it_is_a_number_and_bars_do_not_end_a_cell(script: ModuleType) -> None:
    one = Setting("limits", ("OTEL_X",), "x", "owner", "5", "seconds", True, "a|b of OTEL_Y")
    assert script.table([one]).splitlines()[2] == "| `x` | `OTEL_X` | `5` seconds | a\\|b of `OTEL_Y` (a secret) |"
    without = replace(one, default="", is_secret=False, variables=())
    assert script.table([without]).splitlines()[2] == "| `x` | none | a\\|b of `OTEL_Y`; in seconds |"


def test_the_page_lies_where_the_script_looks(script: ModuleType) -> None:
    assert Path(script.PAGE) == PAGE
