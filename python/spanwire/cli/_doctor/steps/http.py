"""The answer to a request without spans, made by the exporter's own client with its headers and compression."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from spanwire.cli._doctor._context import NO_SPANS, Address, without_compression
from spanwire.cli._doctor._probe import probe

if TYPE_CHECKING:
    from spanwire._native import Outcome
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["ask", "check", "clock", "compression_is_refused", "slow"]

_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
_STATUS = re.compile(r"status (\d{3})")
# What the client adds to the receiver's words: said better here, by status.
_ADVICE = re.compile(
    r"(?:^|; )(?:are the credentials right|an endpoint is used as it stands|lower max_export_batch_size).*$"
)
_TRIES = re.compile(r" \(\d+ requests? made\)$")
# What is too large is divided, down to one span, as which the client takes a request without any.
_ONE_SPAN = re.compile(r"^a span of \d+ bytes is too large: ")

_MEANINGS: dict[int, tuple[str, str]] = {
    400: (
        "the request is not understood",
        "is it an OTLP receiver? Some refuse a request without spans: see the next step",
    ),
    401: ("no or wrong credentials", f"set the header that the receiver wants in {_HEADERS}"),
    403: ("the credentials do not allow it", f"look at what the key in {_HEADERS} may do, and for which tenant"),
    407: (
        "a proxy on the way wants credentials",
        "put user and password into the URL of the proxy; if none is named by the environment, is the endpoint one?",
    ),
    404: (
        "nothing is at this path",
        "receivers usually have /v1/traces; a base URL belongs into OTEL_EXPORTER_OTLP_ENDPOINT",
    ),
    405: ("this path takes no POST", "it is a page or another API: receivers usually have /v1/traces"),
    408: ("the receiver waited too long for the request", "look at what is between here and the receiver"),
    411: ("the length of the request is missing", "look at what is between here and the receiver"),
    413: ("the request is too large", "let the receiver, or the proxy in front of it, take larger bodies"),
    415: ("this kind of body is not taken", "is protobuf over HTTP switched on there? Does it take this compression?"),
    429: ("too many requests", "the receiver holds back: look at its limits"),
    502: ("a proxy on the way has no answer from behind it", "look at the receiver behind the proxy"),
    503: ("the receiver is there and takes nothing now", "look at its log; is what it sends to there?"),
    504: ("a proxy on the way waits in vain", "look at the receiver behind the proxy"),
}
_LATER = {429, 502, 503, 504}
# What servers answer that cannot read the body, or do not want it so.
_COMPRESSION = {400, 406, 415, 500, 501}
_HTTP_PORT = 4318


def check(context: Context, step: Step) -> None:
    """Send it, and explain the answer."""
    if context.is_grpc:
        step.skip("the exporter speaks gRPC")
        return
    if (answer := ask(context, step)) is None:
        return
    outcome, message = answer
    if outcome.lost is None:
        context.answered = True
        _accepted(step, message if "not OTLP" in message else context.mask.hide(message))
        slow(context, step)
    elif status := _STATUS.match(message):
        _status(context, step, int(status[1]), message)
    elif message.startswith("redirected"):
        step.fail("redirect", context.mask.hide(message), "set the endpoint to where it leads, whole")
    elif outcome.lost == "timeout" or "no answer within" in message:
        step.fail(
            "timeout",
            f"connected, and no answer within {context.patience:g} s",
            "the receiver hangs, or what is behind it; is it an HTTP server at all?",
        )
    else:
        _broken(context, step, message)
    if context.answered:
        clock(context, step)


def ask(context: Context, step: Step) -> tuple[Outcome, str] | None:
    """The answer to a request without spans, and what the client says of it; None, the step being skipped, if there is nothing to ask."""
    if context.exporter is None or not context.reachable:
        step.skip("there is no connection")
        return None
    if not context.trusted:
        step.skip("there is no trust")
        return None
    outcome = context.answer()
    message = words(outcome.message)
    step.details = {
        "lost": outcome.lost or "",
        "message": context.mask.hide(message),
        "retries": outcome.retries,
        "milliseconds": round(context.answer_seconds * 1000, 2),
    }
    return outcome, message


def words(message: str | None) -> str:
    """What the client says, without what it counts."""
    return _TRIES.sub("", _ONE_SPAN.sub("", message or ""))


def slow(context: Context, step: Step) -> None:
    """Each request takes so long; what takes more than the timeout is lost."""
    timeout = context.options.timeout if context.options is not None else context.timeout
    if context.answer_seconds > timeout / 4:
        step.warn(
            "slow",
            f"the answer took {context.answer_seconds:.2f} s, and a request may take {timeout:g} s with all its tries",
            "raise OTEL_EXPORTER_OTLP_TIMEOUT, or send to a collector that is near, which passes it on",
        )


def clock(context: Context, step: Step) -> None:
    skew = context.probe().skew
    step.details["clock_ahead_seconds"] = None if skew is None else round(skew, 1)
    if words := context.skew():
        step.warn(
            "clock",
            f"the clock of this machine is {words}: backends show such spans at the wrong time, or drop them",
            "set this machine's clock, by NTP say, unless it is the server's that is wrong",
        )


def _accepted(step: Step, message: str) -> None:
    if "not OTLP" in message:
        step.warn(
            "not_otlp",
            "the request was taken, but the answer is not OTLP: is it a receiver, or a page that is there for everybody?",
            "look at the path and the port of the endpoint",
        )
    elif message:
        step.ok("accepted", f"a request without spans is taken; the receiver says: {message}")
    else:
        step.ok("accepted", "a request without spans is taken")


def _status(context: Context, step: Step, status: int, message: str) -> None:
    step.details["status"] = status
    if status in _COMPRESSION and compression_is_refused(context, step, f"status {status}"):
        return
    meaning, cure = _MEANINGS.get(status, ("the receiver refuses it", "look at the receiver's log"))
    if status in {401, 403} and not context.sends_credentials:
        cure = f"no credentials are sent: set the header that the receiver wants in {_HEADERS}"
    said = context.mask.hide(_ADVICE.sub("", message.partition(": ")[2]))
    text = f"status {status}: {meaning}" + (f"; it says: {said}" if said and said != meaning else "")
    if status == 400:
        context.answered = True
        step.warn("status_400", text, cure)
    elif status in _LATER:
        step.fail(f"status_{status}", f"{text} (the exporter tries again)", cure)
    else:
        step.fail(f"status_{status}", text, cure)


def _broken(context: Context, step: Step, message: str) -> None:
    kind = context.probe().spoken if context.target is not None and context.target.scheme == "http" else ""
    step.details["spoken"] = kind
    if kind == "http2":
        step.fail(
            "grpc_only",
            "the server speaks HTTP/2 only, as gRPC does, and the exporter HTTP/1.1",
            _other_port(context) or "take the port of OTLP over HTTP, usually 4318, and switch it on in the receiver",
        )
    elif kind == "tls":
        step.fail("tls_only", "the server speaks TLS there", "take https:// in the endpoint")
    elif "HTTP" in message or kind == "other":
        step.fail(
            "no_http",
            f"what listens there is no HTTP server: {context.mask.hide(message)}",
            "look at the port in the endpoint",
        )
    else:
        step.fail("lost", context.mask.hide(message) or "the connection was lost", "look at the receiver's log")


def compression_is_refused(context: Context, step: Step, answer: str) -> bool:
    """Whether the same request is taken without compression; what is to be said of it then."""
    if context.options is None or context.options.compression == "none":
        return False
    with without_compression(context) as client:
        if client.export_encoded(NO_SPANS, 1).lost is not None:
            return False
    step.details["compression"] = context.options.compression
    step.fail(
        "compression",
        f"{answer}: a body that is compressed by {context.options.compression} is refused, and taken as it is",
        "set OTEL_EXPORTER_OTLP_COMPRESSION=none, or have the receiver, or what is in front of it, take it",
    )
    return True


def _other_port(context: Context) -> str:
    """Where HTTP is spoken, if it is at the usual port of the same host."""
    target, address = context.target, context.reachable[0]
    if target is None or target.port == _HTTP_PORT or context.proxy is not None:
        return ""
    where = (address.where[0], _HTTP_PORT, *address.where[2:])
    if probe(context, Address(address.family, where, "")).spoken != "http":
        return ""
    host = f"[{target.host}]" if address.family == socket.AF_INET6 and ":" in target.host else target.host
    return f"take {target.scheme}://{host}:{_HTTP_PORT} as OTEL_EXPORTER_OTLP_ENDPOINT: HTTP is spoken there"
