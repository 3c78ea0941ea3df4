"""``_native.NativeTracer``: what the façade gives the Rust core once a tracer."""

import sys
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import spanwire
from spanwire._native import NativeTracer

ALWAYS = [(1, 0)] * 5
NO_LIMITS = (None, None, None)


def tracer(sampler: Any = ALWAYS, limits: Any = NO_LIMITS, resource: Any = None, scope: Any = None) -> NativeTracer:
    return NativeTracer(resource or Resource({"a": 1}), scope or InstrumentationScope("scope"), sampler, limits, True)


def test_its_address_stays() -> None:
    first, second = tracer(), tracer()
    assert first.address == first.address != second.address
    assert first.address % 8 == 0 < first.address


@pytest.mark.parametrize(
    "sampler",
    [[(4, 0), *ALWAYS[1:]], [*ALWAYS[:4], (3, 2**64 + 1)], [*ALWAYS[:4], (255, 0)]],
    ids=["no such mode", "more than always", "no such mode, last"],
)
def test_a_sampler_that_has_no_meaning_is_a_value_error(sampler: Any) -> None:
    with pytest.raises(ValueError, match=r"a sampler's mode is 0 to 3 and its bound at most 2\*\*64"):
        tracer(sampler)


@pytest.mark.parametrize("sampler", [ALWAYS[:4], [*ALWAYS, (0, 0)], 1], ids=["too few", "too many", "no sequence"])
def test_a_sampler_is_five_pairs(sampler: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tracer(sampler)


@pytest.mark.parametrize(
    "sampler", [None, ALWAYS, [(3, 2**64)] * 5, [(3, 0)] * 5, [(0, 0), (1, 0), (2, 0), (3, 1), (0, 0)]]
)
def test_samplers_that_have_a_meaning(sampler: Any) -> None:
    assert tracer(sampler).address


@pytest.mark.parametrize("limits", [NO_LIMITS, (0, 0, 0), (128, None, 2**32 - 1), (2**32, 2**63, 2**64 - 1)])
def test_limits_of_any_size(limits: Any) -> None:
    assert tracer(limits=limits).address


def test_what_of_a_resource_cannot_be_encoded_is_left_out_and_counted() -> None:
    before = spanwire.stats()["encode"]["dropped"]["integer_range"]
    tracer(resource=Resource({"fine": 1, "bad": 2**70}))
    assert spanwire.stats()["encode"]["dropped"]["integer_range"] == before + 1


def test_it_keeps_neither_resource_nor_scope() -> None:
    resource, scope = Resource({"a": 1}), InstrumentationScope("scope")
    counts = sys.getrefcount(resource), sys.getrefcount(scope)
    made = tracer(resource=resource, scope=scope)
    assert (sys.getrefcount(resource), sys.getrefcount(scope)) == counts
    assert made.address


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        tracer().address = 1  # type: ignore[misc]


def test_stats_count_defects_of_native_spans() -> None:
    assert set(spanwire.stats()["trace"]) == {"panics", "pooled_records", "clock"}
