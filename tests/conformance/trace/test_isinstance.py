"""What code asks of our objects' types: it gets the answers that the SDK's would give."""

import inspect
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling

import spanwire.trace
from tests.conformance.trace.sides import Collect, Side, same

OF_SPANS = [api.Span, api.NonRecordingSpan, sdk.Span, sdk._Span, sdk.ReadableSpan]


@pytest.mark.parametrize("sampler", [sampling.ALWAYS_ON, sampling.ALWAYS_OFF], ids=["recorded", "unsampled"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_span_is_an_instance_of_what_the_sdks_is(sampler: sampling.Sampler, ended: bool) -> None:
    def scenario(side: Side) -> Any:
        span = side.span(sampler=sampler)
        if ended:
            span.end()
        return [isinstance(span, kind) for kind in OF_SPANS], span.__class__

    recorded = sampler is sampling.ALWAYS_ON
    seen = same(scenario)
    assert seen.result == (
        [True, not recorded, recorded, recorded, recorded],
        sdk._Span if recorded else api.NonRecordingSpan,
    )


def test_what_processors_get_is_a_readable_span_and_no_span() -> None:
    def scenario(side: Side) -> Any:
        side.span().end()
        ended = side.spans[0]
        return isinstance(ended, sdk.ReadableSpan), isinstance(ended, sdk.Span), isinstance(ended, api.Span)

    assert same(scenario).result == (True, False, False)


def test_tracers_and_providers_are_instances_of_the_apis_and_the_sdks_classes() -> None:
    def scenario(side: Side) -> Any:
        provider = side.provider()
        tracer = provider.get_tracer("scope")
        return (
            isinstance(tracer, api.Tracer),
            isinstance(tracer, sdk.Tracer),
            isinstance(provider, api.TracerProvider),
            isinstance(provider, sdk.TracerProvider),
            isinstance(provider._active_span_processor, sdk.SynchronousMultiSpanProcessor),
        )

    assert same(scenario).result == (True,) * 5


def test_our_classes_are_subclasses_of_the_apis() -> None:
    assert issubclass(spanwire.trace.Span, api.Span)
    assert issubclass(spanwire.trace.Tracer, api.Tracer)
    assert issubclass(spanwire.trace.TracerProvider, sdk.TracerProvider)


def test_an_instance_of_ours_is_one_of_our_classes_too() -> None:
    provider = spanwire.trace.TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("scope")
    span = tracer.start_span("name")
    assert isinstance(tracer, spanwire.trace.Tracer)
    assert isinstance(span, spanwire.trace.Span)


@pytest.mark.parametrize("kind", ["Span", "Tracer"])
def test_spans_and_tracers_are_made_by_their_makers_only(kind: str) -> None:
    with pytest.raises(TypeError):
        getattr(spanwire.trace, kind)()


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [
        (item.name, item.kind, item.default)
        for item in inspect.signature(function).parameters.values()
        if item.name not in {"self", "cls"}
    ]


def test_a_provider_takes_the_newest_sdks_parameters() -> None:
    ours = {name: (kind, default) for name, kind, default in parameters(spanwire.trace.TracerProvider)}
    theirs = {name: (kind, default) for name, kind, default in parameters(sdk.TracerProvider)}
    assert theirs.items() <= ours.items()
    assert list(ours)[:6] == list(theirs)[:6]


@pytest.mark.parametrize("name", ["get_tracer", "add_span_processor", "shutdown", "force_flush"])
def test_a_providers_methods_take_the_sdks_parameters(name: str) -> None:
    assert parameters(getattr(spanwire.trace.TracerProvider, name)) == parameters(getattr(sdk.TracerProvider, name))


def test_spans_and_tracers_have_every_public_name_of_the_sdks() -> None:
    collect = Collect()
    provider = spanwire.trace.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collect)
    tracer = provider.get_tracer("scope")
    span = tracer.start_span("name")
    span.end()
    (ended,) = collect.spans

    def public(kind: Any) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(sdk._Span) <= set(dir(span)) | {"instrumentation_info"}
    assert public(sdk.Tracer) <= set(dir(tracer))
    missing = {name for name in public(sdk.ReadableSpan) if not hasattr(type(ended), name)}
    assert not missing


def test_readable_spans_made_by_hand_are_the_sdks() -> None:
    assert spanwire.trace.ReadableSpan is sdk.ReadableSpan
    assert spanwire.trace.ReadableSpan("name").name == "name"
