"""``spanwire bench web``: what tracing adds to a request of a Flask and of a FastAPI application, by the SDK and by ours.

One real server process (werkzeug; uvicorn with one worker) holds the same application four times: without tracing, and with the official
instrumentation, unmodified, on a tracer that records nothing (``_web_null``), on the SDK and on ours, both of which export to a sink in
another process. A client in this process sends requests one after the other, in rounds in which the four take turns. CPU is that of the
server's whole process, sending included.

*Added* is what a side costs beyond no tracing. *Share* is what of it is the SDK's, or ours: what it costs beyond the null tracer, plus what
the calls on the null tracer itself take; so it is everything that the instrumentation's calls on tracers and spans do, and the export.
*Calls alone* is that measured again, without the noise of a server: the calls of one request, written down, are done again and again.
Differences are medians of the rounds' own differences.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire_bench import _cores
from spanwire_bench._measure import OFFICIAL_HINT, Figure, has_official_exporter, pinned

if TYPE_CHECKING:
    from spanwire_bench._sink_process import SinkProcess
    from spanwire_bench._web_client import WebServer

__all__ = ["GOAL", "Difference", "Result", "web"]

GOAL = 15.0  # the SDK's share to ours, at least
HINT = "Run `make bench-web`, or install what pyproject.toml lists in the group `web`"
_WARM = 50  # requests before a round is measured
_PACKAGES = {
    "flask": ("flask", "werkzeug", "opentelemetry-instrumentation-flask"),
    "fastapi": ("fastapi", "uvicorn", "opentelemetry-instrumentation-fastapi"),
}


class Lost(Exception):
    """Not every span arrived."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two sides in the same round: median and quartiles over the rounds, in ns a request."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, more: Sequence[float], less: Sequence[float], plus: float = 0.0) -> Difference:
        """``more`` beyond ``less``, round by round, ``plus`` a constant."""
        found = [one - other + plus for one, other in zip(more, less, strict=True)]
        low, _, high = statistics.quantiles(found, n=4) if len(found) > 1 else found * 3
        return cls(statistics.median(found), low, high)


@dataclass(frozen=True, slots=True)
class Result:
    """One framework: CPU a request in ns by side, what calls a request makes, and whose code it runs."""

    framework: str
    versions: Mapping[str, str]
    samples: Mapping[str, Sequence[float]]
    replayed: Mapping[str, Sequence[float]]
    calls: Mapping[str, int]
    null_cost: float
    groups: Mapping[str, Mapping[str, float]]

    @property
    def spans(self) -> int:
        """Spans a request."""
        return self.calls.get("start_span", 0) + self.calls.get("start_as_current_span", 0)

    def cpu(self, side: str) -> Figure:
        """Of all rounds."""
        return Figure.of(self.samples[side])

    def added(self, side: str) -> Difference:
        """Beyond no tracing."""
        return Difference.of(self.samples[side], self.samples["untraced"])

    def share(self, side: str) -> Difference:
        """The SDK's part, or ours, of what is added."""
        return Difference.of(self.samples[side], self.samples["null"], self.null_cost)

    def alone(self, side: str) -> Difference:
        """The same calls, done again and again without a request around them."""
        return Difference.of(self.replayed[side], self.replayed["null"], self.null_cost)

    @property
    def is_noisy(self) -> bool:
        """Whether our share cannot be told from nothing."""
        return self.share("spanwire").low <= 0

    @property
    def share_ratio(self) -> float | None:
        """The SDK's share to ours; None where that is noisy."""
        return None if self.is_noisy else self.share("official").median / self.share("spanwire").median

    @property
    def alone_ratio(self) -> float:
        """The same of the calls alone."""
        return self.alone("official").median / self.alone("spanwire").median

    @property
    def goal_met(self) -> bool:
        """By the shares, or by the calls alone where those are noisy."""
        return (self.share_ratio or self.alone_ratio) >= GOAL

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "framework": self.framework,
            "versions": dict(self.versions),
            "unit": "ns per request",
            "spans_per_request": self.spans,
            "calls_per_request": dict(self.calls),
            "null_tracer_itself": self.null_cost,
            "cpu": {side: self.cpu(side).as_json() for side in self.samples},
            "added": {side: asdict(self.added(side)) for side in self.samples if side != "untraced"},
            "share": {side: asdict(self.share(side)) for side in ("official", "spanwire")},
            "share_ratio": self.share_ratio,
            "calls_alone": {side: asdict(self.alone(side)) for side in ("official", "spanwire")},
            "calls_alone_ratio": self.alone_ratio,
            "goal": GOAL,
            "goal_met": self.goal_met,
            "profile": {side: dict(groups) for side, groups in self.groups.items()},
        }


def measure(
    framework: str,
    *,
    rounds: int,
    requests: int,
    profiled: int,
    server_core: int | None,
    sink: SinkProcess,
    progress: Callable[[int], None],
) -> Result:
    """``rounds`` × ``requests`` to each side and ``profiled`` more under a profiler. Raises Lost, Refused."""
    from spanwire_bench._web_apps import SIDES, UNTRACED
    from spanwire_bench._web_client import WebServer

    samples: dict[str, list[float]] = {side: [] for side in SIDES}
    replayed: dict[str, list[float]] = {side: [] for side in SIDES if side != UNTRACED}
    received = sink.count()
    with WebServer(framework, sink.endpoint, server_core) as server:
        calls = _record(server)
        null_cost: float = server.ask("cost")
        for number in range(rounds):
            for place in range(len(SIDES)):
                side = SIDES[(place + number) % len(SIDES)]
                samples[side].append(_cpu(server, side, requests))
                if side in replayed:
                    replayed[side].append(server.ask(f"replay {requests}"))
            progress(1)
        groups = {side: _profile(server, side, profiled) for side in SIDES} if profiled else {}
        for side in SIDES:
            server.ask(f"use {side}")
            server.ask("cpu")  # which sends what is left
    result = Result(framework, _versions(framework), samples, replayed, calls, null_cost, groups)
    made = 2 * result.spans * (rounds * (_WARM + 2 * requests) + (_WARM + profiled if profiled else 0))
    if (received := sink.count() - received) != made:
        raise Lost(f"{framework}: {made} spans made, {received} received")
    return result


def _record(server: WebServer) -> dict[str, int]:
    """What one request calls on tracers and spans."""
    for requests in (_WARM, 1):
        server.ask("forget")
        server.ask("use recording")
        server.load(requests)
        _finish(server)
    calls: dict[str, int] = server.ask("calls")
    return calls


def _cpu(server: WebServer, side: str, requests: int) -> float:
    server.ask(f"use {side}")
    server.load(_WARM)
    before: int = server.ask("cpu")
    server.load(requests)
    after: int = server.ask("cpu")
    return (after - before) / requests


def _profile(server: WebServer, side: str, requests: int) -> dict[str, float]:
    server.ask(f"use {side}")
    server.load(_WARM)
    server.ask("profile")
    server.load(requests)
    server.ask("stop")
    _finish(server)
    groups: dict[str, float] = server.ask("groups")
    return {name: amount / requests for name, amount in groups.items()}


def _finish(server: WebServer) -> None:
    """The server does one thing after the other: what it did after an answer is done when the next is there."""
    server.ask("use untraced")
    server.load(1)


def _versions(framework: str) -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in _PACKAGES[framework]}


def web(
    framework: Annotated[
        list[str] | None, typer.Option(help="flask or fastapi; may be repeated. [default: both]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, each with every side.")] = 20,
    requests: Annotated[int, typer.Option(min=1, help="Requests to each side in a round.")] = 1000,
    profiled: Annotated[int, typer.Option(min=0, help="Requests to each side under a profiler; 0: none.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """What tracing adds to a web request, and whose code that is: the SDK against spanwire."""
    from spanwire_bench import _report, _web_apps, _web_report
    from spanwire_bench._sink_process import SinkProcess
    from spanwire_bench._web_client import Refused

    if not has_official_exporter():
        _report.fail(OFFICIAL_HINT)
    if unknown := [name for name in framework or () if name not in _web_apps.FRAMEWORKS]:
        _report.fail(f"spanwire bench: no framework {', '.join(unknown)}; there are {', '.join(_web_apps.FRAMEWORKS)}")
    chosen = []
    for name in framework or _web_apps.FRAMEWORKS:
        if absent := _web_apps.missing(name):
            print(f"spanwire bench: {name} is left out, no {', '.join(absent)}. {HINT}", file=sys.stderr)
        else:
            chosen.append(name)
    if not chosen:
        raise typer.Exit(1)
    server_core, other_core = _cores.apart()
    try:
        with (
            pinned(other_core),
            SinkProcess(other_core) as sink,
            _report.progress("asking", rounds * len(chosen), shown=not as_json) as step,
        ):
            results = [
                measure(
                    name,
                    rounds=rounds,
                    requests=requests,
                    profiled=profiled,
                    server_core=server_core,
                    sink=sink,
                    progress=step,
                )
                for name in chosen
            ]
    except Refused as error:
        _report.fail(f"spanwire bench: {error}")
    except Lost as error:
        _report.fail(f"spanwire bench: no figures, spans were lost: {error}")
    method = {
        "rounds": rounds,
        "requests_per_round": requests,
        "profiled_requests": profiled,
        "clock": "CPU of the server's process, sending included",
        "server_core": server_core,
        "client_and_sink_core": other_core,
        "cyclic_gc": "on, as in a program",
        "delivered": "all",
    }
    if as_json:
        print(json.dumps(_report.document("bench web", method, [one.as_json() for one in results]), indent=2))
    else:
        _web_report.show_web(results, method, color=color)
