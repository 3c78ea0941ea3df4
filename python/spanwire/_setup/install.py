""":func:`spanwire.install`: everything that the environment asks for, by one line of code."""

import os
import platform
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, propagate, trace
from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_TRACES_PROTOCOL

from spanwire import _native
from spanwire._setup.configurator import Configurator, check_exporters, check_keywords, keywords_for
from spanwire._setup.defaults import defaults
from spanwire._setup.sigterm import SigtermFlush, check_handler, flush_all, seconds_of
from spanwire._telemetry import hooks
from spanwire.events import DropEvent, ErrorEvent, subscribe
from spanwire.exporter._common.protocols import PROTOCOLS
from spanwire.trace._disabled import is_disabled

if TYPE_CHECKING:
    from spanwire.durable import DurableQueue

__all__ = ["Installation", "install"]

_lock = threading.RLock()
_installed: "Installation | None" = None
_failure: str | None = None  # of a call that had set a provider already


def _forget_lock() -> None:
    """A child forked while another thread is in :func:`install` would find the lock taken for ever."""
    global _lock  # noqa: PLW0603 - where everybody finds it
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


class Installation:
    """What :func:`install` has set up; ``str()`` of it is a report, a line a choice."""

    def __init__(self, flush_seconds: float | None) -> None:
        self._sigterm = SigtermFlush(self.force_flush, flush_seconds)

    @property
    def tracer_provider(self) -> trace.TracerProvider:
        """The provider that is set; with ``SPANWIRE_DISABLED=1`` the SDK's."""
        return trace.get_tracer_provider()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what has ended before the call: spans, metrics and logs.

        :returns: whether all of it was answered within the time, which each of the three has for itself.
        """
        return flush_all(timeout_millis)

    def shutdown(self) -> None:
        """Send what waits and take no more. At exit it is done anyway."""
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
            if hasattr(provider, "shutdown"):
                provider.shutdown()

    def __str__(self) -> str:
        return "\n".join(self._report())

    def _report(self) -> Generator[str, None, None]:
        sdk = version("opentelemetry-sdk")
        yield f"spanwire {_native.__version__}, opentelemetry-sdk {sdk}, Python {platform.python_version()}"
        provider = self.tracer_provider
        if _is_ours(provider):
            clock = _native.trace_counts()["clock"]
            off = " (none is made: OTEL_SDK_DISABLED)" if getattr(provider, "_disabled", False) else ""
            yield f"traces: native spans{off}, clock {clock}"
        else:
            yield f"traces: {_name(provider)}"
        if (sampler := getattr(provider, "sampler", None)) is not None:
            yield f"  sampler: {sampler.get_description()}"
        if (resource := getattr(provider, "resource", None)) is not None:
            yield f"  service: {resource.attributes.get('service.name')}"
        active = getattr(provider, "_active_span_processor", None)
        for processor in getattr(active, "_span_processors", ()):
            yield f"  {_described(processor)}"
        yield f"metrics: {_name(metrics.get_meter_provider())}"
        yield f"logs: {_name(_logs.get_logger_provider())}"
        yield f"propagators: {', '.join(sorted(propagate.get_global_textmap().fields)) or 'none'}"
        if sigterm := str(self._sigterm):
            yield f"SIGTERM: {sigterm}"


def install(
    *,
    flush_on_sigterm: bool | float | None = None,
    protocol: str | None = None,
    endpoints: Sequence[str] | None = None,
    balance: str | None = None,
    headers_provider: Callable[[], Mapping[str, str]] | None = None,
    headers_refresh: float | None = None,
    durable: "DurableQueue | str | os.PathLike[str] | None" = None,
    on_error: Callable[[ErrorEvent], object] | None = None,
    on_drop: Callable[[DropEvent], object] | None = None,
    top: str | os.PathLike[str] | None = None,
    **overrides: Any,
) -> Installation:
    """Set up tracing natively, and metrics and logs by the SDK, as OTEL_* says; to be called once, early.

    What OTEL_* leaves open: traces by OTLP/HTTP in protobuf, metrics and logs too if their exporters are installed.
    Propagators are the API's (OTEL_PROPAGATORS). A second call changes nothing and answers the same.

    :param flush_on_sigterm: send what is queued when SIGTERM comes, for so many seconds at most (True: 10), before what was to
        happen then happens; only in the main thread. Default: SPANWIRE_FLUSH_ON_SIGTERM, else for 5 seconds where nobody else handles
        SIGTERM, and under uvicorn; False: not at all.
    :param protocol: how the exporter ``otlp`` sends traces: ``http/protobuf``, ``http/json`` or ``grpc``; default: what
        OTEL_EXPORTER_OTLP[_TRACES]_PROTOCOL says.
    :param endpoints: several endpoints of the same backend, which our exporters get in the place of OTEL_EXPORTER_OTLP_ENDPOINT; over
        HTTP whole URLs.
    :param balance: which of them gets a request: as of ``spanwire.exporter.http.OTLPSpanExporter``.
    :param headers_provider: gives headers that change, such as a token that expires: as of the exporters.
    :param headers_refresh: seconds between two calls of it, likewise.
    :param durable: a folder, or a ``spanwire.durable.DurableQueue``, in which what waits outlives the process: as of the exporters.
    :param on_error: called with a ``spanwire.events.ErrorEvent`` when an export fails or a receiver complains, on a thread of
        spanwire's own, at most once a second for each destination and reason; :func:`spanwire.events.subscribe` says more.
    :param on_drop: likewise with a ``spanwire.events.DropEvent`` when spans are lost.
    :param top: serve the counts of this process and of those that are forked from it for ``spanwire top``, at local sockets whose names
        begin so; default: SPANWIRE_TOP_SOCKET, and without that not at all.
    :param overrides: keywords of the SDK's configurator, which come before or beside the environment: ``sampler``,
        ``id_generator``, ``resource_attributes``, ``trace_exporter_names``, ``span_processors`` …
    :returns: what was set up; print it to see what was chosen.
    :raises RuntimeError: if another TracerProvider is set already (not with ``SPANWIRE_DISABLED=1``), an exporter that is
        asked for is missing, or an earlier call has failed half way.
    :raises TypeError: if the installed SDK does not know a keyword, or ``on_error`` or ``on_drop`` cannot be called.
    :raises ValueError: if an option cannot work, a protocol is none of these, or a socket may not be at ``top``; or ``flush_on_sigterm``
        outside the main thread.

    What OTEL_CONFIG_FILE cannot say raises what opentelemetry-configuration raises.
    """
    global _installed, _failure  # noqa: PLW0603 - one a process
    with _lock:
        if _installed is None:
            seconds = seconds_of(flush_on_sigterm)
            if seconds and flush_on_sigterm is not None:
                check_handler()
            elif seconds is None and is_disabled():
                seconds = 0.0  # the SDK alone
            if protocol is not None and protocol not in PROTOCOLS:
                known = f"{', '.join(map(repr, PROTOCOLS[:-1]))} or {PROTOCOLS[-1]!r}"
                raise ValueError(f"protocol={protocol!r} is not known; give {known}")
            if not os.environ.get("OTEL_CONFIG_FILE"):
                check_keywords(overrides)
            hooks.check_callable(on_error=on_error, on_drop=on_drop)
            if _failure is not None:
                raise RuntimeError(
                    f"an earlier spanwire.install() has failed half way: {_failure}; put that right and start the program again"
                )
            if top is not None:
                from spanwire._telemetry import top_socket

                top_socket.serve(top)
            provider = getattr(trace, "_TRACER_PROVIDER", None)
            if provider is None:
                ours = {
                    "endpoints": endpoints,
                    "balance": balance,
                    "headers_provider": headers_provider,
                    "headers_refresh": headers_refresh,
                    "durable": durable,
                }
                if any(one is not None for one in ours.values()):
                    overrides["exporter_args_map"] = keywords_for(overrides.get("exporter_args_map"), ours)
                try:
                    with _environment(overrides, protocol):
                        if not is_disabled():
                            check_exporters(overrides.get("trace_exporter_names"))
                        Configurator().configure(**overrides)  # type: ignore[no-untyped-call]  # the SDK's has no types
                except Exception as error:
                    # A provider cannot be set twice, and this one may send nothing.
                    if getattr(trace, "_TRACER_PROVIDER", None) is not None:
                        _failure = repr(error)
                    raise
            elif not (_is_ours(provider) or is_disabled()):
                raise RuntimeError(
                    f"a TracerProvider is set already ({_name(provider)}): call spanwire.install() before, or instead of, "
                    "trace.set_tracer_provider()"
                )
            _installed = Installation(seconds)
            if on_error is not None or on_drop is not None:
                subscribe(on_error=on_error, on_drop=on_drop)
        return _installed


@contextmanager
def _environment(overrides: dict[str, Any], protocol: str | None) -> Generator[None, None, None]:
    """What the environment leaves open is said there as long as it is read, and not to child processes."""
    said = defaults()
    if "trace_exporter_names" in overrides or "span_processors" in overrides:
        said.pop(OTEL_TRACES_EXPORTER, None)
    if protocol is not None:
        said[OTEL_EXPORTER_OTLP_TRACES_PROTOCOL] = protocol
    empty = {name: os.environ[name] for name in said if name in os.environ}
    os.environ.update(said)
    try:
        yield
    finally:
        for name in said.keys() - empty.keys():
            os.environ.pop(name, None)
        os.environ.update(empty)


def _is_ours(provider: object) -> bool:
    from spanwire.trace import TracerProvider

    return isinstance(provider, TracerProvider) and not is_disabled()


def _name(thing: object) -> str:
    kind = type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def _described(processor: Any) -> str:
    """A processor and where it sends to, without credentials."""
    exporter = getattr(processor, "span_exporter", None)
    if exporter is None:
        return _name(processor)
    destination = getattr(getattr(exporter, "_client", None), "destination", None)
    where = f" to {destination}" if isinstance(destination, str) else ""
    return f"{type(processor).__name__}: {_name(exporter)}{where}"
