"""A document is what it was after it went through JSON."""

import json
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench.suite._model import SCHEMA, BadDocument, Document, Histogram, Outcome, Row
from spanwire_bench.suite._sides import SIDES

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(2**53), 2**53)
texts = st.text(max_size=12)
facts = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=4)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    counts = draw(st.lists(st.integers(0, 1 << 40), max_size=5))
    edges = draw(st.lists(numbers, min_size=len(counts) + 1, max_size=len(counts) + 1))
    return Histogram(tuple(edges), tuple(counts))


rows = st.builds(
    Row,
    st.sampled_from(sorted(SIDES)),
    st.lists(numbers, min_size=1, max_size=5).map(tuple),
    at=st.none() | numbers,
    instructions=st.none() | numbers,
    delivered=st.none() | st.integers(0, 1 << 40),
    spans_a_request=st.none() | numbers,
    histogram=st.none() | histograms(),
    series=st.lists(st.tuples(numbers, numbers), max_size=3).map(tuple),
    note=texts,
)
outcomes = st.builds(
    Outcome,
    texts,
    texts,
    texts,
    st.lists(rows, max_size=4).map(tuple),
    unit=texts,
    per=texts,
    plot=st.sampled_from(["bars", "curve", "histogram", "series"]),
    reference=st.none() | st.sampled_from(sorted(SIDES)),
    lower_is_better=st.booleans(),
    goal=st.none() | numbers,
    axis=texts,
    stretches=st.lists(st.tuples(numbers, numbers, texts), max_size=2).map(tuple),
)
documents = st.builds(
    Document,
    texts,
    texts,
    numbers,
    st.booleans(),
    facts,
    facts,
    st.dictionaries(texts, facts, max_size=3),
    st.lists(outcomes, max_size=3).map(tuple),
    st.dictionaries(texts, texts, max_size=3),
)


@given(documents)
def test_a_document_comes_back_from_json_as_it_was(document: Document) -> None:
    assert Document.from_json(json.loads(json.dumps(document.as_json(), allow_nan=False))) == document


@given(rows)
def test_a_rows_figures_are_those_of_its_samples(row: Row) -> None:
    low, high = row.quartiles
    assert row.minimum <= low <= high <= row.maximum
    assert row.minimum <= row.median == statistics.median(row.samples) <= row.maximum


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "it is no result of `spanwire bench --json`"),
        ([], "it is no result"),
        ({"schema": SCHEMA, "results": []}, "it has no scenarios"),
        ({"schema": 1, "scenarios": []}, f"it has schema 1, this version reads {SCHEMA}"),
        ({"scenarios": []}, "it has schema None"),
        ({"schema": SCHEMA, "scenarios": []}, "it is damaged: KeyError"),
    ],
)
def test_what_is_no_document_is_refused_with_a_reason(said: Any, why: str) -> None:
    with pytest.raises(BadDocument) as caught:
        Document.from_json(said)
    assert why in str(caught.value)
