"""Random requests of each signal: validated, converted to JSON and back, they stay what the official protobuf says."""

import json
import math
import random
from typing import Any

import pytest
from hypothesis import settings

from spanwire._native import request_from_json, request_to_json, validate_request
from tests.official_json import json_of, request_of
from tests.official_requests import IS_OLDER, REQUESTS, random_request, with_unknown_fields

pytestmark = pytest.mark.skipif(IS_OLDER, reason="not applicable: opentelemetry-proto is older than the schema")

SIGNALS = sorted(REQUESTS)
# 10,000 in `make test-full`.
EXAMPLES = 10_000 if settings().max_examples >= 1_000 else settings().max_examples
_DATA = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def _counts(signal: str, request: Any) -> tuple[int, int, int, int]:
    resources = list(request.ListFields()[0][1]) if request.DESCRIPTOR.fields[0].name in _set(request) else []
    scopes = [scope for resource in resources for scope in getattr(resource, _second(resource))]
    items = [item for scope in scopes for item in getattr(scope, _second(scope))]
    points = len(items)
    if signal == "metrics":
        points = sum(
            len(getattr(item, item.WhichOneof("data")).data_points) for item in items if item.WhichOneof("data")
        )
    return len(resources), len(scopes), len(items), points


def _set(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def _second(message: Any) -> str:
    return str(message.DESCRIPTOR.fields_by_number[2].name)


def _normal(value: Any) -> Any:
    """JSON with doubles as such: theirs writes some with an exponent, ours with a fraction."""
    if isinstance(value, dict):
        return {name: _normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))
    return value


@pytest.mark.parametrize("signal", SIGNALS)
def test_random_requests_come_back_from_json_as_they_were(signal: str) -> None:
    chance = random.Random(f"requests of {signal}")
    items = 0
    for number in range(EXAMPLES):
        request = random_request(signal, chance)
        body = request.SerializeToString()
        counts = validate_request(signal, body)
        assert counts == _counts(signal, request), number
        items += counts[2]
        text = request_to_json(signal, body)
        assert _text(_without_unwritten(json.loads(text))) == _text(json_of(request)), number
        again = REQUESTS[signal].FromString(request_from_json(signal, text))
        # NaN is not equal to itself, bytes are.
        assert again.SerializeToString(deterministic=True) == _plain_nan(request), number
        assert _plain_nan(request_of(text, REQUESTS[signal])) == _plain_nan(request), number
        odd = with_unknown_fields(body, chance)
        assert validate_request(signal, odd) == counts, number
        assert request_to_json(signal, odd) == text, number
    assert items > EXAMPLES


def _text(value: Any) -> str:
    return json.dumps(_normal(value), sort_keys=True)


def _without_unwritten(value: Any) -> Any:
    """Without the keys that we write though they are empty: an attribute's always."""
    if isinstance(value, list):
        return [_without_unwritten(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_unwritten(item) for name, item in value.items() if (name, item) != ("key", "")}
    return value


def _plain_nan(request: Any) -> bytes:
    """The request's bytes with each NaN the one that JSON's stands for."""
    copy = type(request).FromString(request.SerializeToString())
    _replace_nan(copy)
    return bytes(copy.SerializeToString(deterministic=True))


def _replace_nan(message: Any) -> None:
    for field, value in message.ListFields():
        if field.message_type:
            for inner in value if field.is_repeated else [value]:
                _replace_nan(inner)
        elif field.type == field.TYPE_DOUBLE:
            if field.is_repeated:
                for at, number in enumerate(value):
                    if math.isnan(number):
                        value[at] = math.nan
            elif math.isnan(value):
                setattr(message, field.name, math.nan)
