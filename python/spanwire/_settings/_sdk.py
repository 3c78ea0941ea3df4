"""Settings that the SDK reads for what we share with it."""

from spanwire._settings._setting import Setting, rows

__all__ = ["SDK"]

_resource = rows("resource", "opentelemetry.sdk.resources")
_sdk = rows("SDK", "opentelemetry.sdk")

SDK: tuple[Setting, ...] = (
    _resource("", "OTEL_SERVICE_NAME", "unknown_service", "the program's name; before service.name of the next"),
    _resource(
        "",
        "OTEL_RESOURCE_ATTRIBUTES",
        "",
        "attributes of the program, name=value,name=value, percent-encoded: service.version, deployment.environment.name …",
    ),
    _resource(
        "",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        "otel",
        "what finds more attributes: process, os, host, any entry point; * is all",
    ),
    _sdk("", "OTEL_LOG_LEVEL", "info", "of the specification; no part of the SDK for Python reads it"),
)
