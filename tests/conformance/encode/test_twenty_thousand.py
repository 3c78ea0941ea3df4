"""The figure of the closing note: 20,000 generated spans, the same in every run, byte for byte the official encoder's.

``pytest -s -m full tests/conformance/encode/test_twenty_thousand.py`` prints what the population consists of.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

import spanwire
from tests.official import assert_same_bytes, official_bytes
from tests.property.census import REQUIRED, census, shares
from tests.property.strategies import batches
from tests.property.values import NULL

BATCHES_A_ROUND = 250


@pytest.mark.skipif(NULL is not None, reason="not applicable: this official encoder drops None")
@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
        pytest.param(20_000, marks=[pytest.mark.full, pytest.mark.timeout(900)]),
    ],
)
def test_generated_spans_have_the_official_encoders_bytes(wanted: int) -> None:
    counts: Counter[str] = Counter()

    @settings(
        max_examples=BATCHES_A_ROUND,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(batches())
    def round_of_batches(batch: list[Any]) -> None:
        ours = spanwire.encode_spans(batch)
        assert_same_bytes(ours, official_bytes(batch))
        counts.update(census(batch))
        counts["batches"] += 1
        counts["bytes"] += len(ours)

    number = 0
    while counts["spans"] < wanted:
        seed(number)(round_of_batches)()
        number += 1

    total_bytes, total_batches = counts.pop("bytes"), counts.pop("batches")
    print(f"\n{total_batches} batches, {total_bytes} bytes, all equal to the official encoder's\n{shares(counts)}")
    for feature in REQUIRED:
        assert counts[feature] >= counts["spans"] / 20, feature
