"""Tracers that were taken before the provider was set call ours directly, and others are left alone."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.sdk import trace as sdk

import spanwire.trace
from spanwire.trace import _proxy


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No provider yet, and the API's class as it was."""
    monkeypatch.setattr(api, "_TRACER_PROVIDER", None)
    stock = vars(api.ProxyTracer)["_tracer"]
    yield
    setattr(api.ProxyTracer, "_tracer", stock)  # noqa: B010


def set_provider(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setattr(api, "_TRACER_PROVIDER", module.TracerProvider(shutdown_on_exit=False))


def use(tracer: Any) -> Any:
    with tracer.start_as_current_span("name", attributes={"a": 1}) as span:
        assert api.get_current_span() is span
        child = tracer.start_span("child")
    assert not span.get_span_context().is_valid or child.parent == span.get_span_context()
    return span


def test_the_first_use_puts_our_methods_into_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    spanwire.trace.shortcut_proxy_tracers()
    tracer: Any = api.get_tracer("early", "1")
    assert type(tracer) is api.ProxyTracer
    use(tracer)
    assert "start_span" not in vars(tracer)

    set_provider(monkeypatch, spanwire.trace)
    use(tracer)

    assert vars(tracer)["start_span"].__self__ is tracer._tracer
    assert vars(tracer)["start_as_current_span"].__self__ is tracer._tracer
    assert type(tracer._tracer) is spanwire.trace.Tracer
    assert use(tracer).instrumentation_scope.version == "1"


def test_without_the_shortcut_the_proxy_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tracer: Any = api.get_tracer("early")
    set_provider(monkeypatch, spanwire.trace)
    assert isinstance(use(tracer), spanwire.trace.Span)
    assert "start_span" not in vars(tracer)


def test_tracers_of_other_providers_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    spanwire.trace.shortcut_proxy_tracers()
    tracer: Any = api.get_tracer("early")
    set_provider(monkeypatch, sdk)
    for _ in range(2):
        assert type(use(tracer)) is sdk._Span
    assert not {"start_span", "start_as_current_span"} & set(vars(tracer))


def test_asking_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spanwire.trace.shortcut_proxy_tracers()
    once = vars(api.ProxyTracer)["_tracer"]
    spanwire.trace.shortcut_proxy_tracers()
    assert vars(api.ProxyTracer)["_tracer"] is once
    assert isinstance(once, property)


def test_a_proxy_that_somebody_patched_or_subclassed_keeps_their_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(api.ProxyTracer):
        pass

    spanwire.trace.shortcut_proxy_tracers()
    set_provider(monkeypatch, spanwire.trace)
    mine, patched = Mine("scope"), api.ProxyTracer("scope")
    use(mine)
    assert "start_span" not in vars(mine)

    calls = []
    forward = api.ProxyTracer.start_span

    def listen(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(api.ProxyTracer, "start_span", listen)
    use(patched)
    use(patched)
    assert len(calls) == 2


def test_decorators_made_before_the_provider_was_set_work(monkeypatch: pytest.MonkeyPatch) -> None:
    spanwire.trace.shortcut_proxy_tracers()
    tracer = api.get_tracer("early")

    @tracer.start_as_current_span("function")
    def function() -> Any:
        return api.get_current_span()

    @tracer.start_as_current_span("coroutine")
    async def coroutine() -> Any:
        return api.get_current_span()

    assert function() is api.INVALID_SPAN
    set_provider(monkeypatch, spanwire.trace)
    for _ in range(2):
        assert function().name == "function"
        assert asyncio.run(coroutine()).name == "coroutine"


def test_disabled_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = vars(api.ProxyTracer)["_tracer"]
    monkeypatch.setenv("SPANWIRE_DISABLED", "1")
    _proxy.shortcut_proxy_tracers()
    assert vars(api.ProxyTracer)["_tracer"] is stock
