"""The catalogue is in order: names, sides, estimates. Nothing is measured."""

import re
from dataclasses import replace

import pytest

from spanwire_bench.suite._catalogue import SCENARIOS
from spanwire_bench.suite._scenario import Scenario, Settings
from spanwire_bench.suite._sides import OURS, SIDES

DEFAULT = Settings(("sdk", "exporter", "spanwire"), sender_core=1, receiver_core=0)
SECONDS = 320  # for everything: what people wait for


def test_names_are_a_group_and_a_case_and_differ() -> None:
    names = [one.name for one in SCENARIOS]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"[a-z-]+/[A-Za-z0-9-]+", name) for name in names)
    groups = [one.group for one in SCENARIOS]
    assert [group for group, before in zip(groups, ["", *groups], strict=False) if group != before] == list(
        dict.fromkeys(groups)
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_every_scenario_knows_us_and_its_sides(scenario: Scenario) -> None:
    assert OURS in scenario.sides and "sdk" in scenario.sides
    assert [side for side in SIDES if side in scenario.sides] == list(scenario.sides)
    assert 0 < len(scenario.title) <= 70 and not scenario.title.endswith(".")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_estimates_follow_what_is_asked_for(scenario: Scenario) -> None:
    usual = scenario.seconds(DEFAULT)
    assert 0 < scenario.seconds(replace(DEFAULT, scale=0.02, rounds=1)) < usual
    assert scenario.seconds(replace(DEFAULT, rounds=50)) > usual
    assert scenario.seconds(replace(DEFAULT, sides=("spanwire",))) <= usual


def test_what_a_side_takes_beside_what_is_measured_is_in_its_estimate() -> None:
    """Java's warm-up is seconds of every round, whatever the scale."""
    scenario = next(one for one in SCENARIOS if one.name == "export/W5")

    def seconds(side: str) -> float:
        return scenario.seconds(replace(DEFAULT, sides=(side,), rounds=10, scale=0.2))

    assert all(seconds(side) > 5 for side in SIDES)
    assert seconds("opentelemetry-java") > 20 * seconds("opentelemetry-go")


def test_all_of_it_takes_about_five_minutes() -> None:
    assert sum(one.seconds(DEFAULT) for one in SCENARIOS) <= SECONDS
