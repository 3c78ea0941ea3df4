"""Values that raise, lie or meddle cost one attribute at most, exactly as upstream; the span and the batch survive."""

import logging
import sys
import warnings
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.sdk.trace import Event
from opentelemetry.trace import Link

import spanwire
from spanwire._telemetry import log
from tests.official import assert_same_bytes, official_bytes, parse, spans_of
from tests.property.hostile import LIARS, MEDDLERS, RAISERS, Boom, Meddler
from tests.spans import context, span

HERE = context()
NEIGHBOUR = span("neighbour")


def with_value(value: Any) -> list[Any]:
    """A batch in which each place that can hold attributes holds ``value`` among good ones."""
    attributes = {"before": 1, "hostile": value, "after": "x"}
    return [
        span("attributes", context=HERE, attributes=dict(attributes)),
        span("event", context=HERE, events=[Event("e", dict(attributes), 1)]),
        span("link", context=HERE, links=[Link(HERE, dict(attributes))]),
        NEIGHBOUR,
    ]


@pytest.mark.parametrize("case", RAISERS)
def test_a_value_that_cannot_be_read_costs_its_attribute(case: str) -> None:
    make = RAISERS[case]
    ours = spanwire.encode_spans(with_value(make()))
    assert_same_bytes(ours, official_bytes(with_value(make())))
    for encoded in spans_of(parse(ours))[:1]:
        assert [attribute.key for attribute in encoded.attributes] == ["before", "after"]


@pytest.mark.parametrize("case", LIARS)
def test_a_value_is_read_as_the_official_encoder_reads_it(case: str) -> None:
    make = LIARS[case]
    ours = spanwire.encode_spans(with_value(make()))
    assert_same_bytes(ours, official_bytes(with_value(make())))
    assert [attribute.key for attribute in spans_of(parse(ours))[0].attributes] == ["before", "hostile", "after"]


@pytest.mark.parametrize("case", MEDDLERS)
@pytest.mark.parametrize("place", [0, 1, 2], ids=["attribute", "event", "link"])
def test_a_value_that_meddles_with_its_span_harms_no_other(case: str, place: int) -> None:
    meddler = Meddler(MEDDLERS[case])
    batch = [NEIGHBOUR, with_value(meddler)[place], span("last")]
    meddler.span = batch[1]

    encoded = spans_of(parse(spanwire.encode_spans(batch)))

    by_id = {item.span_id: item for item in encoded}
    for good in (NEIGHBOUR, batch[2]):
        (alone,) = spans_of(parse(official_bytes([good])))
        assert by_id.pop(alone.span_id) == alone
    # The span itself is there too, unless it lost its ids before they were read.
    assert list(by_id) == [HERE.span_id.to_bytes(8, "big")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_passes_through(error: type[BaseException]) -> None:
    # Ctrl-C while a value is read must reach the application, as it does upstream.
    def meddle(_: Any) -> None:
        raise error

    batch = [span(attributes={"hostile": Meddler(meddle)})]
    with pytest.raises(error):
        official_bytes(batch)
    with pytest.raises(error):
        spanwire.encode_spans(batch)
    # And nothing is left in a state in which the next batch suffers.
    assert_same_bytes(spanwire.encode_spans([NEIGHBOUR]), official_bytes([NEIGHBOUR]))


def test_what_is_no_exception_passes_through_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ctrl-C while the line about a drop is written.
    monkeypatch.setattr(log, "_last", {})
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", Mock(side_effect=KeyboardInterrupt))
    logger = logging.getLogger("spanwire")
    logger.addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            spanwire.encode_spans([span(attributes={"big": 2**70})])
    finally:
        logger.removeHandler(handler)


def test_a_value_may_encode_spans_itself() -> None:
    inner: list[bytes] = []
    batch = [
        span("outer", attributes={"hostile": Meddler(lambda _: inner.append(spanwire.encode_spans([NEIGHBOUR])))}),
        NEIGHBOUR,
    ]
    ours = spanwire.encode_spans(batch)
    assert inner == [official_bytes([NEIGHBOUR])]
    assert_same_bytes(ours, official_bytes(batch))


def test_a_value_may_encode_its_own_span() -> None:
    depth = 0

    def meddle(own: Any) -> None:
        nonlocal depth
        depth += 1
        if depth < 5:
            spanwire.encode_spans([own, NEIGHBOUR])

    meddler = Meddler(meddle)
    meddler.span = span("outer", attributes={"hostile": meddler})
    ours = spanwire.encode_spans([meddler.span])
    assert depth == 5
    assert_same_bytes(ours, official_bytes([meddler.span]))


def test_recursive_containers_cost_their_attribute() -> None:
    endless_list: list[Any] = [1]
    endless_list.append(endless_list)
    endless_dict: dict[str, Any] = {"a": 1}
    endless_dict["self"] = endless_dict
    both: list[Any] = [endless_dict]
    endless_dict["list"] = both
    for value in (endless_list, endless_dict, both, (endless_list,)):
        batch = [span(context=HERE, attributes={"before": 1, "endless": value, "after": 2}), NEIGHBOUR]
        assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))


def test_a_list_that_grows_for_ever_while_it_is_read_is_cut_off_by_its_own_error() -> None:
    class Growing(list[Any]):
        def __iter__(self) -> Any:
            for number in range(100_000):
                self.append(number)
                yield number
            raise Boom

    batch = [span(context=HERE, attributes={"growing": Growing(), "after": 1})]
    assert_same_bytes(spanwire.encode_spans(batch), official_bytes([span(context=HERE, attributes={"after": 1})]))


def test_wide_values_are_written_in_full() -> None:
    attributes = {
        "wide": list(range(50_000)),
        "map": {str(number): number for number in range(5_000)},
        "text": "é€😀" * 100_000,
    }
    batch = [span(attributes=attributes), span(attributes={"bytes": bytes(3_000_000)})]
    assert_same_bytes(spanwire.encode_spans(batch), official_bytes(batch))


def test_hostile_values_print_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in (*RAISERS.values(), *LIARS.values()):
            spanwire.encode_spans(with_value(make()))
    assert unraisable == []
    assert capsys.readouterr() == ("", "")
