"""``spanwire bench`` without a command, in a process of its own: what it writes, what it refuses, and how it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spanwire_bench.suite import _command, _compare
from spanwire_bench.suite._catalogue import SCENARIOS
from spanwire_bench.suite._model import Document
from spanwire_bench.suite._scenario import Settings
from spanwire_bench.suite._sides import SIDES
from tests.conftest import NOT_APPLICABLE, ROOT
from tests.processes import Ended, python

pytestmark = pytest.mark.slow

REAL = ("-m", "spanwire")
PLANNED = (
    "-m",
    "tests.bench.scenarios",
)  # encode/W5, columns/encode (fails), create/W5 (breaks), export/W5 (hangs), encode/W10


def bench(*arguments: object, program: tuple[str, ...] = REAL) -> Ended:
    return python(*program, "bench", *arguments, status=None, timeout=110, folder=ROOT)


def read(text: str) -> Document:
    return Document.from_json(json.loads(text))


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.02)
    return found


def test_a_real_scenario_as_json_is_a_document_and_nothing_else() -> None:
    done = bench("--scenario", "import/exporter", "--rounds", 1, "--scale", 0.02, "--json", "-", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    said = read(done.stdout)
    assert said.complete and not said.left_out
    assert said.command.startswith("spanwire bench --scenario import/exporter ")
    assert [outcome.name for outcome in said.outcomes] == ["import/exporter"]
    assert [(row.side, len(row.samples)) for row in said.outcomes[0].rows] == [("sdk", 1), ("spanwire", 1)]
    assert said.sides["spanwire"]["label"] == SIDES["spanwire"].label and said.sides["spanwire"]["version"]
    assert {"kernel", "memory_bytes", "governor", "smt", "commit", "versions"} <= said.environment.keys()
    assert said.method["rounds"] == 1 and said.method["instructions"]


def test_a_run_shows_a_table_writes_files_and_says_what_changed(tmp_path: Path) -> None:
    old, new, page = (tmp_path / name for name in ("old.json", "new.json", "report.html"))
    first = bench("--scenario", "create/start", "--scale", 0.02, "--rounds", 3, "--json", old)
    assert (first.returncode, first.stderr.count("\n")) == (0, 1)
    assert "1/1 create/start-end: " in first.stderr
    second = bench(
        *("--scenario", "create/start-end", "--scale", 0.02, "--rounds", 3),
        *("--json", new, "--html", page, "--compare", old, "--quiet"),
    )
    assert (second.returncode, second.stderr) == (0, "")
    assert max(map(len, second.stdout.splitlines())) <= 80
    assert "SDK takes " in second.stdout and f"beside {old}" in second.stdout.replace("\n", "")
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert read(new.read_text(encoding="utf-8")).outcomes[0].name == "create/start-end"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.json", "old.json", "report.html"]


@pytest.mark.parametrize("option", [("--json",), ("--json", "-"), ("--json=-",)])
def test_json_without_a_path_is_printed(option: tuple[str, ...]) -> None:
    done = bench("--scenario", "encode/W5", *option, program=PLANNED)
    assert done.returncode == 0
    assert [len(row.samples) for row in read(done.stdout).outcomes[0].rows] == [3, 3, 3]


@pytest.mark.parametrize(("scale", "judged"), [(0.1, False), (0.2, True)])
def test_a_run_of_next_to_nothing_judges_no_goal(scale: float, judged: bool, tmp_path: Path) -> None:
    done = bench("--scenario", "encode/W5", "--scale", scale, "--json", tmp_path / "run.json", program=PLANNED)
    said = read((tmp_path / "run.json").read_text(encoding="utf-8"))
    judged = judged and said.method["sender_core"] is not None
    assert ("goal 50: met" in done.stdout, said.outcomes[0].goal is not None) == (judged, judged)
    assert ("goals: not judged: " in done.stdout) is not judged


@pytest.mark.parametrize(("option", "most"), [("--rounds", 1_000), ("--batch", 8_192)])
def test_more_than_can_be_measured_is_refused_at_once(option: str, most: int) -> None:
    assert bench("--list", option, most).returncode == 0
    done = bench("--list", option, most + 1)
    assert (done.returncode, done.stdout) == (2, "") and option in done.stderr


def test_one_core_judges_no_goal() -> None:
    settings = Settings(("sdk", "spanwire"))
    assert "one core" in str(_command.no_goals(settings))
    assert _command.no_goals(replace(settings, sender_core=1)) is None


def test_json_without_a_path_before_another_option_is_printed() -> None:
    done = bench("--json", "--scenario", "encode/W5", "--quiet", program=PLANNED)
    assert (done.returncode, done.stderr) == (0, "")
    assert read(done.stdout).complete


def test_what_fails_is_told_and_the_rest_is_there() -> None:
    done = bench("--scenario", "enc", "--scenario", "columns", "--scenario", "create", "--json", program=PLANNED)
    assert done.returncode == 1
    said = read(done.stdout)
    assert [outcome.name for outcome in said.outcomes] == ["encode/W5", "encode/W10"]
    assert said.left_out["columns/encode"] == "numpy is missing: pip install numpy"
    assert done.stderr.splitlines()[-1] == "spanwire bench: no figures of columns/encode, create/W5"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_what_is_finished_in_every_output_and_no_process(
    number: signal.Signals, tmp_path: Path
) -> None:
    out, page, children = tmp_path / "run.json", tmp_path / "report.html", tmp_path / "children"
    with subprocess.Popen(
        [
            sys.executable,
            *PLANNED,
            "bench",
            "--scenario",
            "encode",
            "--scenario",
            "export",
            "--json",
            str(out),
            "--html",
            str(page),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
        preexec_fn=hangs_up,
    ) as process:
        wait_for(children.exists, "the scenario did not begin")
        process.send_signal(number)
        table, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert not list(tmp_path.glob(".*.part"))
    said = read(out.read_text(encoding="utf-8"))
    assert not said.complete
    assert [outcome.name for outcome in said.outcomes] == ["encode/W5"]
    assert said.left_out == {"export/W5": "interrupted", "encode/W10": "not begun: the run was interrupted"}
    assert "encode/W5" in table and "interrupted: this is a part" in " ".join(table.split())
    assert "interrupted" in page.read_text(encoding="utf-8")
    assert errors.splitlines()[-1] == "spanwire bench: interrupted; what was finished is shown and written"
    if Path("/proc/self/task").exists():
        pids = children.read_text(encoding="ascii").split()
        assert len(pids) == 2 and not any(Path("/proc", pid).exists() for pid in pids)


def hangs_up() -> None:
    """For a process to be: not what ``nohup`` around the tests would make of it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="not applicable: no terminals here")
def test_a_terminal_that_goes_away_leaves_what_is_finished(tmp_path: Path) -> None:
    """Everything that is shown then fails, and the signal comes twice: from the kernel and from the shell."""
    out, page, children = tmp_path / "run.json", tmp_path / "report.html", tmp_path / "children"
    ours, theirs = os.openpty()
    arguments = ("--scenario", "encode", "--scenario", "export", "--json", str(out), "--html", str(page))
    with subprocess.Popen(
        [sys.executable, *PLANNED, "bench", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        preexec_fn=hangs_up,
    ) as process:
        os.close(theirs)
        wait_for(children.exists, "the scenario did not begin")
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert [one.name for one in read(out.read_text(encoding="utf-8")).outcomes] == ["encode/W5"]
    assert "interrupted" in page.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["children", "report.html", "run.json"]


def test_under_nohup_a_hang_up_ends_nothing(tmp_path: Path) -> None:
    arguments = ("bench", "--scenario", "create/scope", "--rounds", "2", "--scale", "0.02", "--json", "-")
    with subprocess.Popen(
        [sys.executable, *REAL, *arguments],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # before the first comes
    ) as process:
        for _ in range(20):
            time.sleep(0.05)
            process.send_signal(signal.SIGHUP)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and read(said.decode()).complete


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="not applicable: no /dev/full")
@pytest.mark.parametrize("full", ["table", "--json", "--html"])
def test_what_finds_no_room_costs_nothing_else(full: str, tmp_path: Path) -> None:
    places = {"--json": tmp_path / "run.json", "--html": tmp_path / "report.html"}
    arguments = [part for option, path in places.items() for part in (option, "/dev/full" if option == full else path)]
    with Path("/dev/full" if full == "table" else tmp_path / "table").open("w", encoding="utf-8") as table:
        done = subprocess.run(
            [sys.executable, *PLANNED, "bench", "--quiet", "--scenario", "encode/W5", *map(str, arguments)],
            stdout=table,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            timeout=60,
            cwd=ROOT,
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.endswith(": No space left on device\n")
    if full != "table":
        assert "SDK takes" in (tmp_path / "table").read_text(encoding="utf-8")
    if full != "--json":
        assert read(places["--json"].read_text(encoding="utf-8")).complete
    if full != "--html":
        assert "</html>" in places["--html"].read_text(encoding="utf-8")


def test_whoever_reads_no_more_costs_no_file(tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [sys.executable, *PLANNED, "bench", "--quiet", "--scenario", "encode/W5", "--json", str(out)],
            stdout=closed,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            timeout=60,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (1, "")
    assert read(out.read_text(encoding="utf-8")).complete


def test_a_report_that_breaks_costs_neither_table_nor_json(tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    breaks = "from spanwire_bench.suite import _html\n_html.render = lambda *_: 1 / 0\n"
    runs = "import runpy\nrunpy.run_module('tests.bench.scenarios', run_name='__main__', alter_sys=True)"
    arguments = ("--quiet", "--scenario", "encode/W5", "--json", out, "--html", tmp_path / "report.html")
    done = bench(*arguments, program=("-c", breaks + runs))
    assert done.returncode == 1 and "SDK takes" in done.stdout
    assert done.stderr.endswith("report.html: the report cannot be written: ZeroDivisionError: division by zero\n")
    assert done.stderr.count("\n") == 1
    assert read(out.read_text(encoding="utf-8")).complete
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_two_outputs_at_one_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "run")
    done = bench("--scenario", "encode/W5", "--json", tmp_path / "run", "--html", tmp_path / "link", program=PLANNED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"spanwire bench: --json and --html cannot both be written to {tmp_path / 'run'}\n"


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has ended meanwhile
            for child in task.read_text(encoding="ascii").split():
                found += [int(child), *descendants(int(child))]
    return found


def senders(pid: int) -> list[int]:
    """What descends from it, once one of them is a sender past its start."""
    found = descendants(pid)
    for child in found:
        with suppress(OSError):  # likewise
            if b"_child" in Path(f"/proc/{child}/cmdline").read_bytes():
                return found
    return []


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ctrl_c_in_a_real_scenario_leaves_a_valid_part_and_no_process(tmp_path: Path) -> None:
    if not Path("/proc/self/task").exists():
        pytest.skip(NOT_APPLICABLE + "no /proc to find children in")
    out = tmp_path / "run.json"
    with subprocess.Popen(
        [
            sys.executable,
            *REAL,
            "bench",
            "--scenario",
            "create/start-end",
            "--scenario",
            "export/W5",
            "--scale",
            "0.1",
            "--rounds",
            "50",
            "--json",
            str(out),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
        start_new_session=True,
    ) as process:

        def begun() -> list[int]:
            """The receiver and a sender, or more; not what the run asks about the machine first."""
            assert process.poll() is None
            found = senders(process.pid)
            return found if len(found) >= 2 else []

        # In the catalogue's order export comes first, so nothing is finished yet.
        started = wait_for(begun, "no sender was started")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        process.communicate(timeout=60)
    assert process.returncode == 130
    said = read(out.read_text(encoding="utf-8"))
    assert not said.complete and said.left_out["export/W5"] == "interrupted"
    assert said.left_out["create/start-end"].startswith("not begun")
    assert not any(map(running, started))
    _compare.read(str(out))  # a part can be compared with


def test_a_run_that_is_killed_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    out, children = tmp_path / "run.json", tmp_path / "children"
    out.write_text("old", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, *PLANNED, "bench", "--scenario", "export", "--json", str(out), "--quiet"], cwd=ROOT
    ) as process:
        wait_for(children.exists, "the scenario did not begin")
        process.kill()
    for pid in children.read_text(encoding="ascii").split():
        os.kill(int(pid), signal.SIGKILL)
    assert out.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(option: str, tmp_path: Path) -> None:
    place = tmp_path / "nowhere" / "file"
    done = bench("--scenario", "encode/W5", option, place, program=PLANNED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"spanwire bench: {place}: No such file or directory\n"


def test_one_stream_is_not_written_twice() -> None:
    done = bench("--scenario", "encode/W5", "--json", "-", "--html", "-", program=PLANNED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "--json" in done.stderr


def test_a_damaged_file_to_compare_with_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text('{"schema": 2, "scenarios": [{}]}', encoding="utf-8")
    done = bench("--scenario", "encode/W5", "--compare", old, program=PLANNED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"spanwire bench: {old}: it is damaged: KeyError('command')\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scenario", "exports"), f"no scenario exports; there are {', '.join(one.name for one in SCENARIOS)}"),
        (("--sides", "sdk,otel"), f"no side otel; there are {', '.join(SIDES)}"),
        (("--side", "fastotel", "--peer-python", "/no/python"), "/no/python does not run: No such file or directory"),
        (("--scenario", "export/WR", "--side", "fastrace", "--list"), None),
    ],
)
def test_names_that_nothing_has_are_told_with_those_that_there_are(
    arguments: tuple[str, ...], told: str | None
) -> None:
    done = bench(*arguments)
    if told is None:
        assert (done.returncode, done.stderr) == (0, "")
        assert "none of the sides" in done.stdout
        return
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"spanwire bench: {told}\n"


def test_the_list_has_every_scenario_and_how_long_it_takes() -> None:
    done = bench("--list")
    assert (done.returncode, done.stderr) == (0, "")
    first = [line.split()[0] for line in done.stdout.splitlines() if line[:1].strip()]
    assert set(first) >= {one.name for one in SCENARIOS}
    assert done.stdout.splitlines()[-1].startswith(f"{len(SCENARIOS)} scenarios, about ")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_options_of_the_suite_before_a_command_are_refused() -> None:
    done = bench("--rounds", 3, "encode", "--rounds", 1)
    assert done.returncode == 2 and done.stdout == ""
    assert "rounds" in done.stderr and "without a command" in " ".join(done.stderr.replace("│", " ").split())


def test_help_explains_the_suite_and_lists_the_commands() -> None:
    done = bench("--help")
    assert done.returncode == 0
    for word in ("--scenario", "--sides", "--peers", "--compare", "--html", "--list", "encode", "export", "web"):
        assert word in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: only Linux tells a process of its parent's end")
@pytest.mark.parametrize(
    "scenario", ["export/W5", "latency/steady", "memory/outage", "otel/create-spans", "threads/W5"]
)
def test_what_was_started_ends_with_a_run_that_is_killed(scenario: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, *REAL, "bench", "--scenario", scenario, "--rounds", "50", "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # what it could not remove goes with the test
    ) as process:

        def sends() -> list[int]:
            assert process.poll() is None
            return senders(process.pid)

        wait_for(sends, "no sender was started")
        time.sleep(1.0)
        started = wait_for(sends, "no sender was started")
        process.kill()
    wait_for(lambda: not any(map(running, started)), "a process of the run goes on without it")
