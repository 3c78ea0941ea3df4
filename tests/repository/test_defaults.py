"""Defaults and variables stand in ``spanwire._settings``: no module constant named DEFAULT has a literal value."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from spanwire._settings import SETTINGS, _defaults
from tests.conftest import ROOT

PACKAGE = ROOT / "python" / "spanwire"

# Constants that are named as defaults and are no defaults of settings.
OTHERS = {
    # Public names of the official exporter with its values.
    "exporter/http/trace_exporter/__init__.py": {
        "DEFAULT_ENDPOINT",
        "DEFAULT_TIMEOUT",
        "DEFAULT_TRACES_EXPORT_PATH",
    },
    "trace/export/_delivery.py": {"DEFAULT_TIMEOUT_MILLIS"},  # force_flush's, in the SDK's signature
    "trace/export/_policy.py": {"DEFAULT_BLOCK_SECONDS"},  # of block without seconds
    "_files/span_file.py": {"DEFAULT_LIMIT"},  # an argument of commands
}
# Variables of programs at large, which are no settings of telemetry.
NO_SETTINGS = {"NO_COLOR"}


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_settings" not in path.relative_to(PACKAGE).parts)


def is_plain(node: ast.expr | None) -> bool:
    """Whether an expression has no name in it: a literal, or numbers combined."""
    return node is not None and not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node))


def own_defaults(tree: ast.Module) -> Iterator[str]:
    """Names of module constants that say default and have a literal."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        yield from (name for name in names if "DEFAULT" in name and is_plain(value))


def variables_read(tree: ast.Module) -> Iterator[str]:
    """Literal names that are looked up in os.environ, directly or by a constant of the module."""
    constants = {
        target.id: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            name = node.slice
        elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith(("environ.get", "getenv")):
            name = node.args[0]
        else:
            continue
        value = name.value if isinstance(name, ast.Constant) else None
        if isinstance(name, ast.Name):
            value = constants.get(name.id)
        if isinstance(value, str):
            yield value


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_has_no_default_and_no_variable_of_its_own(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = {name for setting in SETTINGS for name in setting.variables} | NO_SETTINGS
    assert set(own_defaults(tree)) == OTHERS.get(path.relative_to(PACKAGE).as_posix(), set())
    assert not set(variables_read(tree)) - known


def test_what_this_finds() -> None:
    tree = ast.parse(
        'DEFAULT_A = 64 << 20\nDEFAULT_B = number("x", "y")\nN = "SPANWIRE_NEW"\nos.environ.get(N)\nenviron["O"]'
    )
    assert list(own_defaults(tree)) == ["DEFAULT_A"]
    assert set(variables_read(tree)) == {"SPANWIRE_NEW", "O"}


def test_a_default_is_read_in_its_unit() -> None:
    assert _defaults.seconds("exporter", "timeout") == 10.0
    assert _defaults.number("exporter", "max_request_size") == 64 << 20
    with pytest.raises(ValueError, match="bytes, not in seconds"):
        _defaults.seconds("exporter", "max_request_size")
    with pytest.raises(KeyError, match="no setting 'other'"):
        _defaults.find("exporter", "other")
