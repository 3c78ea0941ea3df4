"""The answer to a request without spans, made by the exporter's own client with its headers and compression."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
_STATUS = re.compile(r"status (\d{3})")
# What the client adds to the receiver's words: said better here, by status.
_ADVICE = re.compile(
    r"(?:^|; )(?:are the credentials right|an endpoint is used as it stands|lower max_export_batch_size).*$"
)
_TRIES = re.compile(r" \(\d+ requests? made\)$")

_MEANINGS: dict[int, tuple[str, str]] = {
    400: (
        "the request is not understood",
        "is it an OTLP receiver? Some refuse a request without spans: see the next step",
    ),
    401: ("no or wrong credentials", f"set the header that the receiver wants in {_HEADERS}"),
    403: ("the credentials do not allow it", f"look at what the key in {_HEADERS} may do, and for which tenant"),
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


def check(context: Context, step: Step) -> None:
    """Send it, and explain the answer."""
    if context.exporter is None or not context.reachable:
        step.skip("there is no connection")
        return
    if not context.trusted:
        step.skip("there is no trust")
        return
    outcome = context.answer()
    message = _TRIES.sub("", outcome.message or "")
    step.details = {"lost": outcome.lost or "", "message": context.mask.hide(message), "retries": outcome.retries}
    if outcome.lost is None:
        context.answered = True
        _accepted(step, message if "not OTLP" in message else context.mask.hide(message))
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
    meaning, cure = _MEANINGS.get(status, ("the receiver refuses it", "look at the receiver's log"))
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
    kind = _spoken(context) if context.target is not None and context.target.scheme == "http" else ""
    step.details["spoken"] = kind
    if kind == "http2":
        step.fail(
            "grpc_only",
            "the server speaks HTTP/2 only, as gRPC does, and the exporter HTTP/1.1",
            "take the port of OTLP over HTTP, usually 4318, and switch it on in the receiver",
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


def _spoken(context: Context) -> str:
    """What the first bytes of an answer are to a request that says nothing of ours."""
    address = context.reachable[0]
    data = b""
    until = time.monotonic() + min(1.0, context.timeout)
    try:
        with socket.socket(address.family, socket.SOCK_STREAM) as connection:
            connection.settimeout(min(1.0, context.timeout))
            connection.connect(address.where)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while len(data) < 9 and (piece := connection.recv(64)):
                data += piece
                connection.settimeout(max(0.001, until - time.monotonic()))
    except OSError:
        pass
    if data[:2] == b"\x15\x03":  # an alert
        return "tls"
    if data[:1] == b"\0" and data[3:4] in {b"\x04", b"\x07"}:  # SETTINGS or GOAWAY
        return "http2"
    if data.startswith(b"HTTP/1."):
        return "http"
    return "other" if data else ""
