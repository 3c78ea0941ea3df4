"""Tracers that were taken before the provider was set.

The API gives them as a ``ProxyTracer``, whose methods forward through a generator: 1,100 ns a span that ours does not cost. The first
use of one that turns out to forward to a tracer of ours puts that tracer's methods into the proxy's ``__dict__``, where calls find
them first.
"""

from typing import Any

from opentelemetry.trace import ProxyTracer

from spanwire.trace._disabled import is_disabled

__all__ = ["shortcut_proxy_tracers"]

_FORWARDED = ("start_span", "start_as_current_span")
_STOCK = {name: vars(ProxyTracer)[name] for name in _FORWARDED}


class _Resolve(property):
    """In the place of ``ProxyTracer._tracer``: what that gives, and the shortcut if it is ours."""

    def __get__(self, proxy: Any, owner: Any = None) -> Any:
        tracer = super().__get__(proxy, owner)
        if type(proxy) is not ProxyTracer or not _is_ours(tracer):
            return tracer
        if all(vars(ProxyTracer).get(name) is method for name, method in _STOCK.items()):  # nobody listens in
            for name in _FORWARDED:
                vars(proxy).setdefault(name, getattr(tracer, name))
        return tracer


def _is_ours(tracer: object) -> bool:
    from spanwire._facade.tracing import Tracer

    return type(tracer) is Tracer


def shortcut_proxy_tracers() -> None:
    """Let tracers that were taken before the provider was set call ours directly, from their second use on.

    Changes the API's ``ProxyTracer``, once for the process; tracers of other providers are not touched. Nothing is done if
    ``SPANWIRE_DISABLED`` is set.
    """
    found = vars(ProxyTracer).get("_tracer")
    if type(found) is property and not is_disabled():
        setattr(ProxyTracer, "_tracer", _Resolve(found.fget, doc=found.__doc__))  # noqa: B010 - an assignment is an error to mypy
