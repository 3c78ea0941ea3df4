"""The proxy that the environment names for the endpoint, if it does: whether there is a way through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_NO_WAY = "no way through the proxy "

# Words of the exporter's client, and what they mean.
_KINDS = (
    ("wants credentials", "credentials"),
    ("does not take the user and password", "credentials"),
    ("refuses the way", "refused"),
    ("does not reach", "no_way"),
    ("is no HTTP proxy", "no_proxy"),
    ("speaks TLS there", "tls_only"),
    ("did not answer within", "timeout"),
    ("TLS failed", "tls"),
)
_CURES = {
    "credentials": "put user and password into the URL of {variable}, percent-encoded",
    "refused": "have the proxy allow the way, or add the host to {exceptions} if it can be reached directly",
    "no_way": "does the receiver run, and can it be reached from the proxy? Its log says more",
    "no_proxy": "look at the port in {variable}",
    "tls_only": "begin the URL of {variable} with https://",
    "timeout": "the proxy hangs, or waits for the receiver in vain: its log says more",
    "tls": "set OTEL_EXPORTER_OTLP_CERTIFICATE to the authorities of the proxy's certificate and of the receiver's",
    "lost": "look at the port in {variable}, and at the proxy's log",
}


def check(context: Context, step: Step) -> None:
    """By the exporter's own client, with the proxy's credentials."""
    proxy = context.proxy
    if proxy is None or context.target is None:
        step.skip("the endpoint is reached directly")
        return
    if context.exporter is None or not context.reachable:
        step.skip("there is no connection")
        return
    message = context.answer().message or ""
    if message.startswith(_NO_WAY):
        why = message.removeprefix(_NO_WAY).partition(": ")[2]
        code = next((code for words, code in _KINDS if words in why), "lost")
        exceptions = "no_grpc_proxy" if context.is_grpc else "NO_PROXY"
        cure = _CURES[code].format(variable=proxy.variable, exceptions=exceptions)
        step.fail(code, f"{proxy.url}: {context.mask.hide(why)}", cure)
        context.reachable = []  # the steps to come have nobody to ask
    elif context.tunnels:
        step.ok("open", f"{proxy.url} opens a way to {context.target.host}, port {context.target.port}")
    else:
        step.ok("forwards", f"{proxy.url} is given the requests, which name the whole URL")
