"""The strategies keep their promise: nothing that a span may hold is rare in what they draw."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.official import official_bytes
from tests.property.census import REQUIRED, census, shares
from tests.property.strategies import batches, hand_made_batches, sdk_batches

# Some seconds; on a busy machine many more.
pytestmark = pytest.mark.timeout(600)

drawn_once = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def population() -> Counter[str]:
    """Some thousand spans; not quite the same in every run, as hypothesis also draws constants that stand in loaded modules.

    Of a third of them some features came near their bound by chance.
    """
    counts: Counter[str] = Counter()

    @settings(drawn_once, max_examples=500)
    @given(batches())
    def collect(batch: list[object]) -> None:
        counts.update(census(batch))

    collect()
    return counts


@pytest.mark.parametrize("feature", REQUIRED)
def test_one_span_in_twenty_has(population: Counter[str], feature: str) -> None:
    assert population[feature] >= population["spans"] / 20, shares(population)


@pytest.mark.parametrize(
    "feature",
    [
        *[f"kind {kind}" for kind in ("internal", "server", "client", "producer", "consumer")],
        *[
            "astral",
            "dropped attributes",
            "dropped events",
            "dropped links",
            "event attributes",
            "link attributes",
            "no attributes",
        ],
        *[
            "not a ReadableSpan",
            "parent",
            "remote parent",
            "scope absent",
            "scope attributes",
            "status description",
            "times absent",
        ],
    ],
)
def test_one_span_in_a_hundred_has(population: Counter[str], feature: str) -> None:
    assert population[feature] >= population["spans"] / 100, shares(population)


@pytest.mark.parametrize("strategy", [sdk_batches(), hand_made_batches(), batches()], ids=["sdk", "hand-made", "mixed"])
def test_the_official_encoder_accepts_every_batch(strategy: st.SearchStrategy[list[Any]]) -> None:
    sizes: list[int] = []

    @drawn_once
    @given(strategy)
    def encode(batch: list[object]) -> None:
        sizes.append(len(official_bytes(batch)))

    encode()
    assert sum(sizes) > 10_000
