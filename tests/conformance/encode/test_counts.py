"""What is left out is counted once, whichever path writes the span, and a failure of our own is an exception, never an abort."""

from types import SimpleNamespace
from typing import Any

import pytest

import spanwire
from tests.official import assert_same_bytes, official_bytes
from tests.spans import context, span

DROPPED: dict[str, Any] = {
    "integer_range": 2**70,
    "text": "\ud800",
    "depth": [[]],
    "type": object(),
}
for _ in range(100):
    DROPPED["depth"] = [DROPPED["depth"]]


def dropped() -> dict[str, int]:
    return dict(spanwire.stats()["encode"]["dropped"])


@pytest.mark.parametrize("reason", DROPPED)
@pytest.mark.parametrize(
    "others",
    [{}, {"range": range(3)}, {"list": [range(3)]}],
    ids=["alone", "before another kind", "before a nested one"],
)
def test_an_attribute_is_counted_once(reason: str, others: dict[str, Any]) -> None:
    # The others are read on the general path only: the span that was begun on the fast one is written anew.
    before = dropped()
    spanwire.encode_spans([span(attributes={"odd": DROPPED[reason], **others})])
    after = dropped()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {reason: 1}


def test_a_kind_that_otlp_does_not_have_is_counted() -> None:
    before = dropped()
    spanwire.encode_spans([span(kind=SimpleNamespace(value=5))])
    assert dropped()["field"] == before["field"] + 1


class Raising:
    """A span whose ids cannot be read."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def get_span_context(self) -> Any:
        raise self.error


def test_a_panic_is_an_exception_and_the_next_batch_is_encoded(capfd: pytest.CaptureFixture[str]) -> None:
    # What native code reads an exception of this class panics with it. The class exists once one was read.
    spanwire.encode_spans([Raising(ValueError())])  # type: ignore[list-item]
    errors = set()
    good = span(context=context())
    for cls in BaseException.__subclasses__():
        # Other native modules in this process have such a class as well; theirs is passed on.
        if cls.__name__ == "PanicException":
            with pytest.raises(
                BaseException, match=r"provoked|spanwire: internal error while encoding spans"
            ) as caught:
                spanwire.encode_spans([good, Raising(cls("provoked"))])  # type: ignore[list-item]
            errors.add(caught.type)
    assert RuntimeError in errors
    assert "resuming a panic" in capfd.readouterr().err
    assert_same_bytes(spanwire.encode_spans([good]), official_bytes([good]))


def test_huge_spans_do_not_make_the_next_batch_ask_for_memory() -> None:
    spanwire.encode_spans([span("x" * (1 << 20))])
    batch = [span()] * 300_000  # at a MiB each, more than any machine has
    assert spanwire.encode_spans(batch).count(b"GET /users/{id}") == len(batch)
