"""The figures of README.md and docs/performance.md: written from a kept result, and looked for again in another run.

``python benches/readme.py keep RUN.json ...`` puts runs where results are kept and writes the tables; ``write`` writes them anew from what
is kept; ``reproduced RUN.json`` says of each line whether a run gives it; ``name`` prints where a run of this machine is kept.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanwire_bench._measure import environment
from spanwire_bench.suite import _compare, _verdict
from spanwire_bench.suite._catalogue import SCENARIOS
from spanwire_bench.suite._choice import PEER_SCENARIOS, PYTHON_PEERS
from spanwire_bench.suite._command import OWN_ROUNDS
from spanwire_bench.suite._machine import file_name
from spanwire_bench.suite._model import BadDocument, Document
from spanwire_bench.suite._sides import OURS, PEERS
from spanwire_bench.suite._values import place, ratio_text, value

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benches" / "results"
BEGIN = re.compile(r"<!-- figures: begin\. From (\S+) by `make bench-readme`[^>]*-->\n")
END = "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """One of README's: what it is about in words, and where its figures are."""

    what: str
    outcome: str
    side: str = OURS
    at: float | None = None


LINES = (
    Line("a span with 5 attributes from its start to the backend's answer, all threads", "export/W5"),
    Line("the same with 10 attributes of 20 characters", "export/W10"),
    Line("spans of a web shop as instrumentations made them, the same way", "export/WR"),
    Line("5 attributes, the SDK's tracer with spanwire's exporter", "export/W5", side="exporter"),
    Line("make a span current, set 5 attributes, end it", "create/W5"),
    Line("the same where the sampler says no", "create/unsampled"),
    Line("encode a span with 5 attributes, never read before", "encode/W5"),
    Line("the same with 10 attributes of 20 characters", "encode/W10"),
    Line("a span with 5 attributes of 100,000 in numpy columns, to OTLP bytes", "columns/encode", at=100_000),
    Line("what `end()` keeps its caller for, while batches are sent: median", "latency/steady", at=0.5),
    Line("one in 100", "latency/steady", at=0.99),
    Line("memory of a finished span that waits for a backend", "memory/queued"),
    Line("import the exporter's class", "import/exporter"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """A line's, in one document: medians as text, and the ratio."""

    reference: str
    ours: str
    ratio: _verdict.Ratio


def figures(document: Document, line: Line) -> Figures | None:
    """None where it was not measured."""
    outcome = document.outcome(line.outcome)
    if outcome is None or outcome.reference is None:
        return None
    row, reference = outcome.row(line.side, line.at), outcome.row(outcome.reference, line.at)
    if row is None or reference is None or (found := _verdict.ratio(outcome, row, reference)) is None:
        return None
    return Figures(value(reference.median, outcome.unit), value(row.median, outcome.unit), found)


def interval(ratio: _verdict.Ratio) -> str:
    """What the ratio was between single rounds, at worst and at best."""
    return f"{ratio_text(ratio.least)} to {ratio_text(ratio.most)}"


def block(document: Document, peers: Document | None, name: str) -> str:
    """What stands between the markers, and the markers."""
    lines = [
        f"<!-- figures: begin. From {name} by `make bench-readme`; a test fails where they differ. -->",
        "| CPU, time or memory | SDK | spanwire | times less |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {line.what} | {found.reference} | {found.ours} | **{ratio_text(found.ratio.medians)}** ({interval(found.ratio)}) |"
        for line in LINES
        if (found := figures(document, line)) is not None
    ]
    lines += ["", *_how(document)]
    if peers is not None and (table := _peers(peers)):
        lines += ["", *table]
    return "\n".join([*lines, END, ""])


def _how(document: Document) -> list[str]:
    return [
        "Medians of interleaved rounds; in parentheses what single rounds span, from the worst of ours beside the best of the SDK's to the",
        f"opposite. The receiver is another process on another core. One machine: {_machine(document)}.",
        f"Yours: `make bench`, which says of each line whether it is reproduced: within that, or to {_verdict.SAME:.0%}.",
        "[docs/performance.md](docs/performance.md) says what is measured and how, and has more.",
    ]


def _machine(document: Document) -> str:
    where = document.environment
    sdk = where.get("versions", {}).get("opentelemetry-sdk")
    machine = f"{where['cpu']}, {where['cores']} cores, {where['implementation']} {where['python']}"
    return f"{machine}, SDK {sdk}, {document.started[:10]}"


def _peers(document: Document) -> list[str]:
    """A table of everybody else, beside the CPU of each what ours is of that."""
    outcomes = [one for one in document.outcomes if one.row(OURS) is not None]
    sides = [side for side in (OURS, *PYTHON_PEERS, *PEERS) if any(one.row(side) for one in outcomes)]
    if not outcomes or sides == [OURS]:
        return []
    batch = document.method.get("batch")
    lines = [
        f"CPU a span beside others, end to end in the same way, batches of {batch} (`make bench-peers`):",
        "",
        "| | " + " | ".join(f"{one.name.partition('/')[2]} | spanwire takes" for one in outcomes) + " |",
        "|---" * (1 + 2 * len(outcomes)) + "|",
    ]
    for side in sides:
        cells = []
        for outcome in outcomes:
            row, ours = outcome.row(side), outcome.row(OURS)
            assert ours is not None
            ratio = None if row is None or side == OURS else _verdict.ratio(outcome, ours, row)
            cells.append("" if row is None else value(row.median, outcome.unit))
            cells.append("" if ratio is None else _part(ratio))
        version = document.sides.get(side, {}).get("version") or ""
        lines.append(f"| {' '.join(filter(None, (_verdict.label(side), version)))} | {' | '.join(cells)} |")
    return lines


def _part(ratio: _verdict.Ratio) -> str:
    spanned = f"{ratio_text(1 / ratio.most)} to {ratio_text(1 / ratio.least)}"
    return f"**{ratio_text(1 / ratio.medians)}** of it ({spanned})"


def named(readme: str) -> Path:
    """The result that README's figures are from. Raises BadDocument if it names none."""
    marker = BEGIN.search(readme)
    if marker is None:
        raise BadDocument("README.md has no figures of a result: its marker is gone")
    return ROOT / marker.group(1)


def peers_of(path: Path) -> Path:
    """Where the run with the peers is kept, on the same machine."""
    return path.with_name(f"{path.stem}-peers.json")


def everything(document: Document, peers: Document | None, name: str) -> str:
    """What stands in docs/performance.md: each scenario at each place, and the markers."""
    lines = [
        f"<!-- figures: begin. From {name} by `make bench-readme`; a test fails where they differ. -->",
        f"`make bench-result`: {_machine(document)}. Medians, as in README; a ratio in parentheses is what single rounds span.",
        "",
        "| scenario | | SDK | SDK, spanwire's exporter | spanwire | times less |",
        "|---|---|---|---|---|---|",
    ]
    for outcome in document.outcomes:
        for at in dict.fromkeys(row.at for row in outcome.rows):
            rows = [outcome.row(side, at) for side in ("sdk", "exporter", OURS)]
            cells = ["" if row is None else value(row.median, outcome.unit) for row in rows]
            found = figures(document, Line("", outcome.name, at=at))
            ratio = "" if found is None else f"{ratio_text(found.ratio.medians)} ({interval(found.ratio)})"
            lines.append(f"| {outcome.name} | {place(outcome, at)} | {' | '.join(cells)} | {ratio} |")
    lines += [f"\nNot there: {name}: {why}." for name, why in document.left_out.items()]
    if peers is not None and (table := _peers(peers)):
        lines += ["", *table]
    return "\n".join([*lines, END, ""])


def _both(path: Path) -> tuple[Document, Document | None]:
    peers = peers_of(path)
    return _compare.read(str(path)), _compare.read(str(peers)) if peers.exists() else None


def written(readme: str, path: Path) -> str:
    """README with the figures of the result at ``path``. Raises BadDocument."""
    return _replaced(readme, block(*_both(path), path.relative_to(ROOT).as_posix()), "README.md")


def performance_written(page: str, path: Path) -> str:
    """docs/performance.md with them. Raises BadDocument."""
    return _replaced(page, everything(*_both(path), path.relative_to(ROOT).as_posix()), "docs/performance.md")


def _replaced(page: str, text: str, name: str) -> str:
    marker = BEGIN.search(page)
    if marker is None or END not in page[marker.end() :]:
        raise BadDocument(f"{name} has no place for figures: its markers are gone")
    end = page.index(END, marker.end()) + len(END) + 1
    return page[: marker.start()] + text + page[end:]


def sentences(kept: Document, run: Document) -> list[str]:
    """Of each line of README that the run has: whether it is the same."""
    said = []
    for line in LINES:
        before, now = figures(kept, line), figures(run, line)
        if before is not None:
            said.append(
                f"{line.what}: {ratio_text(before.ratio.medians)} ({interval(before.ratio)}): {_same(before, now)}"
            )
    return said


def _same(before: Figures, now: Figures | None) -> str:
    if now is None:
        return "not measured here"
    here = f"here {ratio_text(now.ratio.medians)}"
    if before.ratio.has(now.ratio.medians):
        return f"{here}: reproduced"
    if before.ratio.meets(now.ratio):
        return f"{here} ({interval(now.ratio)}): doubtful, only some rounds are the same"
    return f"{here} ({interval(now.ratio)}): NOT reproduced"


def unfit(document: Document) -> str | None:
    """Why a run is not kept, if it is not: a part of the suite, or a smaller one, would be taken for all of it."""
    if not document.complete:
        return "it was interrupted"
    asked = {"scale": 1, "rounds": OWN_ROUNDS}
    for name, usual in asked.items():
        if (said := document.method.get(name, usual)) != usual:
            return f"it was measured with {name} {said}, not {usual}"
    wanted = PEER_SCENARIOS if any(side in PEERS for side in document.sides) else [one.name for one in SCENARIOS]
    there = {one.name for one in document.outcomes}
    missing = [f"{name} ({document.left_out.get(name, 'not asked for')})" for name in wanted if name not in there]
    return f"it lacks {', '.join(missing)}" if missing else None


def keep(runs: Sequence[str]) -> None:
    """Put them where they are kept, and write README from the one without peers. Raises BadDocument."""
    table = None
    documents = {path: _compare.read(path) for path in runs}
    for path, document in documents.items():
        if (why := unfit(document)) is not None:
            raise BadDocument(f"{path}: {why}")
    RESULTS.mkdir(exist_ok=True)
    for path, document in documents.items():
        if str(document.environment.get("commit") or "").endswith("+"):
            print(f"note: {path} was measured with files that are in no commit: {document.environment['commit']}")
        kept = RESULTS / file_name(document.environment)
        if any(side in PEERS for side in document.sides):
            kept = peers_of(kept)
        else:
            table = kept
        kept.write_bytes(Path(path).read_bytes())
        print(f"kept as {kept.relative_to(ROOT)}")
    write(table or named(README.read_text(encoding="utf-8")))


def write(path: Path) -> None:
    """Raises BadDocument."""
    for page, make in ((README, written), (PERFORMANCE, performance_written)):
        page.write_text(make(page.read_text(encoding="utf-8"), path), encoding="utf-8")
        print(f"{page.relative_to(ROOT)} has the figures of {path.relative_to(ROOT)}")


def show_reproduced(run: str) -> None:
    """Raises BadDocument."""
    path = named(README.read_text(encoding="utf-8"))
    kept, here = _compare.read(str(path)), _compare.read(run)
    print(f"\nREADME.md's figures ({kept.started}), and what {run} gives: {here.command}, {here.started}")
    if not here.complete:
        print("  it was interrupted: this is a part of it")
    for difference in _compare.differences(kept, here):
        print(f"  not the same: {difference}")
    for sentence in sentences(kept, here):
        print(f"- {sentence}")


def main(arguments: Sequence[str]) -> int:
    try:
        match arguments:
            case ["keep", _, *_]:
                keep(arguments[1:])
            case ["write"]:
                write(named(README.read_text(encoding="utf-8")))
            case ["reproduced", run]:
                show_reproduced(run)
            case ["name"]:
                print((RESULTS / file_name(environment())).relative_to(ROOT).as_posix())
            case _:
                print("usage: readme.py keep RUN.json... | write | reproduced RUN.json | name", file=sys.stderr)
                return 2
    except BadDocument as error:
        print(f"readme.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
