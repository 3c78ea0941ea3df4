"""Who sets up tracing: which distro, configurator and exporter are taken, and what switches spans off."""

from __future__ import annotations

import importlib.util
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from spanwire.cli import _installed
from spanwire.cli._doctor import _components
from spanwire.exporter._common.protocols import (
    EXPORTERS,
    GRPC,
    HTTP_JSON,
    HTTP_PROTOBUF,
    OFFICIAL_GRPC,
    OFFICIAL_HTTP,
    OTLP,
    OURS,
    PROTOCOLS,
    SELECTED_BY_PROTOCOL,
)

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

# Our exporters whose names say the protocol.
_NAMED = {one.name: one.protocol for one in EXPORTERS.values() if one.name not in SELECTED_BY_PROTOCOL}
_FORMS = {
    HTTP_PROTOBUF: "OTLP over HTTP with protobuf",
    HTTP_JSON: "OTLP over HTTP with JSON",
    GRPC: "OTLP over gRPC",
}
_OVER_HTTP = SELECTED_BY_PROTOCOL | {OFFICIAL_HTTP}
_PROTOCOL = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OFF = {"always_off": "no trace is sampled", "parentbased_always_off": "no trace that begins here is sampled"}


def check(context: Context, step: Step) -> None:
    """Say who would set up what, and what is in the way of it."""
    step.details = {"instrument": importlib.util.find_spec("opentelemetry.instrumentation") is not None}
    is_ours = _instrument(context, step)
    _switches(context, step)
    if not _named(context, step):
        _exporter(context, step, is_ours=is_ours)
    _sampler(context, step)
    if context.get("OTEL_CONFIG_FILE"):
        context.other = "as OTEL_CONFIG_FILE says"
        step.warn(
            "config_file",
            "OTEL_CONFIG_FILE is set: its file says what there is; what follows is of the variables",
            "give the endpoint of the file as --endpoint",
        )


def _instrument(context: Context, step: Step) -> bool:
    """Which entry points ``opentelemetry-instrument`` takes; whether they are ours, or nobody asks for others."""
    others = []
    is_ours = True
    for what in ("distro", "configurator"):
        variable = f"OTEL_PYTHON_{what.upper()}"
        wanted = context.environment.get(variable)
        found = [one.name for one in entry_points(group=f"opentelemetry_{what}")]
        taken = _installed.taken(found, wanted)
        step.details[what] = {"taken": taken, "wanted": wanted or "", "found": sorted(found)}
        is_ours = is_ours and taken in {"", OURS}
        if wanted is not None and not taken:
            step.fail(
                f"{what}_missing",
                f"{variable}={wanted!r}, and no {what} of this name is installed: opentelemetry-instrument goes on without",
                f"correct or unset it; to have ours: {variable}={OURS}; installed: {', '.join(sorted(found)) or 'none'}",
            )
        elif taken in {"", OURS}:
            step.ok(what, f"{what} of opentelemetry-instrument: {taken or 'none is installed'}")
        elif wanted is not None:
            step.ok(what, f"{what} of opentelemetry-instrument: {taken!r}, as {variable} says")
        else:
            others.append((what, taken))
    taken = step.details["configurator"]["taken"]
    if taken not in {"", OURS}:
        context.other_processor = f"the configurator {taken!r} makes the SDK's batch processor"
        context.is_other_asked_for = context.environment.get("OTEL_PYTHON_CONFIGURATOR") is not None
    if others:
        step.warn(
            "other_taken",
            "opentelemetry-instrument would take "
            + " and ".join(f"the {what} {taken!r}" for what, taken in others)
            + ", which are installed too, since it is not told to take ours",
            "with opentelemetry-instrument: "
            + " ".join(f"OTEL_PYTHON_{what.upper()}={OURS}" for what, _ in others)
            + "; with spanwire.install() or set-up in code nothing",
        )
    return is_ours or bool(others)


def _switches(context: Context, step: Step) -> None:
    if context.get("OTEL_SDK_DISABLED").strip().lower() == "true":
        context.is_off = "OTEL_SDK_DISABLED"
        step.fail("sdk_disabled", "OTEL_SDK_DISABLED=true: no span is made", "unset it")
    if context.get("SPANWIRE_DISABLED").strip().lower() in {"1", "true"}:
        context.other_processor, context.is_other_asked_for = (
            "SPANWIRE_DISABLED makes it the SDK's batch processor",
            True,
        )
        step.warn(
            "spanwire_disabled",
            "SPANWIRE_DISABLED is set: spans are the stock SDK's, at its cost",
            "unset it where native spans are wanted",
        )


def _named(context: Context, step: Step) -> bool:
    """Whether an exporter of spans is named that is not there; other names that are not there fail as well."""
    without: dict[str, list[str]] = {}
    for variable, name, there in _components.missing(context.environment, _names_of):
        without.setdefault(variable, []).append(name)
        text = f"{variable} names {name!r}, and nothing of this name is installed: "
        text += "the program does not start" if variable == "OTEL_PROPAGATORS" else "set-up ends with an error"
        cure = "it must stand alone" if name.lower() == "none" else "correct or unset it; upper and lower case count"
        step.fail("component", f"{text}, and no span is sent", f"{cure}; installed: {', '.join(there) or 'none'}")
        context.is_off = context.is_off or variable
    wanted = context.environment.get("OTEL_PYTHON_TRACER_PROVIDER")
    if wanted is not None and wanted not in _names_of("opentelemetry_tracer_provider"):
        step.warn(
            "tracer_provider",
            f"OTEL_PYTHON_TRACER_PROVIDER={wanted!r}: none of this name is installed; who asks for a tracer before "
            "tracing is set up gets an error",
            "unset it: set-up needs it not",
        )
    return "OTEL_TRACES_EXPORTER" in without


def _names_of(group: str) -> list[str]:
    return sorted({one.name for one in entry_points(group=group)})


def _exporter(context: Context, step: Step, *, is_ours: bool) -> None:
    protocol = context.get(*_PROTOCOL).strip()
    names = [name.strip() for name in (context.get("OTEL_TRACES_EXPORTER") or OTLP).split(",")]
    step.details["exporters"], step.details["protocol"] = names, protocol
    if [name.lower() for name in names] == ["none"]:
        context.is_off = context.is_off or "OTEL_TRACES_EXPORTER"
        step.fail("exporter_none", "OTEL_TRACES_EXPORTER=none: spans go nowhere", "unset it, or set it to otlp")
        return
    if protocol and protocol not in PROTOCOLS:
        step.fail(
            "protocol",
            f"OTLP protocol {protocol!r}: nobody here speaks it, and set-up ends with an error",
            "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or unset it",
        )
        return
    named = [_NAMED[name] for name in names if name in _NAMED]
    if named:  # there under any configurator
        step.ok("exporter", f"exporter of spans: spanwire's, {_FORMS[named[0]]}")
    elif OFFICIAL_GRPC in names or (SELECTED_BY_PROTOCOL & set(names) and protocol == GRPC):
        _grpc(context, step, is_ours=is_ours)
    elif not set(names) & _OVER_HTTP:
        context.other = context.other or ", ".join(names)
        step.warn(
            "exporter_foreign",
            f"OTEL_TRACES_EXPORTER={','.join(names)}: not spanwire's exporter, which the next steps look at",
            "unset it, or set it to otlp",
        )
    elif not is_ours and OURS not in names:
        if protocol != HTTP_PROTOBUF and context.environment.get("OTEL_PYTHON_DISTRO") != OURS:
            context.other = context.other or "by gRPC"
        step.warn(
            "exporter_official",
            "under that configurator otlp is the official exporter, over gRPC unless a protocol is set",
            f"OTEL_PYTHON_DISTRO={OURS} OTEL_PYTHON_CONFIGURATOR={OURS}, or OTEL_TRACES_EXPORTER={OURS}",
        )
    else:
        form = _FORMS[HTTP_JSON if protocol == HTTP_JSON else HTTP_PROTOBUF]
        step.ok("exporter", f"exporter of spans: spanwire's, {form}")


def _grpc(context: Context, step: Step, *, is_ours: bool) -> None:
    if is_ours:
        step.ok("exporter", f"exporter of spans: spanwire's, {_FORMS[GRPC]}")
    elif _is_there("traces_exporter", OFFICIAL_GRPC):
        context.other = context.other or "by the official gRPC exporter"
        step.warn(
            "grpc",
            "under that configurator gRPC is the official exporter's; the next steps look at spanwire's",
            f"OTEL_PYTHON_DISTRO={OURS} OTEL_PYTHON_CONFIGURATOR={OURS}, whose exporter speaks it, too",
        )
    else:
        step.fail(
            "grpc",
            "gRPC is asked for, and under that configurator no exporter for it is there",
            f"OTEL_PYTHON_DISTRO={OURS} OTEL_PYTHON_CONFIGURATOR={OURS}, whose exporter speaks it",
        )


def _sampler(context: Context, step: Step) -> None:
    name = context.get("OTEL_TRACES_SAMPLER").strip().lower()
    argument = context.get("OTEL_TRACES_SAMPLER_ARG").strip()
    step.details["sampler"] = name
    cure = "unset OTEL_TRACES_SAMPLER, or set it to parentbased_always_on"
    if name == "always_off":
        context.is_off = context.is_off or "OTEL_TRACES_SAMPLER"
        step.fail("sampler_off", f"OTEL_TRACES_SAMPLER={name}: {_OFF[name]}", cure)
    elif name == "parentbased_always_off":
        step.warn("sampler_off", f"OTEL_TRACES_SAMPLER={name}: {_OFF[name]}, only those of callers are", cure)
    elif name in {"traceidratio", "parentbased_traceidratio"}:
        _ratio(context, step, name, argument)
    elif name and name not in {"always_on", "parentbased_always_on"} and not _is_there("traces_sampler", name):
        step.warn("sampler_unknown", f"OTEL_TRACES_SAMPLER={name}: not known; every trace is sampled", cure)


def _is_there(group: str, name: str) -> bool:
    return any(True for _ in entry_points(group=f"opentelemetry_{group}", name=name))


def _ratio(context: Context, step: Step, name: str, argument: str) -> None:
    try:
        ratio = float(argument)
    except ValueError:
        step.warn(
            "sampler_ratio",
            f"OTEL_TRACES_SAMPLER={name}, and OTEL_TRACES_SAMPLER_ARG is no number: every trace is sampled",
            "set it to the share to take, such as 0.1",
        )
        return
    if not 0 <= ratio <= 1:
        step.fail("sampler_ratio", f"OTEL_TRACES_SAMPLER_ARG={argument} is not within 0 and 1", "set it to 0.1, say")
    elif ratio == 0 and name == "traceidratio":
        context.is_off = context.is_off or "OTEL_TRACES_SAMPLER_ARG"
        step.fail("sampler_zero", "OTEL_TRACES_SAMPLER_ARG=0: no trace is sampled", "set it to the share to take")
    elif ratio == 0:
        step.warn(
            "sampler_zero", "OTEL_TRACES_SAMPLER_ARG=0: no trace that begins here is sampled", "set it to 0.1, say"
        )
    else:
        step.ok("sampler", f"{ratio:.4g} of the traces are sampled")
