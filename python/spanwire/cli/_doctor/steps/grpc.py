"""The answer to a call without spans, made by the exporter's own client with its headers and compression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanwire.cli._doctor.steps import http

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
_CODE = re.compile(r"gRPC status ([A-Z_]+)(?:: )?(.*)", re.DOTALL)
_STATUS = re.compile(r"status (\d{3})(?:: )?(.*)", re.DOTALL)
# What the client adds to the receiver's words: said better here.
_ADVICE = re.compile(
    r"(?:^|; | )(?:are the credentials right|is this the address of an OTLP|the answer is not gRPC|\(content-type).*$",
    re.DOTALL,
)

_MEANINGS = {
    "UNAUTHENTICATED": ("no or wrong credentials", f"set the header that the receiver wants in {_HEADERS}"),
    "PERMISSION_DENIED": (
        "the credentials do not allow it",
        f"look at what the key in {_HEADERS} may do, and for which tenant",
    ),
    "UNIMPLEMENTED": (
        "nobody takes spans by OTLP there",
        "it is another gRPC server, or one without traces: look at the port, and at what the receiver has switched on",
    ),
    "INVALID_ARGUMENT": (
        "the request is not understood",
        "is it an OTLP receiver? Some refuse a request without spans: see the next step",
    ),
    "RESOURCE_EXHAUSTED": ("the receiver has had enough, or the request is too large", "look at the receiver's limits"),
    "UNAVAILABLE": ("the receiver is there and takes nothing now", "look at its log; is what it sends to there?"),
    "DEADLINE_EXCEEDED": ("the receiver, or what is behind it, took too long", "look at what the receiver sends to"),
}
_OF_CREDENTIALS = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
# What servers answer that cannot read the message as it is compressed.
_OF_COMPRESSION = {"UNIMPLEMENTED", "INTERNAL", "INVALID_ARGUMENT", "UNKNOWN"}
_PORT = "take the port of OTLP over gRPC, usually 4317, and switch it on in the receiver; or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"


def check(context: Context, step: Step) -> None:
    """Make the call, and explain the answer."""
    if not context.is_grpc:
        step.skip("the exporter speaks HTTP")
        return
    if (answer := http.ask(context, step)) is None:
        return
    outcome, message = answer
    if outcome.lost is None:
        context.answered = True
        said = context.mask.hide(message)
        step.ok("accepted", "a call without spans is taken" + (f"; the receiver says: {said}" if said else ""))
        http.slow(context, step)
    elif "the answer is not gRPC" in message:
        status = _STATUS.match(message)
        step.fail(
            "not_grpc", f"what answers there is no gRPC server{f' (status {status[1]})' if status else ''}", _PORT
        )
    elif found := _CODE.match(message):
        _code(context, step, found[1], found[2])
    elif found := _STATUS.match(message):  # of what is in front of the receiver
        code = {"401": "UNAUTHENTICATED", "403": "PERMISSION_DENIED"}.get(found[1], "UNAVAILABLE")
        _code(context, step, code, found[2], f"status {found[1]}")
    elif "speaks HTTP/1.1 here" in message or _spoken(context, message) == "http":
        step.fail("http_only", "the server speaks HTTP/1.1 there, and the exporter gRPC", _PORT)
    elif "speaks TLS here" in message or _spoken(context, message) == "tls":
        step.fail("tls_only", "the server speaks TLS there", "take https:// in the endpoint")
    elif outcome.lost == "timeout" or "no answer within" in message:
        step.fail(
            "timeout",
            f"connected, and no answer within {context.patience:g} s",
            "the receiver hangs, or what is behind it; is it a gRPC server at all?",
        )
    else:
        step.fail(
            "lost", context.mask.hide(message) or "the connection was lost", f"look at the receiver's log; {_PORT}"
        )
    if context.answered:
        http.clock(context, step)


def _spoken(context: Context, message: str) -> str:
    """What is spoken instead: a server that hangs up at once is often not heard by the client."""
    is_plain = context.target is not None and context.target.scheme == "http"
    return context.probe().spoken if is_plain and "lost" in message else ""


def _code(context: Context, step: Step, code: str, said: str, shown: str = "") -> None:
    step.details["code"] = code
    if code in _OF_COMPRESSION and http.compression_is_refused(context, step, f"gRPC status {code}"):
        return
    meaning, cure = _MEANINGS.get(code, ("the receiver refuses it", "look at the receiver's log"))
    if code in _OF_CREDENTIALS and not context.sends_credentials:
        cure = f"no credentials are sent: set the header that the receiver wants in {_HEADERS}"
    said = context.mask.hide(_ADVICE.sub("", said))
    text = f"{shown or f'gRPC status {code}'}: {meaning}" + (f"; it says: {said}" if said and said != meaning else "")
    if code == "INVALID_ARGUMENT":
        context.answered = True
        step.warn("invalid_argument", text, cure)
    else:
        step.fail(code.lower(), text, cure)
