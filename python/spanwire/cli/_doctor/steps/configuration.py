"""What the exporter and the rest come to, from which variable or by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spanwire._settings import SETTINGS, Setting
from spanwire.cli._doctor import _masking
from spanwire.cli._doctor._context import Target, exporter_class, listening
from spanwire.exporter._common.protocols import (
    DEFAULT_PROTOCOL,
    EXPORTERS,
    GRPC,
    HTTP_PROTOBUF,
    PROTOCOLS,
    protocol_of,
)

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step
    from spanwire.exporter._common.options import ExporterOptions

__all__ = ["asked_protocol", "check", "resolved"]

# Those whose keywords the settings list; the one of JSON has those of HTTP.
_OWNERS = {protocol: f"{EXPORTERS[protocol].package}.OTLPSpanExporter" for protocol in (HTTP_PROTOBUF, GRPC)}
_STANDARD = {"content-type", "user-agent"}  # headers that are always there
# Shown also where they are not set.
_MATTERS = {
    *("endpoint", "headers", "timeout", "compression", "certificate_file"),
    *("trace_exporter_names", "sampler", "max_queue_size", "schedule_delay_millis"),
}


def check(context: Context, step: Step) -> None:
    """Make the exporter as the program would, and list the settings."""
    with listening() as lines:
        _make(context, step)
        _set_up(context, step)
    for line in lines:
        step.warn("said", context.mask.hide(line), "correct the variable")
    step.details["settings"] = resolved(context)
    _notes(context, step)
    if not step.findings:
        step.ok("resolved", "what the exporter is told, and the rest that matters")


def _make(context: Context, step: Step) -> None:
    context.protocol = context.protocol or asked_protocol(context)
    try:
        context.options = _options(context)
        context.exporter = exporter_class(context.protocol)(endpoint=context.endpoint, timeout=context.patience)
        context.target = Target.of(context.exporter._client.destination)
    except ValueError as error:
        step.fail("exporter", f"the exporter cannot be made: {context.mask.hide(str(error))}", "correct what it names")


def asked_protocol(context: Context) -> str:
    """Of OTLP, as the environment says."""
    names = context.get("OTEL_TRACES_EXPORTER").split(",")
    if (named := next(filter(None, (protocol_of(name.strip()) for name in names)), None)) is not None:
        return named
    said = context.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL").strip()
    return said if said in PROTOCOLS else DEFAULT_PROTOCOL


def _options(context: Context) -> ExporterOptions:
    from spanwire.exporter._common.grpc_options import GrpcOptions
    from spanwire.exporter._common.options import HttpOptions

    given: dict[str, Any] = {
        "endpoint": context.endpoint,
        **dict.fromkeys(("certificate_file", "client_key_file", "client_certificate_file")),
        **dict.fromkeys(("headers", "timeout", "compression", "max_request_size")),
    }
    if context.is_grpc:
        return GrpcOptions.resolve("traces", insecure=None, channel_options=None, **given)
    return HttpOptions.resolve("traces", protocol=context.protocol, **given)


def _set_up(context: Context, step: Step) -> None:
    """Limits, sizes and the clock, by those who read them."""
    from opentelemetry.sdk.trace.export import SpanExporter

    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    try:
        TracerProvider(shutdown_on_exit=False).shutdown()
        BatchSpanProcessor(SpanExporter()).shutdown()
    except ValueError as error:
        context.can_trace = False
        step.fail("tracing", f"tracing cannot be set up: {context.mask.hide(str(error))}", "correct the variable")


def resolved(context: Context) -> list[dict[str, Any]]:
    """Each setting that is set or matters: name, value, source."""
    found = []
    own = _OWNERS[GRPC if context.is_grpc else HTTP_PROTOBUF]
    others = {*_OWNERS.values()} - {own}
    known = {name for setting in SETTINGS if setting.owner == own for name in setting.variables}
    for setting in SETTINGS:
        if not setting.variables or setting.topic == "build":
            continue
        if setting.owner in others and (not context.show_all or known.issuperset(setting.variables)):
            continue
        # What is said for all signals is shown with traces.
        names = setting.variables[:1] if setting.topic in {"metrics", "logs"} else setting.variables
        origin = next((name for name in names if context.environment.get(name)), "")
        if context.show_all or origin or setting.keyword in _MATTERS or "OTEL_SERVICE_NAME" in setting.variables:
            found.append(_one(context, setting, origin))
    return found


def _one(context: Context, setting: Setting, origin: str) -> dict[str, Any]:
    general = [name for name in setting.variables if name == setting.variables[0].replace("_TRACES_", "_")]
    name = origin or (general or setting.variables)[0]
    value = _masking.shown(name, context.environment[origin]) if origin else setting.default
    source = "variable" if origin else "default"
    if setting.keyword == "endpoint" and context.options is not None:
        value = _masking.url(context.options.endpoint)
        if context.endpoint:
            source, origin = "option", "--endpoint"
    said = ""
    used = _used(context, setting, origin) if source == "variable" else None
    if used is not None and used != value:
        said, value = value, used
        if used == setting.default:
            source, origin = "default", ""
    return {
        "name": name,
        "topic": setting.topic,
        "value": value,
        "unit": setting.unit,
        "source": source,
        "from": origin,
        "variables": list(setting.variables),
        "said": said,
    }


def _used(context: Context, setting: Setting, variable: str) -> str | None:
    """What the exporter makes of a variable; None: just what it says, as far as is known here."""
    options, text = context.options, context.environment[variable]
    if options is None or setting.owner not in _OWNERS.values() or setting.topic in {"metrics", "logs"}:
        return None
    if setting.keyword == "timeout":
        try:
            is_taken = float(text) == options.timeout
        except ValueError:
            is_taken = False
        return None if is_taken else f"{options.timeout:g}"
    if setting.keyword == "compression":
        return None if text.strip().lower() == options.compression else options.compression
    if setting.keyword == "headers":
        said = {item.partition("=")[0].strip().lower() for item in text.split(",")}
        names = [name for name in options.headers if name in said or name not in _STANDARD]
        return ",".join(f"{name}={_masking.MASK}" for name in names)
    return None


def _notes(context: Context, step: Step) -> None:
    if context.target is None:
        return
    if context.target.port == 4318 and context.is_grpc:
        step.warn(
            "port",
            "port 4318 is that of OTLP over HTTP, and this exporter speaks gRPC",
            "take port 4317, if the receiver has it, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        )
    if context.target.port == 4317 and not context.is_grpc:
        step.warn(
            "port",
            "port 4317 is that of OTLP over gRPC, and this exporter speaks OTLP over HTTP",
            "take port 4318, if the receiver has it, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        )
    if (proxy := context.proxy) is not None:
        step.details["proxy"] = {
            "url": proxy.url,
            "from": proxy.variable,
            "credentials": proxy.authorization is not None,
            "tunnel": context.tunnels,
        }
        step.ok("proxy", f"requests go through the proxy {proxy.url}, which {proxy.variable} names")
    _notes_on_safety(context, step)


def _notes_on_safety(context: Context, step: Step) -> None:
    assert context.target is not None
    is_near = context.target.host in {"localhost", "127.0.0.1", "::1"}
    if context.target.scheme == "http" and not is_near and _has_credentials(context):
        step.warn("plain", "headers go over http://, where anybody on the way can read them", "take https://")
    if not (context.service_name or context.get("OTEL_SERVICE_NAME") or _names_service(context)):
        step.warn("service", "the program has no name: backends show unknown_service", "set OTEL_SERVICE_NAME")


def _names_service(context: Context) -> bool:
    items = context.get("OTEL_RESOURCE_ATTRIBUTES").split(",")
    return any(item.partition("=")[0].strip() == "service.name" for item in items)


def _has_credentials(context: Context) -> bool:
    return context.sends_credentials or "@" in (context.endpoint or "")
