"""Every kind of plot, from what is usual to what hardly is: well formed, within its edges, with its figures in words."""

import dataclasses
import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanwire_bench.suite._html._figure import figure
from spanwire_bench.suite._html._frame import apart
from spanwire_bench.suite._html._histogram import bins
from spanwire_bench.suite._html._series import thinned
from spanwire_bench.suite._model import Histogram, Outcome, Plot, Row
from spanwire_bench.suite._sides import SIDES
from tests.bench import documents as bench_documents
from tests.bench.report_reader import SVG, outside, plots, text, with_class

USUAL = {one.name: one for one in bench_documents.outcomes()}


def draw(outcome: Outcome, old: Outcome | None = None) -> ET.Element:
    """The figure with all its drawings, each of which is looked at."""
    names = {side: info.label for side, info in SIDES.items()}
    languages = {side: info.language for side, info in SIDES.items()}
    root = ET.fromstring(figure("key", outcome, old, names, languages).encode())
    drawn = plots(root)
    if root.tag == "figure":
        assert len(drawn) in {2, 4}
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    for plot in drawn:
        assert outside(plot) == []
        assert plot.get("role") == "img"
        title, description, *_ = plot
        assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
        assert plot.get("aria-labelledby") == title.get("id") and plot.get("aria-describedby") == description.get("id")
    return root


def outcome(*rows: Row, plot: Plot = "bars", **more: object) -> Outcome:
    return Outcome("group/case", "Title", "What.", rows, plot=plot, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", USUAL)
def test_what_is_usual(name: str) -> None:
    one = USUAL[name]
    root = draw(one)
    said = text(plots(root)[0][1])
    assert all(SIDES[row.side].label in said for row in one.rows)
    assert draw(one, one)


def test_bars_have_names_figures_and_spread() -> None:
    one = outcome(
        Row("sdk", (52_000.0, 40_000.0, 65_000.0, 51_000.0) * 2), Row("spanwire", (600.0, 500.0, 800.0, 610.0) * 2)
    )
    wide, narrow, *linear = plots(draw(one))
    assert len(linear) == 2
    for plot in (wide, narrow):
        assert [text(row[0]).split(":")[0] for row in with_class(plot, "row")] == ["SDK", "spanwire"]
        assert [text(name) for name in with_class(plot, "name")] == ["SDK", "spanwire"]
        assert [text(said).split("  ") for said in with_class(plot, "figure")] == [["51.5 µs", "85×"], ["605 ns"]]
        assert len(with_class(plot, "bar")) == len(with_class(plot, "box")) == 2
        assert len(with_class(plot, "whisker")) == 4  # with their halos
        assert "log scale" in text(with_class(plot, "axis")[0])
        assert len(with_class(plot, "s-spanwire")) == 1
    assert all("log scale" not in text(with_class(plot, "axis")[0]) for plot in linear)


def widths(plot: ET.Element) -> list[float]:
    return [float(bar.get("width", "")) for bar in with_class(plot, "bar")]


def test_lengths_of_bars_are_in_proportion() -> None:
    one = outcome(Row("sdk", (300.0,)), Row("exporter", (150.0,)), Row("spanwire", (30.0,)))
    for plot in plots(draw(one)):
        whole, half, tenth = widths(plot)
        assert half == pytest.approx(whole / 2, abs=0.1) and tenth == pytest.approx(whole / 10, abs=0.1)


def test_the_same_for_logarithms() -> None:
    one = outcome(Row("sdk", (100_000.0,)), Row("exporter", (10_000.0,)), Row("spanwire", (1_000.0,)))
    for plot in plots(draw(one))[:2]:
        whole, half, tenth = widths(plot)
        assert whole - half == pytest.approx(half - tenth, abs=0.1)


def test_the_sides_are_in_their_order_and_unknown_ones_behind() -> None:
    one = outcome(Row("zig", (5.0,)), Row("spanwire", (2.0,)), Row("sdk", (9.0,)))
    assert [text(name) for name in with_class(plots(draw(one))[0], "name")] == ["SDK", "spanwire", "zig"]


def test_languages_are_said_where_there_are_several() -> None:
    assert [text(tag) for tag in with_class(plots(draw(USUAL["export/W5"]))[0], "tag")][-3:] == ["Rust", "Go", "Java"]
    assert with_class(draw(USUAL["encode/W5"]), "tag") == []


def test_doubt_is_said_in_words() -> None:
    one = outcome(Row("sdk", (10.0, 12.0, 14.0, 16.0)), Row("spanwire", (11.0, 12.0, 13.0, 15.0)))
    plot = plots(draw(one))[0]
    assert "≈" in text(with_class(plot, "figure")[1])
    assert "≈ doubtful: rounds overlap" in text(with_class(plot, "axis")[0])
    assert "≈" not in text(plots(draw(USUAL["export/W5"]))[0])


def test_old_figures_are_marked_where_they_were() -> None:
    new = outcome(Row("sdk", (100.0, 101.0)), Row("spanwire", (10.0, 10.0)))
    old = outcome(Row("sdk", (50.0, 51.0)), Row("fastotel", (70.0,)))
    plot = plots(draw(new, old))[0]
    assert len(with_class(plot, "ghost")) == 1
    (bar, *_), (ghost,) = with_class(plot, "bar"), with_class(plot, "ghost")
    begin, length = float(bar.get("x", "")), float(bar.get("width", ""))
    (x, *_) = re.findall(r"[\d.]+", ghost.get("d", ""))
    assert float(x) == pytest.approx(begin + length * 50.5 / 100.5, abs=0.2)
    assert "before" in text(with_class(plot, "axis")[0])
    assert "before: 50.5 ns" in text(with_class(plot, "row")[0])


EDGES = {
    "one row": [Row("spanwire", (5.0,))],
    "zero": [Row("sdk", (0.0, 0.0)), Row("spanwire", (0.0,))],
    "zero beside much": [Row("sdk", (1e9,)), Row("spanwire", (0.0,))],
    "equal": [Row("sdk", (7.0, 7.0, 7.0, 7.0)), Row("spanwire", (7.0, 7.0, 7.0, 7.0))],
    "negative": [Row("sdk", (-5e6, 3e6)), Row("spanwire", (-1e6, -2e6))],
    "huge range": [Row("sdk", (1e18, 2e18)), Row("spanwire", (1e-6, 2e-6))],
    "wide spread": [Row("sdk", (1.0, 1e6)), Row("spanwire", (3.0, 2e6, 5.0, 8.0))],
    "without ours": [Row("sdk", (5.0,)), Row("fastrace", (2.0,))],
    "long name": [Row("x" * 300, (5.0,)), Row("spanwire", (5.0,))],
    "places in bars": [Row("sdk", (5.0,), at=2), Row("sdk", (6.0,), at=4)],
    "beside what has no figures": [Row("sdk", ()), Row("exporter", (float("nan"),)), Row("spanwire", (5.0,))],
}


@pytest.mark.parametrize("unit", ["ns", "bytes", "spans/s", ""])
@pytest.mark.parametrize("name", EDGES)
def test_bars_at_the_edge(name: str, unit: str) -> None:
    one = outcome(*EDGES[name], unit=unit)
    root = draw(one, one)
    drawn = [row for row in one.rows if row.samples and row.samples[0] == row.samples[0]]
    assert all(len(with_class(plot, "bar")) == len(drawn) for plot in plots(root))


@pytest.mark.parametrize("plot", ["bars", "curve", "histogram", "series"])
def test_nothing_is_said_to_be_nothing(plot: Plot) -> None:
    for rows in ([], [Row("sdk", ())], [Row("sdk", (float("inf"),), at=1.0)]):
        root = draw(outcome(*rows, plot=plot))
        assert (root.tag, text(root)) == ("p", "Nothing was measured.")


@pytest.mark.parametrize("plot", ["curve", "histogram", "series"])
def test_what_lacks_its_plots_figures_has_bars(plot: Plot) -> None:
    empty = Histogram((1.0, 2.0, 3.0), (0, 0))
    one = outcome(Row("sdk", (5.0,)), Row("spanwire", (4.0,), histogram=empty, series=((0.0, 1.0),)), plot=plot)
    assert all(len(with_class(drawn, "bar")) == 2 for drawn in plots(draw(one)))


def curve(*rows: Row, **more: object) -> Outcome:
    return outcome(*rows, plot="curve", axis="threads", **more)


def test_a_curve_has_a_tick_for_each_place_and_a_name_for_each_line() -> None:
    wide, narrow, *_ = plots(draw(USUAL["threads/W5"]))
    for plot in (wide, narrow):
        assert {"1", "2", "4", "8"} <= {text(tick) for tick in with_class(plot, "tick")}
        assert len(with_class(plot, "point")) == 12
        assert len(with_class(plot, "band")) == 3
        assert "threads" in text(with_class(plot, "axis")[0])
    keys = [text(key) for key in with_class(wide, "key")]
    assert [key.rpartition(" ")[0].rpartition(" ")[0] for key in keys] == ["SDK", "SDK + spanwire exporter", "spanwire"]
    assert [text(key) for key in with_class(narrow, "key")] == ["SDK", "SDK + spanwire exporter", "spanwire"]


def test_sides_have_marks_of_their_own_shapes() -> None:
    rows = [Row(side, (5.0,), at=at) for side in SIDES for at in (1, 2)]
    plot = plots(draw(curve(*rows)))[0]
    marks = {
        side: next(one for one in with_class(plot, f"s-{side}") if "mark" in one.get("class", "").split())
        for side in SIDES
    }
    shapes = set()
    for mark in marks.values():
        corners = [tuple(map(float, corner.split(","))) for corner in mark.get("points", "").split()]
        middle = [sum(values) / len(corners) for values in zip(*corners, strict=True)] if corners else []
        shapes.add(tuple(tuple(round(a - b, 1) for a, b in zip(corner, middle, strict=True)) for corner in corners))
    assert len(shapes) == len(SIDES)


CURVES = {
    "one side": [Row("spanwire", (5.0, 6.0), at=1), Row("spanwire", (7.0,), at=2)],
    "a side with one place": [Row("sdk", (5.0,), at=1), Row("spanwire", (7.0,), at=2), Row("spanwire", (7.0,), at=3)],
    "equal": [Row(side, (5.0, 5.0), at=at) for side in SIDES for at in (1, 2, 4)],
    "zero": [Row("sdk", (0.0,), at=0), Row("sdk", (0.0,), at=1)],
    "places from zero": [Row("sdk", (1.0,), at=0), Row("sdk", (2.0,), at=1_000_000)],
    "huge": [Row("sdk", (1e-6,), at=1e-9), Row("sdk", (1e18,), at=1e12)],
    "many places": [Row("sdk", (float(at + 1),), at=at) for at in range(200)],
    "some without a place": [Row("sdk", (5.0,)), Row("sdk", (5.0,), at=1), Row("spanwire", (9.0,), at=2)],
    "negative": [Row("sdk", (-5.0, 5.0), at=-1), Row("sdk", (-7.0,), at=1)],
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_at_the_edge(name: str) -> None:
    one = curve(*CURVES[name])
    places = sum(row.at is not None for row in one.rows)
    assert all(len(with_class(plot, "point")) == places for plot in plots(draw(one, one)))


def test_an_old_curve_is_dotted() -> None:
    old = curve(*(Row("spanwire", (9.0,), at=at) for at in (1, 2)), Row("sdk", (4.0,), at=1))
    new = curve(*(Row("spanwire", (5.0,), at=at) for at in (1, 2)))
    plot = plots(draw(new, old))[0]
    assert len(with_class(plot, "before")) == 1 and "dotted: before" in text(with_class(plot, "axis")[0])


def latency(side: str, histogram: Histogram) -> list[Row]:
    return [
        Row(side, (value,), at=at, histogram=histogram if at == 0.5 else None)
        for at, value in ((0.5, 20.0), (1.0, 900.0))
    ]


HISTOGRAMS = {
    "one bin": Histogram((10.0, 20.0), (5,)),
    "from zero": Histogram((0.0, 10.0, 100.0, 1_000.0), (5, 0, 1)),
    "empty around": Histogram((1.0, 10.0, 20.0, 50.0, 1e9), (0, 7, 0, 0)),
    "huge": Histogram((1e-6, 1.0, 1e15), (1 << 60, 1)),
    "edges that do not ascend": Histogram((5.0, 5.0, 8.0), (3, 4)),
}


@pytest.mark.parametrize("name", HISTOGRAMS)
def test_histograms_at_the_edge(name: str) -> None:
    one = outcome(*latency("sdk", HISTOGRAMS[name]), *latency("spanwire", HISTOGRAMS["one bin"]), plot="histogram")
    for plot in plots(draw(one, one)):
        assert len(with_class(plot, "hill")) == len(with_class(plot, "strip")) == 2
        assert len(with_class(plot, "quantile")) == 4
        assert "p50 20.0 ns · maximum 900 ns" in text(plot)


def test_a_side_without_histogram_is_left_out_of_the_histograms() -> None:
    one = outcome(*latency("sdk", Histogram((), ())), *latency("spanwire", HISTOGRAMS["one bin"]), plot="histogram")
    assert all(len(with_class(plot, "strip")) == 1 for plot in plots(draw(one)))


def test_only_what_is_full_and_between_is_drawn() -> None:
    assert bins(HISTOGRAMS["empty around"]) == [(10.0, 20.0, 7)]
    assert bins(Histogram((1, 2, 3, 4, 5), (0, 1, 0, 2))) == [(2, 3, 1), (3, 4, 0), (4, 5, 2)]
    assert bins(Histogram((1.0, 2.0), (0,))) == bins(Histogram((), ())) == []


def test_series_mark_what_is_to_be_marked() -> None:
    one = USUAL["memory/outage"]
    wide, narrow = plots(draw(one))
    for plot in (wide, narrow):
        (away,) = with_class(plot, "away")
        lines = [line for line in with_class(plot, "line") if "before" not in line.get("class", "")]
        xs = [float(x) for x in re.findall(r"[ML]([\d.]+) ", lines[0].get("d", ""))]
        along = (xs[-1] - xs[0]) / 59.8
        assert float(away.get("x", "")) == pytest.approx(xs[0] + 10 * along, abs=0.5)
        assert float(away.get("width", "")) == pytest.approx(30 * along, abs=0.5)
        assert "no backend" in [text(said) for said in with_class(plot, "tick")]
        assert "From 10 to 40 s: no backend." in text(plot[1])
    assert with_class(draw(dataclasses.replace(one, stretches=())), "away") == []


SERIES = {
    "two points": ((0.0, 5.0), (1.0, 6.0)),
    "nothing changes": ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0)),
    "one moment": ((5.0, 1.0), (5.0, 2.0)),
    "with holes": ((0.0, 5.0), (1.0, float("nan")), (2.0, 6.0)),
    "below zero": ((0.0, -5e6), (10.0, 5e6)),
    "many": tuple((second / 100, float(second % 97)) for second in range(20_000)),
}


@pytest.mark.parametrize("name", SERIES)
def test_series_at_the_edge(name: str) -> None:
    rows = [Row(side, (5.0,), series=SERIES[name]) for side in ("sdk", "spanwire", "zig")]
    one = outcome(*rows, plot="series", unit="bytes", stretches=((0.5, 900.0, "away"), (3.0, 3.0, "never")))
    for plot in plots(draw(one, one)):
        assert len(with_class(plot, "curve")) == 3
        assert len(ET.tostring(plot)) < 100_000


def test_what_has_no_finite_point_has_bars() -> None:
    nothing = ((0.0, float("nan")), (1.0, float("inf")))
    root = draw(outcome(Row("sdk", (5.0,), series=nothing), plot="series"))
    assert len(with_class(root, "bar")) == 2


points = st.lists(st.tuples(st.floats(0, 1e3), st.floats(-1e6, 1e6)), min_size=2, max_size=300).map(sorted)


@given(points, st.integers(4, 40))
def test_thinning_keeps_ends_and_extremes(known: list[tuple[float, float]], most: int) -> None:
    kept = thinned(known, most)
    assert kept == sorted(kept, key=lambda point: point[0]) and set(kept) <= set(known)
    assert (kept[0], kept[-1]) == (known[0], known[-1]) or len(known) > most
    assert {min(value for _, value in kept), max(value for _, value in kept)} == {
        min(value for _, value in known),
        max(value for _, value in known),
    }
    assert len(kept) <= most + 4


@given(st.lists(st.floats(0, 300), min_size=1, max_size=9), st.floats(1, 30))
def test_labels_are_moved_apart(places: list[float], least: float) -> None:
    moved = apart(places, least, 0, 300)
    ordered = sorted(moved)
    assert all(b - a >= least - 1e-6 for a, b in itertools.pairwise(ordered))
    assert ordered[0] >= -1e-6 and ordered[-1] <= 300 + 1e-6
    if all(b - a >= least for a, b in itertools.pairwise(sorted(places))):
        assert moved == pytest.approx(places)


figures = st.floats(-1e15, 1e15) | st.sampled_from([0.0, 1.0, 1e-9])
random_rows = st.lists(
    st.builds(
        Row,
        st.sampled_from([*SIDES, "zig"]),
        st.lists(figures, min_size=1, max_size=5).map(tuple),
        at=st.none() | st.sampled_from([0.5, 0.99, 1.0]) | st.floats(0, 1e6),
        histogram=st.none() | st.sampled_from(list(HISTOGRAMS.values())),
        series=st.sampled_from([(), *(points for points in SERIES.values() if len(points) < 100)]),
    ),
    max_size=12,
)


@pytest.mark.parametrize("plot", ["bars", "curve", "histogram", "series"])
@settings(max_examples=settings().max_examples // 3)
@given(rows=random_rows, old=random_rows)
def test_whatever_the_figures_are_the_plot_is_within_its_edges(plot: Plot, rows: list[Row], old: list[Row]) -> None:
    draw(outcome(*rows, plot=plot), outcome(*old, plot=plot))
