"""The configurator that ``OTEL_PYTHON_CONFIGURATOR=spanwire`` and :func:`spanwire.install` use.

It is the SDK's, which reads OTEL_* and knows exporters, samplers, generators, metrics and logs; only the names that it builds
traces from are ours while it runs. With ``SPANWIRE_DISABLED=1`` it is the SDK's own, with our exporter where the official one is
missing: the switch must not stop the program.
"""

import difflib
import importlib
import inspect
import os
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.sdk import _configuration

from spanwire._telemetry import log
from spanwire.exporter._common.environment import Environment
from spanwire.exporter._common.protocols import BY_OFFICIAL, EXPORTERS, OTLP, OURS, SELECTED_BY_PROTOCOL
from spanwire.trace._disabled import is_disabled

__all__ = ["Configurator", "check_exporters", "check_keywords", "keywords_for"]

_GROUP = "opentelemetry_traces_exporter"  # of entry points
_BY_CLASSES = "exporter_args_map"
# Names of our entry points, and the modules of their classes.
_MODULES = {one.name: one.module for one in EXPORTERS.values()}
# The names of the official exporters, and ours in their place.
_OF_OFFICIAL = {OTLP: OURS} | {name: one.name for name, one in BY_OFFICIAL.items()}

_Place = tuple[dict[str, Any], dict[str, Any]]  # names, and what is to be there
_Import = Callable[[Sequence[str], str], list[tuple[str, Any]]]
_Keywords = dict[Any, dict[str, Any]]  # by classes of exporters

# Reentrant: what is loaded while it runs may itself come here, and gets an error instead of waiting for itself.
_lock = threading.RLock()
_is_running = False

# What we use of opentelemetry-configuration, whose parts have no public names.
_DECLARATIVE = ("TracerProvider", "BatchSpanProcessor", "_SPAN_EXPORTER_REGISTRY", "_parse_headers", "_map_compression")


def _forget_lock() -> None:
    """A child forked while another thread configures would find the lock taken for ever."""
    global _lock, _is_running
    _lock, _is_running = threading.RLock(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


class Configurator(_configuration._OTelSDKConfigurator):
    """Sets up tracing, metrics and logs from OTEL_* as the SDK's configurator does, with native traces.

    ``otlp``, ``otlp_proto_http`` and ``otlp_proto_grpc`` of OTEL_TRACES_EXPORTER are the exporters of ``spanwire.exporter``, and so are
    ``otlp_http`` and ``otlp_grpc`` of a declarative configuration (OTEL_CONFIG_FILE). Which one ``otlp`` is, OTEL_EXPORTER_OTLP_PROTOCOL
    says: ``http/protobuf``, ``http/json`` or ``grpc``. Keywords are the SDK's.

    :raises RuntimeError: as the SDK's.
    """

    def _configure(self, **kwargs: Any) -> None:
        with _alone():
            if is_disabled():
                with _replaced([(vars(_configuration), _with_import(_import_or_ours))]):
                    super()._configure(**kwargs)  # type: ignore[no-untyped-call]  # the SDK's has no types
                return
            from spanwire.trace import shortcut_proxy_tracers

            check_exporters(kwargs.get("trace_exporter_names"))
            shortcut_proxy_tracers()
            keywords = _taken_over(kwargs)
            with _replaced(_native_traces(keywords)):
                super()._configure(**kwargs)  # type: ignore[no-untyped-call]  # as above


@contextmanager
def _alone() -> Generator[None, None, None]:
    global _is_running  # noqa: PLW0603 - one a process
    with _lock:
        if _is_running:
            raise RuntimeError(
                "OpenTelemetry is being configured already, and what is loaded for that (an exporter, a sampler, a "
                "generator …) configures it again: call spanwire.install() in the program, not where these are defined"
            )
        _is_running = True
        try:
            yield
        finally:
            _is_running = False


@contextmanager
def _replaced(places: list[_Place]) -> Generator[None, None, None]:
    """Other things under these names, as long as it lasts."""
    before = [(names, {name: names[name] for name in replaced}) for names, replaced in places]
    try:
        for names, replaced in places:
            names.update(replaced)
        yield
    finally:
        for names, original in before:
            names.update(original)


# What people give first, and the keyword or variable that does it.
_MEANT = {
    "endpoint": "endpoints=[URL] or OTEL_EXPORTER_OTLP_ENDPOINT",
    "headers": "headers_provider=FUNCTION or OTEL_EXPORTER_OTLP_HEADERS",
    "service": "resource_attributes={'service.name': NAME} or OTEL_SERVICE_NAME",
    "service_name": "resource_attributes={'service.name': NAME} or OTEL_SERVICE_NAME",
    "resource": "resource_attributes={NAME: VALUE} or OTEL_RESOURCE_ATTRIBUTES",
}


def _known_keywords() -> Mapping[str, inspect.Parameter]:
    """Of the installed SDK's configurator."""
    return inspect.signature(_configuration._initialize_components).parameters


def check_keywords(given: Iterable[str]) -> None:
    """Those that the SDK's configurator is to get.

    :raises TypeError: if it does not know one.
    """
    known = _known_keywords()
    for name in given:
        if name == _BY_CLASSES:  # ours to hand on where the SDK does not
            continue
        if name not in known and not any(one.kind is one.VAR_KEYWORD for one in known.values()):
            near = difflib.get_close_matches(name, known, 1)
            meant = _MEANT.get(name) or (
                f"{near[0]}=" if near else f"those of the installed SDK: {', '.join(sorted(known))}"
            )
            raise TypeError(f"spanwire.install() does not know {name}=; give {meant}")


def check_exporters(given: Sequence[str] | None) -> None:
    """The exporters of spans that are asked for, and the protocol: before the SDK stumbles on them halfway.

    :param given: names that come before those of OTEL_TRACES_EXPORTER.
    :raises RuntimeError: if one is not known, with the SDK's text and what to set.
    """
    if os.environ.get("OTEL_CONFIG_FILE"):
        return
    asked = os.environ.get(OTEL_TRACES_EXPORTER, "").split(",")
    names = [name.strip() for name in (*(given or ()), *asked) if name.strip()]
    known = {*_OF_OFFICIAL, *_MODULES, "none", *(one.name for one in entry_points(group=_GROUP))}
    find = getattr(_configuration, "entry_points", entry_points)  # the SDK's, which others replace
    for name in names:
        if name not in known and not list(find(group=_GROUP, name=name)):
            near = difflib.get_close_matches(name, known, 1)
            raise RuntimeError(
                f"Requested component '{name}' not found in entry point '{_GROUP}'. Set OTEL_TRACES_EXPORTER to "
                f"{' or '.join(near or sorted(known))}"
            )
    if not SELECTED_BY_PROTOCOL.isdisjoint(names):
        _check_protocol()


def _check_protocol() -> str:
    """The protocol of ``otlp`` that the environment asks for."""
    environment = Environment("traces")
    protocol = environment.protocol()
    if protocol not in EXPORTERS:
        variable, _ = environment.find("PROTOCOL")
        raise RuntimeError(
            f"Unsupported OTLP protocol '{protocol}' is configured. Set {variable} to http/protobuf, http/json or grpc, or unset it"
        )
    return protocol


def _taken_over(kwargs: dict[str, Any]) -> _Keywords:
    """Of ``exporter_args_map`` what an SDK that does not know it is not told: our exporters get it here."""
    given = kwargs.get(_BY_CLASSES) or {}
    if _BY_CLASSES in _known_keywords() or not set(given) <= set(map(_exporter, _MODULES)):
        return {}
    kwargs.pop(_BY_CLASSES, None)
    return given


def _native_traces(keywords: _Keywords) -> list[_Place]:
    """Ours under the names that the SDK's functions look up."""
    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    ours: dict[str, Any] = {"TracerProvider": TracerProvider, "BatchSpanProcessor": BatchSpanProcessor}
    places: list[_Place] = [
        (
            vars(_configuration),
            {
                **ours,
                "_get_exporter_entry_point": _entry_point_of(_configuration._get_exporter_entry_point),
                **_with_import(_import_with(keywords)),
            },
        )
    ]
    declarative = _declarative()
    if declarative is not None:
        places.append((vars(declarative), ours))
        factories = {"otlp_http": _otlp_http(declarative), "otlp_grpc": _otlp_grpc(declarative)}
        places.append((declarative._SPAN_EXPORTER_REGISTRY, factories))
    return places


def _with_import(wrap: Callable[[_Import], _Import]) -> dict[str, Any]:
    return {"_import_config_components": wrap(_configuration._import_config_components)}


def _entry_point_of(upstream: Callable[..., str]) -> Callable[[str, str], str]:
    """In the place of the SDK's choice by OTEL_EXPORTER_OTLP_PROTOCOL: for traces, one of ours."""

    def entry_point(name: str, signal_type: str) -> str:
        if signal_type != "traces" or name not in {*_OF_OFFICIAL, OURS}:
            return upstream(name, signal_type)
        if name in BY_OFFICIAL:
            return BY_OFFICIAL[name].name
        return EXPORTERS[_check_protocol()].name

    return entry_point


def _import_or_ours(upstream: _Import) -> _Import:
    """In the place of the SDK's look-up of entry points: ours only for an official exporter that is not installed."""

    def import_one(name: str, group: str) -> list[tuple[str, Any]]:
        try:
            return upstream([name], group)
        except RuntimeError:
            if group != _GROUP or name not in _OF_OFFICIAL:
                raise
            return [(name, _exporter(_OF_OFFICIAL[name]))]

    def import_components(names: Sequence[str], group: str) -> list[tuple[str, Any]]:
        return [found for name in names for found in import_one(name, group)]

    return import_components


def _import_with(keywords: _Keywords) -> Callable[[_Import], _Import]:
    """In the place of the SDK's look-up of entry points: ours is found without, also by the names of the official ones."""

    def import_with(upstream: _Import) -> _Import:
        def import_components(names: Sequence[str], group: str) -> list[tuple[str, Any]]:
            if group != _GROUP:
                return upstream(names, group)
            found: list[tuple[str, Any]] = []
            for name in names:
                ours = _OF_OFFICIAL.get(name, name)
                if ours in _MODULES:
                    # Once, by whatever names it is asked for.
                    found.append((ours, _told(_exporter(ours), keywords)))
                else:
                    found += upstream([name], group)
            return found

        return import_components

    return import_with


def _told(exporter: Any, keywords: _Keywords) -> Any:
    """The class, or one like it that is made with these keywords."""
    told = keywords.get(exporter)
    if not told:
        return exporter

    def begin(self: Any, **more: Any) -> None:
        exporter.__init__(self, **(told | more))

    return type(exporter.__name__, (exporter,), {"__init__": begin, "__module__": exporter.__module__})


def keywords_for(given: _Keywords | None, ours: Mapping[str, Any]) -> _Keywords:
    """Keywords by classes of exporters, as the SDK's ``exporter_args_map``: our exporters get ``ours``, too.

    :raises ValueError: if they cannot work.
    """
    from spanwire.exporter._common.options import several
    from spanwire.exporter._common.refresh import check_provider

    several(None, ours["endpoints"], ours["balance"])
    check_provider(ours["headers_provider"], ours["headers_refresh"])
    keywords = dict(given or {})
    for exporter in map(_exporter, _MODULES):
        keywords[exporter] = dict(ours) | dict(keywords.get(exporter, {}))
    return keywords


def _exporter(name: str) -> Any:
    return importlib.import_module(_MODULES[name]).OTLPSpanExporter


def _declarative() -> Any:
    """The module of opentelemetry-configuration that makes providers, if OTEL_CONFIG_FILE needs it and it is there."""
    if not os.environ.get("OTEL_CONFIG_FILE"):
        return None
    try:
        module = importlib.import_module("opentelemetry.configuration._tracer_provider")
    except ImportError:  # the SDK says so
        return None
    if missing := [name for name in _DECLARATIVE if not hasattr(module, name)]:
        log.warn(
            "configurator.declarative",
            "OTEL_CONFIG_FILE: traces are the SDK's, since this opentelemetry-configuration has no %s (0.66b2 has)",
            ", ".join(missing),
        )
        return None
    return module


def _otlp_http(declarative: Any) -> Callable[[Any], Any]:
    """The factory of that module's ``otlp_http``, for ours."""

    def make(config: Any) -> Any:
        from spanwire.exporter.http import Compression, OTLPSpanExporter

        return OTLPSpanExporter(
            endpoint=config.endpoint,
            headers=declarative._parse_headers(config.headers, config.headers_list),
            timeout=None if config.timeout is None else config.timeout / 1000,
            compression=declarative._map_compression(config.compression, Compression, allow_deflate=True),
        )

    return make


def _otlp_grpc(declarative: Any) -> Callable[[Any], Any]:
    """The factory of that module's ``otlp_grpc``, for ours."""

    def make(config: Any) -> Any:
        from spanwire.exporter.grpc import Compression, OTLPSpanExporter

        return OTLPSpanExporter(
            endpoint=config.endpoint,
            headers=declarative._parse_headers(config.headers, config.headers_list),
            timeout=None if config.timeout is None else config.timeout / 1000,
            compression=declarative._map_compression(config.compression, Compression),
        )

    return make
