"""The provider: tracers, resources, configurators, what switches it off, shutdown, forks and metrics about itself."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import sampling

import spanwire.trace
from tests.conformance.trace.sides import Side, same

newest = pytest.mark.skipif(
    not hasattr(sdk, "_default_tracer_configurator"), reason="not applicable: this SDK has no tracer configurators"
)


def test_equal_scopes_have_one_tracer_and_others_their_own() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()
        first = provider.get_tracer("scope", "1", "https://schema", {"a": 1})
        return (
            first is provider.get_tracer("scope", "1", "https://schema", {"a": 1}),
            first is provider.get_tracer("scope", "2", "https://schema", {"a": 1}),
            first is provider.get_tracer("scope", "1", "https://schema", {"a": 2}),
        )

    same(scenario)


def test_a_scope_is_what_was_asked_for() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()
        scopes: list[Any] = []
        wanted: list[Any] = [("scope",), ("scope", "1"), ("scope", None, "https://schema", {"a": [1]})]
        for arguments in wanted:
            provider.get_tracer(*arguments).start_span("name").end()
            scopes.append(side.spans[-1].instrumentation_scope)
        return scopes

    assert [scope.version for scope in same(scenario).result] == ["", "1", ""]


@pytest.mark.parametrize("name", ["", None])
def test_a_missing_name_is_an_error_in_the_log(name: Any) -> None:
    seen = same(lambda side: side.provider().get_tracer(name).start_span("name").end())
    assert seen.logged == [("opentelemetry.sdk.trace", "ERROR", "get_tracer called with missing module name.")]


def test_threads_that_ask_at_once_get_one_tracer() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()
        barrier, found = threading.Barrier(8), []

        def ask() -> None:
            barrier.wait(10)
            found.append(provider.get_tracer("scope"))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(set(map(id, found))) in {1, 8}, {type(tracer).__name__ for tracer in found}

    assert same(scenario).result == (True, {"Tracer"})
    provider = spanwire.trace.TracerProvider(shutdown_on_exit=False)
    assert (provider.get_tracer("a") is provider.get_tracer("a")) is hasattr(provider, "_tracers")


def test_tracers_have_what_the_sdks_have() -> None:
    def scenario(side: Side) -> Any:
        resource = Resource({"a": 1})
        sampler = sampling.ParentBased(sampling.ALWAYS_OFF)
        provider = side.trace.TracerProvider(sampler, resource, False)
        tracer: Any = provider.get_tracer("scope", "1")
        return (
            tracer.sampler is sampler is provider.sampler,
            tracer.resource is resource is provider.resource,
            tracer.span_processor is provider._active_span_processor,
            tracer.id_generator is provider.id_generator,
            tracer.instrumentation_info.name,
            tracer._instrumentation_scope.version,
            tracer._span_limits is provider._span_limits,
        )

    assert same(scenario).result == (True, True, True, True, "scope", "1", True)


def test_the_resource_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=1,service.name=shop")

    def scenario(side: Side) -> Any:
        return dict(side.trace.TracerProvider(shutdown_on_exit=False).resource.attributes)

    assert same(scenario, differ=["result"]).result["service.name"] == "shop"


@pytest.mark.parametrize("value", ["true", " TRUE ", "false", "1", ""])
def test_otel_sdk_disabled_gives_tracers_that_do_nothing(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", value)

    def scenario(side: Side) -> Any:
        tracer = side.provider().get_tracer("scope")
        tracer.start_span("name").end()
        return isinstance(tracer, api.NoOpTracer), len(side.spans)

    assert same(scenario).result == ((True, 0) if value.strip().lower() == "true" else (False, 1))


@newest
def test_a_configurator_switches_tracers_off_by_their_scopes() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider(
            _tracer_configurator=lambda scope: sdk._TracerConfig(is_enabled=scope.name != "quiet"),
        )
        for name in ("loud", "quiet"):
            with provider.get_tracer(name).start_as_current_span(name) as span:
                assert isinstance(span, api.NonRecordingSpan) is (name == "quiet")
        return [span.name for span in side.spans]

    assert same(scenario).result == ["loud"]


@newest
def test_a_new_configurator_reaches_tracers_that_exist() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()
        tracer: Any = provider.get_tracer("scope")
        seen = [tracer.start_span("on").is_recording(), tracer._is_enabled()]
        provider._set_tracer_configurator(tracer_configurator=sdk._disable_tracer_configurator)
        seen += [tracer.start_span("off").is_recording(), tracer._is_enabled(), tracer._tracer_config.is_enabled]
        with tracer.start_as_current_span("off") as span:
            seen.append(span.get_span_context().is_valid)
        provider._set_tracer_configurator(tracer_configurator=sdk._default_tracer_configurator)
        return [*seen, tracer.start_span("on again").is_recording()]

    assert same(scenario).result == [True, True, False, False, False, False, True]


@newest
def test_a_disabled_tracer_passes_the_parent_on() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider(_tracer_configurator=lambda scope: sdk._TracerConfig(scope.name != "quiet"))
        loud, quiet = provider.get_tracer("loud"), provider.get_tracer("quiet")
        with loud.start_as_current_span("parent") as parent, quiet.start_as_current_span("nothing") as nothing:
            child: Any = loud.start_span("child")
            child.end()
        return nothing.get_span_context() == parent.get_span_context(), child.parent == parent.get_span_context()

    assert same(scenario).result == (True, True)


@newest
def test_a_configurator_that_fails_is_logged_and_the_default_taken() -> None:
    def scenario(side: Side) -> Any:
        def fail(scope: Any) -> Any:
            raise ValueError("no")

        return side.provider(_tracer_configurator=fail).get_tracer("scope").start_span("name").is_recording()

    seen = same(scenario)
    assert seen.result is True
    assert "Failed to create a Tracer Config" in seen.texts[0]


@newest
def test_a_resource_that_is_updated_reaches_tracers_that_exist() -> None:
    def scenario(side: Side) -> Any:
        provider: Any = side.provider()
        tracer = provider.get_tracer("scope")
        tracer.start_span("before").end()
        provider._update_resource(Resource({"added": 1}))
        tracer.start_span("after").end()
        return [dict(span.resource.attributes) for span in side.spans], tracer.resource is provider.resource

    assert same(scenario).result == (
        [{"service.name": "conformance"}, {"service.name": "conformance", "added": 1}],
        True,
    )


def test_shutdown_shuts_processors_down_and_forgets_the_exit_handler() -> None:
    def scenario(side: Side) -> Any:
        calls = []

        class Processor(sdk.SpanProcessor):
            def shutdown(self) -> None:
                calls.append(1)

        provider = side.trace.TracerProvider()
        provider.add_span_processor(Processor())
        registered = provider._atexit_handler is not None
        provider.shutdown()
        provider.shutdown()
        provider.get_tracer("scope").start_span("name").end()
        return registered, provider._atexit_handler, len(calls)

    assert same(scenario).result == (True, None, 2)


EXIT = """
import sys, {module} as trace
class Processor(trace.SpanProcessor):
    def shutdown(self): print("shut down")
provider = trace.TracerProvider(shutdown_on_exit=sys.argv[1] == "yes")
provider.add_span_processor(Processor())
provider.get_tracer("scope").start_span("name").end()
"""


@pytest.mark.parametrize("wanted", ["yes", "no"])
@pytest.mark.parametrize("module", ["opentelemetry.sdk.trace", "spanwire.trace"])
def test_the_end_of_the_interpreter_shuts_down_unless_told_not_to(module: str, wanted: str) -> None:
    command = [sys.executable, "-W", "error", "-c", EXIT.format(module=module), wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("shut down\n" if wanted == "yes" else "", "")


def test_a_provider_and_its_tracers_are_freed() -> None:
    provider = spanwire.trace.TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("scope")
    tracer.start_span("name").end()
    references: list[Any] = [weakref.ref(provider), weakref.ref(tracer)]
    del provider, tracer
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_a_subclass_of_the_provider_works() -> None:
    class Mine(spanwire.trace.TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> api.Tracer:
            return super().get_tracer(*args, **kwargs)

    assert type(Mine(shutdown_on_exit=False).get_tracer("scope")) is spanwire.trace.Tracer


def test_a_keyword_that_the_sdk_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError):
        spanwire.trace.TracerProvider(nonsense=1)  # type: ignore[call-arg]


def points(reader: InMemoryMetricReader) -> list[Any]:
    data: Any = reader.get_metrics_data()
    return sorted(
        (metric.name, sorted(point.attributes.items()), point.value)
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name.startswith("otel.sdk.span.")
        for point in metric.data.data_points
    )


@newest
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_metrics_about_spans_are_counted_where_they_are_enabled(enabled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", enabled)
    remote = api.set_span_in_context(api.NonRecordingSpan(api.SpanContext(1, 2, True, api.TraceFlags(1))))

    def scenario(side: Side) -> Any:
        reader = InMemoryMetricReader()
        meters = MeterProvider([reader], shutdown_on_exit=False)
        seen = []
        for sampler in (
            sampling.DEFAULT_ON,
            sampling.ALWAYS_OFF,
            sampling.StaticSampler(sampling.Decision.RECORD_ONLY),
        ):
            tracer = side.provider(sampler=sampler, meter_provider=meters).get_tracer("scope")
            with tracer.start_as_current_span("root"):
                tracer.start_span("child", remote).end()
                tracer.start_span("left open")
                seen.append(points(reader))
        seen.append(points(reader))
        meters.shutdown()
        return seen

    result = same(scenario).result
    assert (len(result[-1]) > 0) is (enabled == "true")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not applicable: no fork here")
def test_a_forked_child_makes_spans_with_ids_of_its_own() -> None:
    program = """
import os, sys, spanwire.trace as trace
tracer = trace.TracerProvider().get_tracer("scope")
tracer.start_span("before")
read, write = os.pipe()
child = os.fork()
ids = [tracer.start_span("name").get_span_context() for _ in range(50)]
ids = {item for context in ids for item in (context.trace_id, context.span_id)}
if not child:
    os.write(write, " ".join(map(str, ids)).encode())
    os._exit(0)
os.waitpid(child, 0)
theirs = set(map(int, os.read(read, 65536).split()))
print(len(ids), len(theirs), len(ids & theirs))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "100 100 0\n"
