"""``encode_spans`` writes the official encoder's bytes, whatever the batch."""

import collections
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spanwire
from tests.ids import without_addresses
from tests.official import assert_same_bytes, official_bytes, parse, spans_of
from tests.property.strategies import batches, hand_made_batches, sdk_batches
from tests.property.values import NULL

pytestmark = pytest.mark.law

# The SDK itself puts None into arrays; the oldest official encoders drop an attribute that has one, the newest writes it, as we do.
compares = pytest.mark.skipif(NULL is not None, reason="not applicable: this official encoder drops None")

# Whole batches are large examples; how long one takes is no property of the encoder.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@compares
@unhurried
@given(sdk_batches())
def test_spans_of_the_sdk_are_encoded_as_the_official_encoder_does(batch: list[Any]) -> None:
    # Ours first: an exporter meets spans that nobody has read before.
    ours = spanwire.encode_spans(batch)
    assert_same_bytes(ours, official_bytes(batch))


@compares
@unhurried
@given(hand_made_batches())
def test_hand_made_spans_are_encoded_as_the_official_encoder_does(batch: list[Any]) -> None:
    ours = spanwire.encode_spans(batch)
    assert_same_bytes(ours, official_bytes(batch))


@compares
@unhurried
@given(batches())
def test_mixed_and_foreign_spans_are_encoded_as_the_official_encoder_does(batch: list[Any]) -> None:
    ours = spanwire.encode_spans(batch)
    assert_same_bytes(ours, official_bytes(batch))


@unhurried
@given(batches())
def test_encoding_again_gives_the_same_bytes(batch: list[Any]) -> None:
    first = spanwire.encode_spans(batch)
    assert spanwire.encode_spans(batch) == first


@compares
@unhurried
@given(batches(max_traces=4))
def test_each_span_encodes_alone_as_it_does_in_company(batch: list[Any]) -> None:
    for span in batch:
        assert_same_bytes(spanwire.encode_spans([span]), official_bytes([span]))


@compares
@unhurried
@given(
    sdk_batches(max_traces=4),
    st.sampled_from([tuple, list, collections.deque, iter, reversed, lambda spans: (span for span in spans)]),
)
def test_any_iterable_of_spans_is_accepted_as_upstream_does(batch: list[Any], kind: Any) -> None:
    assert_same_bytes(spanwire.encode_spans(kind(batch)), official_bytes(kind(batch)))


@pytest.mark.parametrize("empty", [[], (), collections.deque(), {}, iter([])], ids=lambda empty: type(empty).__name__)
def test_an_empty_batch_is_an_empty_request(empty: Any) -> None:
    assert spanwire.encode_spans(empty) == b""


@pytest.mark.parametrize("not_spans", [None, 5, 1.5, object()], ids=without_addresses)
def test_what_cannot_be_iterated_is_a_type_error(not_spans: Any) -> None:
    with pytest.raises(TypeError):
        spanwire.encode_spans(not_spans)


@compares
@unhurried
@given(batches())
def test_w3c_flags_add_trace_flags_and_the_links_trace_state_and_nothing_else(batch: list[Any]) -> None:
    ours = parse(spanwire.encode_spans(batch, w3c_flags=True))
    official = parse(official_bytes(batch))
    same_ids: dict[tuple[bytes, bytes], list[Any]] = {}
    for span in batch:
        context = span.get_span_context()
        same_ids.setdefault((context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")), []).append(span)

    for encoded in spans_of(ours):
        # The drawn ids may repeat; then any of the spans that share them may be meant.
        assert _added(encoded) in [_expected_additions(span) for span in same_ids[encoded.trace_id, encoded.span_id]]
        _remove_additions(encoded)

    assert ours == official


def _added(encoded: Any) -> Any:
    return encoded.flags & 0xFF, [(link.flags & 0xFF, link.trace_state) for link in encoded.links]


def _expected_additions(span: Any) -> Any:
    links = [
        (link.context.trace_flags & 0xFF, ",".join(f"{key}={value}" for key, value in link.context.trace_state.items()))
        for link in span.links
    ]
    return span.get_span_context().trace_flags & 0xFF, links


def _remove_additions(encoded: Any) -> None:
    encoded.flags &= ~0xFF
    for link in encoded.links:
        link.flags &= ~0xFF
        link.trace_state = ""
