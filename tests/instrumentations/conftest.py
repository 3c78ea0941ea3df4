"""The table at the end of a run."""

import pytest

from tests.instrumentations import table

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
