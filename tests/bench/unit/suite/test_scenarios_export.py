"""What ``export/…`` says of what it compared, and what becomes of a run that goes wrong after its rounds. Nothing is sent."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from spanwire_bench import _delivery, _peers, _perf
from spanwire_bench._measure import Figure
from spanwire_bench.suite import _scenarios_export
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Settings
from spanwire_bench.suite._sides import SIDES

if TYPE_CHECKING:
    from typing_extensions import Self


class Bench:
    """Everything arrives, and instructions are not counted."""

    failure: Exception = _perf.NotCounted("no counters")

    def __init__(self, sides: Sequence[str], **settings: object) -> None:
        self._sides = sides

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def measure(self, workload: str, **settings: object) -> _delivery.Result:
        figure = Figure.of([1.0, 2.0])
        return _delivery.Result(
            workload, tuple(_delivery.Side(side, figure, 64, 128, 64.0, _peers.note(side)) for side in self._sides)
        )

    def instructions(self, workload: str, side: str, spans: int) -> float:
        raise self.failure


def run(monkeypatch: pytest.MonkeyPatch, name: str, *sides: str, failure: Exception | None = None) -> Outcome:
    monkeypatch.setattr(_delivery, "Bench", Bench)
    monkeypatch.setattr(_scenarios_export, "need_official", lambda sides: None)
    if failure is not None:
        monkeypatch.setattr(Bench, "failure", failure)
    (scenario,) = (one for one in _scenarios_export.SCENARIOS if one.name == name)
    return scenario.run(Settings(sides), lambda part: None)


@pytest.mark.parametrize(
    ("name", "sides", "said"),
    [
        (
            "export/W5",
            ("sdk", "spanwire"),
            "A sample of 64 spans of each side and round was compared, without resources.",
        ),
        (
            "export/WR",
            ("sdk", "spanwire"),
            "A sample of 47 spans of each side and round was compared, without resources.",
        ),
        (
            "export/W10",
            ("sdk", "ddtrace", "fastrace"),
            "was compared, without resources; of ddtrace and fastrace names and attributes, as text.",
        ),
    ],
)
def test_what_was_compared_is_said(
    name: str, sides: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said in run(monkeypatch, name, *sides).what


@pytest.mark.parametrize("sides", [("spanwire",), ("ddtrace", "fastrace")])
def test_nothing_is_said_to_be_compared_that_was_not(sides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    what = run(monkeypatch, "export/W5", *sides).what
    assert "every span arrived" in what and "sample" not in what


def test_levels_of_gzip_are_said_of_those_that_were_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    what = run(monkeypatch, "export-gzip/W5", "sdk", "spanwire", "opentelemetry-go").what
    assert what.endswith("Levels of compression, as each comes: SDK 9, spanwire 6, opentelemetry-go 6.")
    assert "Levels" not in run(monkeypatch, "export/W5", "sdk", "spanwire").what


def test_who_does_something_else_has_a_note_on_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = {row.side: row.note for row in run(monkeypatch, "export/W5", *SIDES).rows if row.note}
    assert set(noted) == {"ddtrace", "opentelemetry-rust-builder", "fastrace"}
    assert "attributes are text" in noted["fastrace"] and "batches of its own" in noted["fastrace"]


def test_goals_against_peers_are_those_of_whoever_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("export/W5", "export/W10"):
        assert run(monkeypatch, name, *SIDES).peer_goals == {
            "fastotel": 1.0,
            "ddtrace": 1.0,
            "opentelemetry-rust": 1 / 0.45,
            "opentelemetry-go": 1.0,
            "opentelemetry-java": 1.0,
        }
    assert run(monkeypatch, "export/W5", "sdk", "spanwire", "ddtrace").peer_goals == {"ddtrace": 1.0}
    assert run(monkeypatch, "export-gzip/W5", "sdk", "spanwire", "fastotel").peer_goals == {}


def test_spans_lost_while_instructions_are_counted_cost_the_instructions_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome = run(monkeypatch, "export/W5", "sdk", "spanwire", failure=_delivery.Lost("spans were lost"))
    assert [(row.samples, row.instructions) for row in outcome.rows] == [((1.0, 2.0), None)] * 2


def sample(*names: str) -> list[Any]:
    return [{"name": name, "attributes": {}, "kind": "SERVER"} for name in names]


def test_a_side_whose_spans_are_compared_as_text_is_compared_when_it_was_first_too() -> None:
    _delivery._check({"fastrace": sample("a"), "sdk": sample("a"), "spanwire": sample("a")})
    with pytest.raises(_delivery.Lost, match="fastrace: not the spans that the others send"):
        _delivery._check({"fastrace": sample("b"), "sdk": sample("a")})
    with pytest.raises(_delivery.Lost, match="sdk: nothing of its sample was received"):
        _delivery._check({"sdk": []})
