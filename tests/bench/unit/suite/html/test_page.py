"""The whole page: what stands on it, that nothing of the document is more than text, and that it needs nothing else."""

import dataclasses
import importlib.resources
import itertools
import re
from typing import Any

import pytest

from spanwire_bench.suite import _html
from spanwire_bench.suite._html import render
from spanwire_bench.suite._model import Document, Outcome, Row
from tests.bench import documents as bench_documents
from tests.bench.documents import bars, document
from tests.bench.report_reader import parsed, plots, text, with_class

WHOLE = document()
PAGE = render(WHOLE)
ROOT = parsed(PAGE)


def test_every_outcome_has_its_article_plot_and_table() -> None:
    articles = list(ROOT.iter("article"))
    assert len(articles) == len(WHOLE.outcomes)
    for one, outcome in zip(articles, WHOLE.outcomes, strict=True):
        heading = next(one.iter("h3"))
        assert text(heading) == outcome.title and outcome.what in text(one) and outcome.name in text(one)
        assert len(plots(one)) >= 2
        (details,) = one.iter("details")
        table = next(details.iter("table"))
        assert len(list(table.iter("tr"))) == 1 + len(outcome.rows)


def test_the_table_has_every_figure() -> None:
    (one,) = [one for one in ROOT.iter("article") if one.get("id") == "o-export-w5"]
    lines = [[text(cell) for cell in line] for line in next(one.iter("table")).iter("tr")]
    head = lines[0]
    assert head[:4] == ["side", "median", "minimum", "maximum"]
    assert {"spread", "rounds", "instructions", "ratio", "verdict", "delivered"} <= set(head)
    ours = dict(zip(head, next(line for line in lines if line[0] == "spanwire"), strict=True))
    assert ours["median"].endswith(" ns") and ours["ratio"].endswith("×") and ours["instructions"] == "1,872"
    assert "times the CPU of spanwire" in ours["verdict"]
    rust = dict(zip(head, next(line for line in lines if line[0] == "opentelemetry-rust"), strict=True))
    assert re.match(r"spanwire takes 0\.4\d .* of opentelemetry-rust's CPU", rust["verdict"])


def test_headline_is_the_whole_way_and_only_where_it_was_measured() -> None:
    (hero,) = with_class(ROOT, "hero")
    assert re.match(r"8\d×W5 end to end: the SDK takes 8\d times the CPU of spanwire", text(hero))
    assert len(plots(with_class(ROOT, "headline")[0])) == 4
    for outcomes in (
        [],
        [bars("encode/W5", "Encode", {"sdk": 5.0, "spanwire": 1.0})],
        [bars("export/W5", "W5", {"spanwire": 1.0})],
        [bars("export/W5", "W5", {"sdk": 5.0})],
        [bars("export/W5", "W5", {"sdk": 0.0, "spanwire": 0.0})],
        [Outcome("export/W5", "W5", "", (Row("sdk", ()), Row("spanwire", (1.0,))))],
    ):
        assert with_class(parsed(render(document(outcomes))), "hero") == []


def test_machine_command_and_what_was_left_out_are_said() -> None:
    said = text(ROOT)
    for part in (
        "AMD EPYC 9B14, 2 cores",
        "Linux 6.8.0 x86_64",
        "CPython 3.13.1",
        "2026-11-25 21:04 UTC",
        "8 min 31 s",
    ):
        assert part in said
    assert "spanwire bench --peers --html report.html" in said
    assert "columns/decode: pyarrow is not installed" in said
    assert "opentelemetry-sdk" in said and "1.45.2" in said
    assert "Partial run" not in said
    assert "Partial run" in text(parsed(render(document(complete=False))))


def test_goals_against_peers_are_said_and_counted() -> None:
    middles = {"sdk": 50_000.0, "spanwire": 400.0, "opentelemetry-rust": 1_000.0, "opentelemetry-java": 300.0}
    goals = {"opentelemetry-rust": 1 / 0.45, "opentelemetry-java": 1.0}
    page = parsed(render(document([bars("export/W5", "U", middles, goal=75.0, peer_goals=goals)])))
    (article,) = [one for one in page.iter() if one.tag.endswith("article")]
    assert [text(chip) for chip in with_class(article, "chip")] == [
        "✓ goal 75× met",
        "✗ 1 of 2 goals against peers met",
    ]
    said = [text(one) for one in with_class(article, "against")]
    assert any("of opentelemetry-rust's CPU; goal at most 0.45: met." in one for one in said)
    assert any("of opentelemetry-java's CPU; goal to be below it: NOT met." in one for one in said)
    assert "2 of 3 goals met" in text(page)


def test_doubt_and_goals_are_said_in_words() -> None:
    vague = Outcome(
        "a/b", "T", "W", (Row("sdk", (10.0, 12.0, 14.0, 16.0)), Row("spanwire", (11.0, 12.0, 13.0, 15.0))), goal=2.0
    )
    page = parsed(render(document([vague, bars("c/d", "U", {"sdk": 100.0, "spanwire": 1.0}, goal=9.0)])))
    article, other = page.iter("article")
    assert [text(chip) for chip in with_class(article, "chip")] == ["✗ goal 2.0× missed", "≈ doubtful"]
    assert "the rounds overlap" in text(article)
    assert [text(chip) for chip in with_class(other, "chip")] == ["✓ goal 9.0× met"]
    assert "1 of 2 goals met" in text(page)
    within = Outcome("a/b", "T", "W", (Row("sdk", (90.0, 110.0)), Row("spanwire", (1.0, 1.0))), goal=100.0)
    said = [text(chip) for chip in with_class(next(parsed(render(document([within]))).iter("article")), "chip")]
    assert said == ["≈ goal 100× doubtful", "≈ 2 rounds only"]


@pytest.mark.parametrize("rounds", [1, 2, 3, 4, 8])
def test_at_a_glance_stresses_no_ratio_of_few_rounds(rounds: int) -> None:
    rows = (Row("sdk", (5_400.0,) * rounds), Row("spanwire", (100.0,) * rounds))
    page = parsed(render(dataclasses.replace(WHOLE, outcomes=(Outcome("export/w5", "W5", "CPU.", rows),))))
    (glance,) = [one for one in page.iter("section") if one.get("id") == "glance"]
    line = list(glance.iter("tr"))[1]
    assert "54×" in text(line)
    assert ("b" in {one.tag for one in line.iter()}) == (rounds >= 4)
    caveat = f"≈ {rounds} round{'s' * (rounds > 1)} only"
    assert (caveat in text(line)) == (rounds < 4)


def test_an_old_run_has_a_column_and_marks() -> None:
    old = document(
        [dataclasses.replace(one, rows=one.rows[:1]) for one in WHOLE.outcomes[:3]], started="2026-10-01T00:00:00+00:00"
    )
    page = parsed(render(WHOLE, old))
    assert "a run of 2026-10-01 00:00 UTC" in text(page)
    heads = [[text(cell) for cell in next(one.iter("tr"))] for one in page.iter("table")]
    assert sum("median before" in head for head in heads) == sum("change" in head for head in heads) == 3
    assert len(with_class(page, "ghost")) > 0
    assert with_class(ROOT, "ghost") == [] and "before" not in text(ROOT)


def test_a_document_without_anything_is_a_page() -> None:
    nothing = Document("", "", 0.0, False, {}, {}, {}, ())
    root = parsed(render(nothing, nothing))
    assert "Partial run" in text(root) and list(root.iter("article")) == []


def test_headings_go_down_by_one_and_ids_are_there_once() -> None:
    levels = [int(one.tag[1]) for one in ROOT.iter() if re.fullmatch(r"h[1-6]", one.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [said for one in ROOT.iter() if (said := one.get("id"))]
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "aria-describedby"):
        assert {one.get(name) for one in ROOT.iter()} - {None} <= set(ids)
    assert {one.get("href", "")[1:] for one in ROOT.iter("a")} <= set(ids)


def test_landmarks_language_captions_and_scopes() -> None:
    assert ROOT.get("lang") == "en"
    assert [len(list(ROOT.iter(tag))) for tag in ("main", "nav", "footer")] == [1, 1, 1]
    assert text(next(ROOT.iter("a"))) == "To the results"
    for table in ROOT.iter("table"):
        assert [child.tag for child in table] == ["caption", "thead", "tbody"] and text(table[0])
        assert all(cell.get("scope") in {"row", "col"} for cell in table.iter("th"))
    for box in with_class(ROOT, "scroll"):
        assert (box.get("tabindex"), box.get("role")) == ("0", "region") and box.get("aria-label")
    for one in ROOT.iter("section"):
        assert one.get("aria-labelledby")


def test_two_outcomes_of_one_name_have_ids_of_their_own() -> None:
    same = bars("a/b", "Same", {"sdk": 2.0, "spanwire": 1.0})
    root = parsed(
        render(document([same, same, dataclasses.replace(same, name="A b"), dataclasses.replace(same, name="??")]))
    )
    ids = [one.get("id") for one in root.iter("article")]
    assert ids == ["o-a-b", "o-a-b.2", "o-a-b.3", "o-outcome"]


HOSTILE = "</style></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)> & \x00\x1b[31m\x9b \u202e \ud800"


def hostile() -> Document:
    rows = (
        Row(HOSTILE, (5.0, 6.0), note=HOSTILE),
        Row("spanwire", (1.0,), note=HOSTILE),
        Row("spanwire", (1.0,), at=2.0, series=((0.0, 1.0), (1.0, 2.0)), note=HOSTILE),
    )
    plots_: list[Any] = ["bars", "curve", "histogram", "series", HOSTILE]
    outcomes = [
        Outcome(
            HOSTILE + plot,
            HOSTILE,
            HOSTILE,
            rows,
            HOSTILE,
            HOSTILE,
            plot,
            HOSTILE,
            axis=HOSTILE,
            stretches=((0, 1, HOSTILE),),
        )
        for plot in plots_
    ]
    side = {"label": HOSTILE, "language": HOSTILE, "what": HOSTILE, "version": HOSTILE}
    facts = {HOSTILE: HOSTILE, "cpu": HOSTILE, "system": HOSTILE, "python": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    return Document(
        HOSTILE, HOSTILE, 1.0, False, facts, facts, {HOSTILE: side, "spanwire": side}, outcomes, {HOSTILE: HOSTILE}
    )


def test_whatever_the_document_says_is_text() -> None:
    page = render(hostile(), hostile())
    assert page.count("<script") == page.count("</script") == page.count("<style") == page.count("</style") == 1
    root = parsed(page)
    usual = {one.tag for one in ROOT.iter()} | {"p", "ul", "li", "b"}
    assert {one.tag for one in root.iter()} <= usual
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or name == "style"]
    assert {one.get("href", "")[:1] for one in root.iter("a")} == {"#"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", page)
    assert "<script>alert(1)</script>" in text(root)
    page.encode()


def test_what_is_no_text_in_a_file_is_shown_as_it_is() -> None:
    strange: Any = {"cpu": ["a", {"b": None}], "cores": True, "versions": "none"}
    odd = document(environment=strange, sides={"sdk": None, "spanwire": {"label": 5}}, method={"a": {"b": [1, False]}})
    said = text(parsed(render(odd)))
    assert "b 1, no" in said


def test_it_fetches_nothing_and_allows_nothing_else() -> None:
    bare = PAGE.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w|@import|url\(|<img|<iframe|<object|fetch\(|XMLHttp|localStorage", bare)
    policy = next(
        one.get("content", "") for one in ROOT.iter("meta") if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert not re.search(r"<[^>]+ (style|on\w+)=", PAGE)


def test_style_and_script_lie_beside_the_code() -> None:
    """And can stand in a page: nothing in them ends them, nor needs another line end."""
    for name in ("report.css", "report.js"):
        content = importlib.resources.files(_html).joinpath(name).read_bytes().decode("ascii")
        assert content in PAGE and "</" not in content and "<!--" not in content and "\r" not in content


def test_the_same_document_gives_the_same_page_and_a_whole_run_stays_small() -> None:
    assert render(bench_documents.document()) == PAGE
    assert len(PAGE.encode()) < 600_000
