"""Nesting: protobuf takes 100 messages within each other. What the official encoder still writes we write, what is deeper costs
one attribute, though upstream a nesting just over the limit loses the batch."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link

import spanwire
from tests.official import assert_same_bytes, official_bytes, parse
from tests.spans import context, span

HERE = context()

PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "span": lambda attributes: {"attributes": attributes},
    "event": lambda attributes: {"events": [Event("e", attributes, 1)]},
    "link": lambda attributes: {"links": [Link(HERE, attributes)]},
    "resource": lambda attributes: {"resource": Resource(attributes)},
    "scope": lambda attributes: {"instrumentation_scope": InstrumentationScope("shop", attributes=attributes)},
}

WRAPPERS: dict[str, Callable[[Any, int], Any]] = {
    "lists": lambda value, level: [value],
    "tuples": lambda value, level: (value,),
    "maps": lambda value, level: {"k": value},
    "lists in maps": lambda value, level: {"k": value} if level % 2 else [value],
    "lists with a neighbour": lambda value, level: [1, value, "x"],
    "ranges of maps": lambda value, level: {"k": (value, range(2))},
}


def nested(wrapper: str, levels: int, innermost: Any = 1) -> Any:
    value = innermost
    for level in range(levels):
        value = WRAPPERS[wrapper](value, level)
    return value


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("innermost", [1, (), {}], ids=repr)
def test_the_limit_is_where_the_official_encoder_has_it(place: str, wrapper: str, innermost: Any) -> None:
    # Of upstream's two failures, dropping the attribute and losing the batch, ours is always the first.
    deepest = 0
    for levels in range(15, 60):
        attributes = {"before": 1, "deep": nested(wrapper, levels, innermost), "after": 2}
        batch = [span(context=HERE, **PLACES[place](attributes))]
        try:
            expected = official_bytes(batch)
        except DecodeError:
            expected = official_bytes([span(context=HERE, **PLACES[place]({"before": 1, "after": 2}))])
        else:
            deepest = levels
        assert_same_bytes(spanwire.encode_spans(batch), expected)
    assert 15 < deepest < 60


@pytest.mark.parametrize("levels", [60, 500, 10_000, 200_000])
@pytest.mark.parametrize("wrapper", ["lists", "maps"])
def test_any_depth_costs_one_attribute(wrapper: str, levels: int) -> None:
    deep = nested(wrapper, levels)
    try:
        ours = spanwire.encode_spans([span(context=HERE, attributes={"deep": deep, "after": 2})])
    finally:
        # Freed level by level: freeing the whole at once would recurse in the interpreter.
        while isinstance(deep, (list, dict)) and deep:
            deep = deep.pop() if isinstance(deep, list) else deep.popitem()[1]

    assert_same_bytes(ours, official_bytes([span(context=HERE, attributes={"after": 2})]))
    parse(ours)
