"""The table at the end of a run, and the servers that programs need, each for the whole run."""

from collections.abc import Iterator

import pytest

from tests.conftest import program
from tests.instrumentations import servers, table
from tests.instrumentations.running import Variables

_rows = pytest.StashKey[list[table.Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_rows] = []


@pytest.fixture
def rows(pytestconfig: pytest.Config) -> list[table.Row]:
    """Where tests put what the table shows."""
    return pytestconfig.stash[_rows]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rows := config.stash[_rows]:
        table.keep(rows)
        terminalreporter.section("instrumentations: the SDK beside spanwire")
        for line in table.lines(rows):
            terminalreporter.write_line(line)


def _server(name: str) -> Iterator[Variables]:
    for needed in servers.PROGRAMS[name]:
        if program(needed) is None:
            pytest.skip(f"program missing: {needed} (`make setup` finds or installs it)")
    with servers.for_sides(name, ("sdk", "spanwire")) as variables:
        yield variables


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Variables]:
    """A PostgreSQL for each side."""
    yield from _server("postgresql")


@pytest.fixture(scope="session")
def redis() -> Iterator[Variables]:
    """Likewise."""
    yield from _server("redis")


@pytest.fixture(scope="session")
def memcached() -> Iterator[Variables]:
    """Likewise."""
    yield from _server("memcached")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Variables]:
    """Likewise."""
    yield from _server("mariadb")
