"""CPU a span of each of the demo's ways: spans of the shop are made again, end to end, in fresh processes.

Run in the shop, a span's cost would drown in that of sockets and SQL.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanwire._trace_tree import Trace
    from spanwire.cli.bench._delivery import Result
    from spanwire.sink import ReceivedSpan

__all__ = ["ROUNDS", "measure", "record"]

ROUNDS = 2
SECONDS = 0.3  # CPU of a round of a way


def measure(ways: Sequence[str], traces: Sequence[Trace], progress: Callable[[int], None]) -> Result | None:
    """Ns a span; None if there is no whole trace. Raises ``bench._delivery.Lost``; ``progress`` is told of each process."""
    from spanwire.cli.bench import _cores
    from spanwire.cli.bench._delivery import Bench

    recorded = record(traces)
    if not recorded:
        return None
    sender, receiver = _cores.apart()
    with tempfile.TemporaryDirectory(prefix="spanwire-demo-") as folder:
        file = pathlib.Path(folder) / "shop.json"
        file.write_text(json.dumps({"traces": recorded}), encoding="utf-8")
        with Bench(ways, peer_python=sys.executable, sender_core=sender, receiver_core=receiver) as bench:
            return bench.measure(str(file), rounds=ROUNDS, spans=0, seconds=SECONDS, progress=progress)


def record(traces: Sequence[Trace]) -> list[dict[str, Any]]:
    """Whole traces from all of the run, as many as make a step of the benchmark, in the form of ``_data/wr.json``."""
    from spanwire.cli.bench._delivery_programs import STEP_SPANS

    whole = [one.spans for one in traces if len(one.roots) == 1 and one.roots[0].span.parent_span_id is None]
    chosen: list[list[ReceivedSpan]] = []
    for spans in whole[:: max(1, len(whole) // STEP_SPANS)]:
        if sum(map(len, chosen)) + len(spans) <= STEP_SPANS:
            chosen.append(spans)
    places = {span.span_id: (place, index) for place, spans in enumerate(chosen) for index, span in enumerate(spans)}
    return [{"spans": [_template(span, places) for span in spans]} for spans in chosen]


def _template(span: ReceivedSpan, places: dict[str, tuple[int, int]]) -> dict[str, Any]:
    from opentelemetry.trace import SpanKind, StatusCode

    template: dict[str, Any] = {
        "name": span.name,
        "kind": SpanKind(span.kind).name,
        "scope": [span.scope_name, span.scope_version],
        "attributes": span.attributes,
        "events": [[event.name, 0, event.attributes] for event in span.events],
        "links": [[*places[link.span_id], link.attributes] for link in span.links if link.span_id in places],
    }
    if span.parent_span_id is not None:
        template["parent"] = places[span.parent_span_id][1]
    if span.status.code != StatusCode.UNSET:
        template["status"] = [StatusCode(span.status.code).name, span.status.message or None]
    return template
