"""docs/migration.md: every name in its tables is there to be imported, on both sides."""

import importlib
import json
import re
import subprocess

import pytest

from spanwire._settings import SETTINGS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
FROM_SDK, FROM_DDTRACE = PAGE.split("\n## From ddtrace\n")
ROW = re.compile(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", re.MULTILINE)
PAIRS = ROW.findall(FROM_SDK)
MODULES = [pair for pair in PAIRS if pair[0].rpartition(".")[2].islower()]
NAMES = [pair for pair in PAIRS if pair not in MODULES and ".grpc." not in pair[0]]
DDTRACE = [pair for pair in ROW.findall(FROM_DDTRACE) if pair[0].startswith("ddtrace.")]

# What a process of the peers' environment does with names: says which cannot be imported.
RESOLVE = """
import importlib, json, sys

def resolve(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)

wrong = []
for name in sys.argv[1:]:
    try:
        resolve(name)
    except (ImportError, AttributeError) as error:
        wrong.append(f"{name}: {error}")
print(json.dumps(wrong))
"""


def resolve(name: str) -> object:
    module, _, last = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        owner = importlib.import_module(module) if module.islower() else resolve(module)
        return getattr(owner, last)


@pytest.mark.parametrize(("before", "after"), MODULES)
def test_a_module_has_the_public_names_of_the_one_that_it_replaces(before: str, after: str) -> None:
    theirs, ours = importlib.import_module(before), importlib.import_module(after)
    public = getattr(theirs, "__all__", None) or [
        name
        for name, value in vars(theirs).items()
        if not name.startswith("_")
        and ((isinstance(value, type) and value.__module__ == before) or before.endswith(".environment_variables"))
    ]
    assert public
    assert not [name for name in public if not hasattr(ours, name)]


@pytest.mark.parametrize(("before", "after"), NAMES)
def test_a_name_is_what_the_sdks_is_or_stands_in_for_it(before: str, after: str) -> None:
    theirs, ours = resolve(before), resolve(after)
    assert isinstance(theirs, type) and isinstance(ours, type)
    assert theirs is ours or theirs.__name__ == ours.__name__


def test_there_are_tables() -> None:
    assert (len(MODULES), len(NAMES)) >= (9, 12) and len(DDTRACE) >= 20


@pytest.mark.parametrize("after", sorted({after for _, after in DDTRACE}))
def test_what_stands_for_ddtraces_is_there(after: str) -> None:
    assert resolve(after) is not None


def test_variables_that_stand_for_datadogs_are_read() -> None:
    known = {variable for one in SETTINGS for variable in one.variables}
    told = set(re.findall(r"\bOTEL_[A-Z_]+[A-Z]\b", FROM_DDTRACE))
    assert len(told) >= 7 and told <= known


@pytest.mark.full
def test_ddtraces_names_are_there() -> None:
    python = ROOT / "build" / "peers-venv" / "bin" / "python"
    assert python.exists(), "`make peers` makes the environment"
    names = sorted({before for before, _ in DDTRACE})
    done = subprocess.run(
        [python, "-c", RESOLVE, *names], capture_output=True, text=True, timeout=100, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
