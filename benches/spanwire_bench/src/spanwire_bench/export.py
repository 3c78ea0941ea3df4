"""``spanwire bench export``: CPU a span from making it to its delivery over HTTP, for the SDK, for us and for others.

Each side runs in a fresh process in each round, with the defaults that it comes with (or ``--batch``), and sends to a receiver in another
process on another core (``_delivery``). With ``--profile`` where our side's goes (``_delivery_profile``). With ``--exporter-only`` the exporters alone, on spans made beforehand (``_exporting``).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from spanwire_bench import _cores
from spanwire_bench._measure import OFFICIAL_HINT, has_official_exporter, pinned

__all__ = ["export"]

MOST_BATCH = 8192  # half of what the programs among the peers have outstanding
EXPORTED_BATCH = 512
PROTOCOLS = ("http/protobuf", "grpc")


def export(
    workload: Annotated[list[str] | None, typer.Option(help="W5, W10 or WR; may be repeated. [default: all]")] = None,
    sides: Annotated[
        str | None,
        typer.Option(help="Any of those below, with commas between. [default: sdk,exporter,spanwire]"),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="All peers that are here as well; make bench-peers gets them.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, each with every side.")] = 7,
    seconds: Annotated[float, typer.Option(min=0.001, help="CPU that a side's round takes, about.")] = 0.5,
    spans: Annotated[int, typer.Option(min=0, help="Spans in a round instead; 0: as --seconds says.")] = 0,
    peer_python: Annotated[
        str | None,
        typer.Option(help="A Python that has spanwire, fastotel and ddtrace. [default: this, or make bench-peers's]"),
    ] = None,
    exporter_only: Annotated[
        bool, typer.Option("--exporter-only", help="The exporters alone, official and ours, and the GIL.")
    ] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Instead: where the CPU of our side goes.")] = False,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_BATCH,
            help="Spans a request, of every side that can be told. [default: each side's own; --exporter-only: 512]",
        ),
    ] = None,
    batches: Annotated[int, typer.Option(min=1, help="Calls in a round, with --exporter-only.")] = 16,
    compression: Annotated[str, typer.Option(help="none or gzip, for whoever sends OTLP.")] = "none",
    protocol: Annotated[
        str, typer.Option(help="http/protobuf or grpc, with --exporter-only; the others send by HTTP.")
    ] = "http/protobuf",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """CPU a span from making it to its delivery over HTTP: the SDK, spanwire, and others that are installed.

    Sides: sdk, exporter, spanwire; fastotel, ddtrace; opentelemetry-rust, opentelemetry-rust-builder (all attributes given to the
    span builder), fastrace, opentelemetry-go, opentelemetry-java.
    """
    from spanwire_bench import _report
    from spanwire_bench.suite import _choice

    if compression not in {"none", "gzip"}:
        _report.fail(f"spanwire bench: no compression {compression}; there are none, gzip")
    os.environ.pop("OTEL_EXPORTER_OTLP_COMPRESSION", None)  # the official gRPC exporter knows no "none"
    if compression != "none":
        os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
    names = _report.workload_names(workload)
    if (exporter_only or profile) and (peers or sides is not None):
        _report.fail(
            "spanwire bench: --sides and --peers go with neither --exporter-only (the official one and ours) nor --profile (ours)"
        )
    if protocol not in PROTOCOLS:
        _report.fail(f"spanwire bench: no protocol {protocol}; there are {', '.join(PROTOCOLS)}")
    if protocol != PROTOCOLS[0] and not exporter_only:
        _report.fail(f"spanwire bench: --protocol {protocol} goes with --exporter-only alone")
    if profile and batch is not None:
        _report.fail("spanwire bench: --batch goes not with --profile")
    if profile:
        _profile(names, rounds, seconds, as_json=as_json, color=color)
    elif exporter_only:
        _exporters(names, rounds, batch or EXPORTED_BATCH, batches, compression, protocol, as_json=as_json, color=color)
    else:
        python = _choice.peer_python(peer_python)
        chosen = _sides(sides, peers=peers)
        _end_to_end(names, chosen, python, rounds, spans, seconds, compression, batch, as_json=as_json, color=color)


def _sides(asked: str | None, *, peers: bool) -> list[str]:
    from spanwire_bench import _peers, _report
    from spanwire_bench._delivery import DEFAULT_SIDES, SIDES

    sides = list(DEFAULT_SIDES) if asked is None else list(dict.fromkeys(filter(None, asked.lower().split(","))))
    unknown = [side for side in sides if side not in SIDES]
    if unknown or not sides:
        _report.fail(f"spanwire bench: no side {', '.join(unknown) or repr(asked)}; there are {', '.join(SIDES)}")
    return list(dict.fromkeys([*sides, *_peers.PEERS])) if peers else sides


def _end_to_end(
    workloads: Sequence[str],
    sides: list[str],
    peer_python: str,
    rounds: int,
    spans: int,
    seconds: float,
    compression: str,
    batch: int | None,
    *,
    as_json: bool,
    color: bool,
) -> None:
    from spanwire_bench import _delivery, _delivery_report, _peers, _report

    if "sdk" in sides and not has_official_exporter():
        _report.fail(OFFICIAL_HINT)
    sender, receiver = _cores.apart()
    try:
        missing = _peers.missing(sides, peer_python)
        for side, remedy in missing.items():
            print(f"spanwire bench: {side} is left out: {remedy}", file=sys.stderr)
        sides = [side for side in sides if side not in missing]
        if not sides:
            raise typer.Exit(1)
        with (
            _delivery.Bench(
                sides, peer_python=peer_python, sender_core=sender, receiver_core=receiver, batch=batch
            ) as bench,
            _report.progress("sending", _delivery.steps(workloads, sides, rounds), shown=not as_json) as step,
        ):
            results = [
                bench.measure(name, rounds=rounds, spans=spans, seconds=seconds, progress=step) for name in workloads
            ]
        versions = _peers.versions(sides, peer_python)
    except (_delivery.Lost, _peers.Unasked) as error:
        _report.fail(f"spanwire bench: no figures: {error}")
    method = {
        "rounds": rounds,
        "sides": sides,
        "left_out": list(missing),
        "compression": compression,
        "sender_core": sender,
        "receiver_core": receiver,
        "pinning": _cores.pinning(sender, receiver),
        "process": "a fresh one for each side and round; start and warm-up not counted, flush counted",
        "batch": "each side's default" if batch is None else batch,
        "cyclic_gc": "on; what was imported is frozen",
        "delivered": "all",
        "peer_versions": versions,
    }
    if as_json:
        print(json.dumps(_report.document("bench export", method, [one.as_json() for one in results]), indent=2))
    else:
        _delivery_report.show(results, method, color=color)


def _profile(workloads: Sequence[str], rounds: int, seconds: float, *, as_json: bool, color: bool) -> None:
    from spanwire_bench import _delivery, _delivery_profile, _report

    sender, receiver = _cores.apart()
    apart = None if sender is None or receiver is None else (sender, receiver)
    steps = rounds * len(workloads) * len(_delivery_profile.STAGES)
    try:
        with _report.progress("profiling", steps, shown=not as_json) as step:
            results = [
                _delivery_profile.profile(name, rounds=rounds, seconds=seconds, cores=apart, progress=step)
                for name in workloads
            ]
    except _delivery.Lost as error:
        _report.fail(f"spanwire bench: no figures: {error}")
    method: dict[str, object] = {
        "rounds": rounds,
        "parts": "by leaving out, minima",
        "functions": "perf, cpu-clock, as shares of the minimum",
        "sender_core": None if apart is None else apart[0],
        "receiver_core": None if apart is None else apart[1],
    }
    if as_json:
        rows = [one.as_json() for one in results]
        print(json.dumps(_report.document("bench export --profile", method, rows), indent=2))
    else:
        _delivery_profile.show(results, method, color=color)


def _exporters(
    names: Sequence[str],
    rounds: int,
    batch: int,
    batches: int,
    compression: str,
    protocol: str,
    *,
    as_json: bool,
    color: bool,
) -> None:
    from spanwire_bench import _report
    from spanwire_bench._exporting import Bench, Lost, exporters_of
    from spanwire_bench._sink_process import SinkProcess

    sender_core, sink_core = _cores.apart()
    steps = rounds * len(names) * (1 if sink_core is None else 2)
    # Pinned before the exporters exist, so that the threads they start stay on the same core.
    with (
        pinned(sender_core),
        SinkProcess(sink_core) as sink,
        _report.progress("exporting", steps, shown=not as_json) as step,
    ):
        try:
            exporters = exporters_of(protocol, sink.endpoint)
        except ImportError:
            _report.fail(OFFICIAL_HINT)
        bench = Bench(exporters, sink, sender_core=sender_core, sink_core=sink_core)
        try:
            results = [
                bench.measure(name, batch=batch, batches=batches, rounds=rounds, progress=step) for name in names
            ]
        except Lost as error:
            _report.fail(f"spanwire bench: no figures, spans were lost: {error}")
        finally:
            for exporter in exporters:
                exporter.shutdown()
    method = {
        "rounds": rounds,
        "spans_per_round": batch * batches,
        "batch": batch,
        "compression": compression,
        "protocol": protocol,
        "sender_core": sender_core,
        "sink_core": sink_core,
        "cyclic_gc": "collected before, off while timing",
        "delivered": "all",
    }
    if as_json:
        rows = [one.as_json() for one in results]
        print(json.dumps(_report.document("bench export --exporter-only", method, rows), indent=2))
    else:
        _report.show_export(results, method, color=color)
