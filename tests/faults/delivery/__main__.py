"""Plays the scenarios with real processes, and checks the books of each.

``python -m tests.faults.delivery [--seed N] [--scale 0.2] [--protocol grpc] [NAME ...]``; ``make faults`` runs all. The seed decides all
that is drawn. Ends with ``failures 0``, or with what went wrong and status 1.
"""

import argparse
import random
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.delivery.app import MODULES
from tests.faults.delivery.scenarios import SCENARIOS, Scenario
from tests.faults.delivery.world import World

AT_ONCE = 6  # they mostly wait


def play(scenario: Scenario, protocol: str, seed: int, scale: float) -> tuple[str, bool]:
    """A line that tells what came of it, and whether that is right."""
    began = time.monotonic()
    world = World(seed, protocol, scale, scenario.name)
    try:
        with world:
            told, is_right = str(scenario.play(world)), True
    except pytest.skip.Exception as reason:
        told, is_right = f"skipped: {reason}", True
    except (AssertionError, pytest.fail.Exception) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        told, is_right = f"FAILED at {frame.filename}:{frame.lineno}: {error}", False
    return (
        f"{scenario.name} | {protocol} | {world.host} | seed {seed} | {time.monotonic() - began:.0f} s | {told}",
        is_right,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios; default: all")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--scale", type=float, default=1.0, help="shortens all times by this factor")
    parser.add_argument("--protocol", action="append", choices=sorted(MODULES), help="default: all")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="scenarios beside each other")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in SCENARIOS]:
        parser.error(f"no such scenario: {', '.join(unknown)}; there are: {', '.join(SCENARIOS)}")
    protocols = asked.protocol or list(MODULES)
    cases = [(SCENARIOS[name], protocol) for name in asked.names or SCENARIOS for protocol in protocols]
    print(f"seed {asked.seed}, {len(cases)} plays", flush=True)
    failures = 0
    with ThreadPoolExecutor(asked.at_once) as pool:
        # From the end, where those that take longest are.
        plays = [
            pool.submit(play, scenario, protocol, asked.seed, asked.scale) for scenario, protocol in reversed(cases)
        ]
        for one in reversed(plays):
            told, is_right = one.result()
            failures += not is_right
            print(told, flush=True)
    print(f"failures {failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
