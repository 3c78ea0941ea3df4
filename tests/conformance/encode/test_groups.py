"""Which spans share a group: Python's equality decides, the first to appear is written, order is the order of appearance."""

import itertools
import random
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import spanwire
from tests.official import assert_same_bytes, official_bytes, parse, spans_of
from tests.spans import span

RESOURCES = [
    Resource({"a": 1}),
    Resource({"a": True}),
    Resource({"a": 1.0}),
    Resource({"a": 1}),
    Resource({"a": 1}, "https://example.org/1"),
    Resource({"a": 1, "b": 2}),
    Resource({"b": 2, "a": 1}),
    Resource({}),
    Resource.get_empty(),
    Resource({"bytes": b"\1"}),
    Resource({"bytes": "01"}),
    Resource({"nan": float("nan")}),
    Resource({"nan": float("nan")}),
    Resource({"list": [1, 2]}),
    Resource({"list": (1, 2)}),
    Resource({"ü": "é€😀"}),
]

SCOPES = [
    None,
    InstrumentationScope("s"),
    InstrumentationScope("s"),
    InstrumentationScope("s", ""),
    InstrumentationScope("s", "1"),
    InstrumentationScope("s", "1", "https://example.org/s"),
    InstrumentationScope("s", attributes={"a": 1}),
    InstrumentationScope("s", attributes={"a": True}),
    InstrumentationScope("s", attributes={"a": 1, "b": 2}),
    InstrumentationScope("s", attributes={"b": 2, "a": 1}),
    InstrumentationScope(""),
]


def encoded_like_upstream(batch: list[Any]) -> None:
    assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_those_of_the_official_encoder(seed: int) -> None:
    choose = random.Random(seed)
    resources, scopes = choose.sample(RESOURCES, choose.randint(1, 6)), choose.sample(SCOPES, choose.randint(1, 6))
    encoded_like_upstream(
        [
            span(resource=choose.choice(resources), instrumentation_scope=choose.choice(scopes))
            for _ in range(choose.randint(2, 60))
        ]
    )


def test_every_pair_of_resources_and_of_scopes() -> None:
    for one, other in itertools.product(RESOURCES, repeat=2):
        encoded_like_upstream([span(resource=one), span(resource=other), span(resource=one)])
    for scope, second in itertools.product(SCOPES, repeat=2):
        encoded_like_upstream([span(instrumentation_scope=scope), span(instrumentation_scope=second)])


def test_many_resources_and_scopes_in_one_batch() -> None:
    batch = [
        span(resource=Resource({"r": number % 300}), instrumentation_scope=InstrumentationScope(f"s{number % 7}"))
        for number in range(2_000)
    ]
    encoded_like_upstream(batch)


def test_a_subclass_of_resource_or_scope_is_grouped_by_its_own_equality() -> None:
    class Region(Resource):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Region)

        def __hash__(self) -> int:
            return 1

        @property
        def attributes(self) -> Any:
            return {"region": "eu"}

    class Loud(InstrumentationScope):
        @property
        def name(self) -> str:
            return "LOUD"

    class Falsy(InstrumentationScope):
        def __bool__(self) -> bool:
            return False

    encoded_like_upstream(
        [
            span(resource=Region({"a": 1})),
            span(resource=Region({"a": 2})),
            span(resource=Resource({"a": 1})),
            span(instrumentation_scope=Loud("s")),
            span(instrumentation_scope=InstrumentationScope("s")),
            span(instrumentation_scope=Falsy("s")),
            span(instrumentation_scope=None),
        ]
    )


def test_a_resource_that_cannot_be_hashed_or_compared_has_a_group_of_its_own() -> None:
    class Odd(Resource):
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("incomparable")

        def __hash__(self) -> int:
            return 7

    class Unhashable(Resource):
        __hash__ = None  # type: ignore[assignment]

    odd, other_odd, unhashable, good = Odd({"a": 1}), Odd({"a": 2}), Unhashable({"a": 3}), Resource({"a": 4})
    batch = [
        span(str(number), resource=resource)
        for number, resource in enumerate([odd, good, other_odd, unhashable, odd, good, unhashable])
    ]
    request = parse(spanwire.encode_spans(batch))

    groups = [
        (
            [attribute.value.int_value for attribute in group.resource.attributes],
            [item.name for item in group.scope_spans[0].spans],
        )
        for group in request.resource_spans
    ]
    assert groups == [([1], ["0", "4"]), ([4], ["1", "5"]), ([2], ["2"]), ([3], ["3", "6"])]


@pytest.mark.parametrize("method", ["__hash__", "__eq__"])
def test_ctrl_c_while_resources_are_compared_reaches_the_application(method: str) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    methods: dict[str, Any] = {"__hash__": lambda self: 1, "__eq__": lambda self, other: False, method: interrupted}
    odd = type("Odd", (Resource,), methods)
    batch = [span(resource=resource) for resource in (odd({"a": 1}), odd({"a": 2}), Resource({}))]
    with pytest.raises(KeyboardInterrupt):
        official_bytes(batch)
    with pytest.raises(KeyboardInterrupt):
        spanwire.encode_spans(batch)


def test_a_span_without_resource_is_sent_without_one() -> None:
    lost = span("no resource")
    lost._resource = None  # type: ignore[assignment]
    encoded = parse(spanwire.encode_spans([span("good"), lost]))
    assert [item.name for item in spans_of(encoded)] == ["good", "no resource"]
    assert not encoded.resource_spans[1].resource.attributes


def test_an_odd_resource_attribute_is_dropped_for_each_batch() -> None:
    # The head may be cached; what it left out stays left out.
    resource = Resource({"big": 2**64, "lone": "\ud800", "good": 1})
    scope = InstrumentationScope("s", attributes={"big": -(2**64), "good": 2})
    for _ in range(3):
        encoded_like_upstream([span(resource=resource, instrumentation_scope=scope)])
