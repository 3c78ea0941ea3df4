"""README.md's figures are those of the result that is kept; a run is held against them line by line."""

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from benches import readme
from spanwire_bench.suite import _choice, _compare
from spanwire_bench.suite._catalogue import SCENARIOS
from spanwire_bench.suite._command import OWN_ROUNDS
from spanwire_bench.suite._machine import file_name
from spanwire_bench.suite._model import BadDocument, Document, Outcome, Row
from tests.bench.documents import bars, document
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readmes_figures_are_those_of_the_kept_result() -> None:
    assert readme.written(README, readme.named(README)) == README, "make bench-readme"


def test_the_performance_pages_figures_are_those_of_the_same_result() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert readme.named(page) == readme.named(README)
    assert readme.performance_written(page, readme.named(page)) == page, "make bench-readme"


def test_every_line_of_the_kept_result_is_one_that_the_suite_has() -> None:
    assert {line.outcome for line in readme.LINES} <= {one.name for one in SCENARIOS}


def test_make_bench_measures_every_line() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    chosen = re.search(r"^BENCH \?= \$\(addprefix --scenario ,(.+)\)$", makefile, re.MULTILINE)
    assert chosen is not None and "spanwire bench $(BENCH) " in makefile
    measured = {one.name for one in _choice.scenarios(chosen.group(1).split())}
    assert {line.outcome for line in readme.LINES} <= measured


def test_kept_results_are_named_by_their_machine_and_whole() -> None:
    for path in readme.RESULTS.glob("*.json"):
        kept = _compare.read(str(path))
        assert readme.unfit(kept) is None
        assert path.name.replace("-peers.json", ".json") == file_name(kept.environment)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with README and nothing else."""
    places = {"README": "README.md", "PERFORMANCE": "docs/performance.md", "RESULTS": "benches/results"}
    for name, path in places.items():
        monkeypatch.setattr(readme, name, tmp_path / path)
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    for name in ("SCENARIOS", "PEER_SCENARIOS"):  # here a part of them is enough
        monkeypatch.setattr(readme, name, ())
    (tmp_path / "benches").mkdir()
    (tmp_path / "docs").mkdir()
    for path in ("README.md", "docs/performance.md"):
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def put(said: Document, path: Path) -> str:
    path.write_text(json.dumps(said.as_json()), encoding="utf-8")
    return str(path)


def plain(**middles: float) -> Document:
    """A run without peers."""
    said = document([bars("export/W5", "title", middles or {"sdk": 50_000.0, "spanwire": 625.0})])
    return replace(said, sides={"sdk": {}, "spanwire": {}}, method={"scale": 1.0, "rounds": OWN_ROUNDS})


def test_a_run_that_is_kept_writes_the_table_and_nothing_else(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main(["keep", put(plain(), place / "run.json")]) == 0
    text = (place / "README.md").read_text(encoding="utf-8")
    assert (place / "benches/results/amd-epyc-9b14-2-cores-python-3.13.json").exists()
    assert "From benches/results/amd-epyc-9b14-2-cores-python-3.13.json by `make bench-readme`" in text
    line = next(line for line in text.splitlines() if line.startswith("| a span with 5 attributes from its start"))
    assert line.count("|") == 5 and "**8" in line and " to " in line
    assert "| the same with 10 attributes of 20 characters |" not in text  # it was not measured
    before, after = README.split("<!-- figures: begin")[0], README.split("<!-- figures: end -->")[1]
    assert text.startswith(before) and text.endswith(after)
    assert readme.main(["write"]) == 0
    assert (place / "README.md").read_text(encoding="utf-8") == text
    assert "kept as benches/results/" in capsys.readouterr().out


def test_the_performance_page_has_every_scenario_at_every_place(place: Path) -> None:
    said = replace(document(), sides={"sdk": {}, "spanwire": {}}, method={})
    assert readme.main(["keep", put(said, place / "run.json")]) == 0
    page = (place / "docs/performance.md").read_text(encoding="utf-8")
    for outcome in said.outcomes:
        assert f"| {outcome.name} | " in page
    for at in ("1 thread", "8 threads"):
        assert f"| threads/W5 | {at} | " in page
    assert "| latency/steady | p99.9 | " in page
    assert "Not there: columns/decode: pyarrow is not installed." in page


def test_a_figure_that_differs_by_a_digit_is_found(place: Path) -> None:
    readme.main(["keep", put(plain(), place / "run.json")])
    text = (place / "README.md").read_text(encoding="utf-8")
    path = readme.named(text)
    assert readme.written(text, path) == text
    changed = text.replace("µs | ", "µs |  ", 1)
    assert changed != text and readme.written(changed, path) != changed


def test_peers_have_a_table_of_their_own_with_what_spanwire_takes_of_each(place: Path) -> None:
    rows = {"sdk": 50_000.0, "spanwire": 500.0, "opentelemetry-rust": 1_000.0, "opentelemetry-java": 2_000.0}
    said = [
        Outcome(name, "", "", tuple(Row(side, (one, one)) for side, one in rows.items()))
        for name in ("export/W5", "export/W10")
    ]
    beside = replace(document(said), method={"batch": 512})
    assert readme.main(["keep", put(plain(), place / "run.json"), put(beside, place / "peers.json")]) == 0
    text = (place / "README.md").read_text(encoding="utf-8")
    assert "batches of 512 (`make bench-peers`)" in text
    assert "| | W5 | spanwire takes | W10 | spanwire takes |" in text
    assert "| spanwire 0.1.0 | 500 ns |  | 500 ns |  |" in text
    assert (
        "| opentelemetry-rust 0.32.0 | 1.00 µs | **0.50** of it (0.50 to 0.50) | 1.00 µs | **0.50** of it (0.50 to 0.50) |"
        in text
    )
    assert (
        "| opentelemetry-java | 2.00 µs | **0.25** of it (0.25 to 0.25) | 2.00 µs | **0.25** of it (0.25 to 0.25) |"
        in text
    )
    assert (place / "benches/results/amd-epyc-9b14-2-cores-python-3.13-peers.json").exists()


def test_an_interrupted_run_is_not_kept(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(replace(plain(), complete=False), place / "run.json")
    assert readme.main(["keep", path]) == 1
    assert capsys.readouterr().err == f"readme.py: {path}: it was interrupted\n"
    assert (place / "README.md").read_text(encoding="utf-8") == README


def whole(names: Iterable[str], *sides: str) -> Document:
    """A run of these scenarios, as it is kept."""
    outcomes = [bars(name, "title", {"sdk": 50_000.0, "spanwire": 625.0}) for name in names]
    return replace(plain(), outcomes=outcomes, sides={side: {} for side in ("sdk", "spanwire", *sides)}, left_out={})


EVERY = [one.name for one in SCENARIOS]


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (whole(EVERY[1:]), f"it lacks {EVERY[0]} (not asked for)"),
        (replace(whole(EVERY[1:]), left_out={EVERY[0]: "spans were lost"}), f"it lacks {EVERY[0]} (spans were lost)"),
        (replace(whole(EVERY), complete=False), "it was interrupted"),
        (replace(whole(EVERY), method={"scale": 0.02}), "it was measured with scale 0.02, not 1"),
        (replace(whole(EVERY), method={"rounds": 2}), "it was measured with rounds 2, not each scenario's own"),
        (whole(["export/W5"], "opentelemetry-rust"), "it lacks export/W10 (not asked for)"),
        (whole(EVERY), None),
        (whole(["export/W5", "export/W10"], "opentelemetry-rust"), None),
    ],
)
def test_only_the_whole_suite_at_its_size_is_kept(run: Document, why: str | None) -> None:
    assert readme.unfit(run) == why


def test_where_one_of_two_runs_is_unfit_nothing_is_kept(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = put(replace(plain(), complete=False), place / "bad.json")
    assert readme.main(["keep", put(plain(), place / "run.json"), bad]) == 1
    assert not (place / "benches/results").exists() and "it was interrupted" in capsys.readouterr().err


def test_a_run_of_changed_files_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = replace(plain(), environment={**plain().environment, "commit": "abc+"})
    assert readme.main(["keep", put(changed, place / "run.json")]) == 0
    assert "was measured with files that are in no commit: abc+\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ((625.0, 625.0, 625.0), "here 80: reproduced"),
        ((650.0, 650.0), "here 77: reproduced"),  # to 5 %
        ((630.0, 700.0, 700.0), "here 71 (71 to 79): doubtful, only some rounds are the same"),
        ((1_000.0, 1_000.0), "here 50 (50 to 50): NOT reproduced"),
        ((1_000.0,), "here 50 (50 to 50): NOT reproduced"),
    ],
)
def test_each_line_is_reproduced_or_not_or_in_doubt(now: tuple[float, ...], said: str) -> None:
    def run(ours: tuple[float, ...]) -> Document:
        return document([Outcome("export/W5", "", "", (Row("sdk", (50_000.0, 50_000.0)), Row("spanwire", ours)))])

    (sentence,) = readme.sentences(run((620.0, 625.0, 640.0)), run(now))
    assert sentence == f"{readme.LINES[0].what}: 80 (78 to 81): {said}"


def test_a_line_that_a_run_has_not_is_told_to_be_missing() -> None:
    (sentence,) = readme.sentences(plain(), document([]))
    assert sentence.endswith(": not measured here")


def test_what_differs_of_the_machine_is_told_with_the_lines(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme.main(["keep", put(plain(), place / "run.json")])
    capsys.readouterr()
    other = replace(plain(), environment={**plain().environment, "cpu": "another"})
    assert readme.main(["reproduced", put(other, place / "other.json")]) == 0
    out = capsys.readouterr().out
    assert f"and what {place / 'other.json'} gives: {other.command}, {other.started}\n" in out
    assert "interrupted" not in out
    assert "not the same: cpu: AMD EPYC 9B14 then, another now" in out
    assert out.count(": reproduced\n") == 1


def test_a_readme_without_its_markers_is_refused() -> None:
    with pytest.raises(BadDocument, match="its marker is gone"):
        readme.named("# spanwire\n")


@pytest.mark.parametrize("arguments", [[], ["keep"], ["write", "x"], ["else"]])
def test_what_is_no_command_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: readme.py ")


def test_a_machine_has_a_place_for_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main(["name"]) == 0
    assert capsys.readouterr().out.startswith("benches/results/")
