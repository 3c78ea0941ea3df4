"""What all tests share: hypothesis profiles, the watch over tests that hang, programs that may be missing, and the rule that CI skips nothing."""

import contextlib
import ctypes
import faulthandler
import os
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# A skip whose reason begins like this is no gap: the test has no meaning here (another platform, another Python).
NOT_APPLICABLE = "not applicable: "

# Tests say what their exporters are to do; what the surroundings say (a proxy, an endpoint, a bundle of CAs that
# `requests` puts above the one it was given) must not change the answer. Set before anything reads it, for children too.
_PROXIES = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "GRPC_PROXY", "NO_GRPC_PROXY"}
_TERMINAL = {"COLUMNS", "LINES"}  # pytest-xdist sets the first
_SURROUNDINGS = {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", *_PROXIES, *_TERMINAL}
for _name in list(os.environ):
    if _name.startswith(("OTEL_", "SPANWIRE_")) or _name.upper() in _SURROUNDINGS:
        del os.environ[_name]

# A shell that runs the tests in the background makes them ignore Ctrl-C, and their children with them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Timings never decide, so there is no deadline. CI prints what reproduces a failure, since its database is thrown away.
settings.register_profile("default", deadline=None, print_blob=CI)
settings.register_profile("quick", settings.get_profile("default"), max_examples=25)
settings.register_profile(
    "full", settings.get_profile("default"), max_examples=1_000, suppress_health_check=[HealthCheck.too_slow]
)
# AddressSanitizer makes everything several times slower.
settings.register_profile(
    "asan", settings.get_profile("default"), max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_PROCESSES = re.compile(r"\b(?:subprocess|multiprocessing|os\.fork|pytester|ProcessPoolExecutor)\b")
_HELPER = re.compile(r"^\s*(?:from|import) (tests(?:\.\w+)+)", re.MULTILINE)
_MISSING = "program missing: "


@cache
def _read(path: Path) -> tuple[bool, frozenset[Path]]:
    """Whether a file names what starts processes, and the helpers of this folder that it imports."""
    text = path.read_text(encoding="utf-8")
    helpers = (ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in _HELPER.findall(text))
    return bool(_PROCESSES.search(text)), frozenset(helper for helper in helpers if helper.is_file())


def starts_processes(path: Path) -> bool:
    """Whether a file of tests, or a helper that it leads to, names what starts processes."""
    seen, ahead = {Path(__file__)}, {path}
    while ahead:
        here = ahead.pop()
        seen.add(here)
        found, helpers = _read(here)
        if found:
            return True
        ahead |= helpers - seen
    return False


# A worker that a timeout ends leaves the children that its test has forked, and they hold its pipe: pytest-xdist would wait for them
# for ever. So children end with the thread that forked them.
if sys.platform == "linux":
    _PR_SET_PDEATHSIG = 1
    _prctl = ctypes.PyDLL(None).prctl
    os.register_at_fork(after_in_child=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))

_standard_error = pytest.StashKey[int]()


class _TimeoutSettings(Protocol):
    """What this file uses of ``pytest_timeout.Settings``."""

    timeout: float


def pytest_configure(config: pytest.Config) -> None:
    capturing = config.pluginmanager.getplugin("capturemanager")
    with capturing.global_and_fixture_disabled() if capturing else contextlib.nullcontext():
        config.stash[_standard_error] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    if (descriptor := config.stash.get(_standard_error, -1)) >= 0:
        os.close(descriptor)


# Instead of pytest-timeout's thread, which needs the GIL that a test may hold, and whose words are lost in a worker of pytest-xdist.
@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: _TimeoutSettings) -> bool:
    faulthandler.dump_traceback_later(settings.timeout, exit=True, file=item.config.stash[_standard_error])
    return True


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_cancel_timer() -> bool:
    faulthandler.cancel_dump_traceback_later()
    return True


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("law")
        if starts_processes(item.path):
            item.add_marker("process")


def program(name: str) -> str | None:
    """Path of a program that tests need, as ``ci/setup`` leaves it or as it is installed."""
    for folder in (ROOT / "build" / "tools" / "bin", None):
        if found := shutil.which(name, path=None if folder is None else str(folder)):
            return found
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("requires_program"):
        for name in marker.args:
            if program(name) is None:
                pytest.skip(f"{_MISSING}{name} (`make setup` finds or installs it)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if CI and report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(NOT_APPLICABLE):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, and CI=true: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped as a whole, and CI=true: {report.longrepr}"
    return report


def encodable(value: object) -> object:
    """The same, where lone surrogates stand as escapes: pytest-xdist sends reports as UTF-8, and its worker dies of one."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {encodable(name): encodable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(encodable(one) for one in value)
    return value


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    return encodable((yield))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    missing = Counter(reason.removeprefix(_MISSING).split()[0] for reason in reasons if reason.startswith(_MISSING))
    for name, count in sorted(missing.items()):
        terminalreporter.write_line(f"missing program: {name}; {count} tests did not run (`make setup`)", yellow=True)
