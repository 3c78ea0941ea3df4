"""``spanwire bench --json`` with and without a path, and commands whose options are their own."""

import pytest

from spanwire_bench._group import with_dash

FLAGS = {"--peers", "--list", "--quiet", "--no-color"}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", ""),
        ("--json", "--json -"),
        ("--json -", "--json -"),
        ("--json out.json", "--json out.json"),
        ("--json=out.json", "--json=out.json"),
        ("--json --peers", "--json - --peers"),
        ("--peers --json", "--peers --json -"),
        ("--scenario export --json", "--scenario export --json -"),
        ("--scenario=export --json --rounds 1", "--scenario=export --json - --rounds 1"),
        ("export --json", "export --json"),
        ("--peers export --json", "--peers export --json"),
        ("encode --json --rounds 1", "encode --json --rounds 1"),
    ],
)
def test_json_may_stand_alone_before_a_command_only(typed: str, read: str) -> None:
    assert with_dash(typed.split(), FLAGS) == read.split()
