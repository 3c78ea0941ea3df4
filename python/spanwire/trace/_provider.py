"""The provider: the SDK's, whose tracers are replaced by native ones.

Resources, samplers from the environment, tracer configurators, ``OTEL_SDK_DISABLED``, atexit and fork handling are inherited.
"""

import os
from collections.abc import Callable
from typing import Any

from opentelemetry import metrics as metrics_api
from opentelemetry import trace as trace_api
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util import types

from spanwire import _native
from spanwire._facade.tracing import Plan, Tracer
from spanwire._settings import _defaults
from spanwire.trace._processors import SynchronousMultiSpanProcessor

__all__ = ["TracerProvider"]


class TracerProvider(sdk.TracerProvider):
    """Makes native tracers; everything else as ``opentelemetry.sdk.trace.TracerProvider``.

    :param sampler: default: what ``OTEL_TRACES_SAMPLER`` says, else parent-based, always on.
    :param resource: default: ``Resource.create()``.
    :param shutdown_on_exit: whether the processors are shut down when the interpreter exits.
    :param active_span_processor: what all processors are added to. Ours is the default; with a
        ``ConcurrentMultiSpanProcessor``, or any other, each span is handed to that one by Python calls.
    :param id_generator: default: random ids, made natively.
    :param span_limits: default: what the environment says.
    :param meter_provider: for the SDK's metrics about itself; needs opentelemetry-sdk 1.39 or newer.
    :raises TypeError: if a keyword is one that the installed SDK does not have.
    :raises ValueError: if ``SPANWIRE_CLOCK`` is neither ``auto`` nor ``system``.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        active_span_processor: sdk.SynchronousMultiSpanProcessor | sdk.ConcurrentMultiSpanProcessor | None = None,
        id_generator: IdGenerator | None = None,
        span_limits: sdk.SpanLimits | None = None,
        *,
        meter_provider: metrics_api.MeterProvider | None = None,
        _tracer_configurator: Callable[[InstrumentationScope], Any] | None = None,
    ) -> None:
        _native.choose_clock(
            os.environ.get("SPANWIRE_CLOCK", "").strip().lower() or _defaults.text("native", "SPANWIRE_CLOCK")
        )
        # Of a newer SDK: an older one says by itself that it does not know them.
        later: dict[str, Any] = {"meter_provider": meter_provider, "_tracer_configurator": _tracer_configurator}
        super().__init__(
            sampler,
            resource,
            shutdown_on_exit,
            active_span_processor or SynchronousMultiSpanProcessor(),
            id_generator,
            span_limits,
            **{name: value for name, value in later.items() if value is not None},
        )

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ) -> trace_api.Tracer:
        """The tracer of an instrumentation scope; the same one for equal scopes, if the SDK keeps its tracers."""
        tracer = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        # NoOpTracer passes, and so does one that this provider has replaced already.
        return self._replace(tracer) if type(tracer) is sdk.Tracer else tracer

    def _replace(self, tracer: sdk.Tracer) -> trace_api.Tracer:
        """Ours in the place of the SDK's, where the SDK's own methods find it to change its resource or configuration."""
        known: dict[InstrumentationScope, Any] | None = getattr(self, "_tracers", None)
        if known is None:  # an SDK that makes a tracer for each call
            return Tracer(tracer, self._plan())
        with self._tracers_lock:
            scope = tracer._instrumentation_scope
            found = known.get(scope, tracer)
            if type(found) is sdk.Tracer:
                found = known[scope] = Tracer(found, self._plan())
            ours: trace_api.Tracer = found
            return ours

    def _plan(self) -> Plan:
        active = self._active_span_processor
        if type(active) is SynchronousMultiSpanProcessor:
            return active.plan
        # A foreign one decides by itself to whom it hands a span, and may be changed at any time.
        plan = Plan()
        plan.set_processors((active,))
        return plan
