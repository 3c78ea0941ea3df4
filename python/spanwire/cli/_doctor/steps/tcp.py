"""A connection to each address."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Address, Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_LOOPBACK = ("127.", "::1")
_CONTAINER = ("/.dockerenv", "/run/.containerenv")

_CURES = {
    "refused": "nothing listens there: start the receiver, or correct the port (OTLP over HTTP usually has 4318)",
    "timeout": "packets are swallowed: a firewall, a security group or a network policy, or a host that is down",
    "unreachable": "there is no way to it from here: look at the routes; IPv6 may be half set up",
    "failed": "look at the network",
}


def check(context: Context, step: Step) -> None:
    """Try each address, as many as there are, within the time."""
    if not context.addresses:
        step.skip("no address is known")
        return
    end = time.monotonic() + context.timeout
    tried = []
    for at, address in enumerate(context.addresses):
        share = max(0.05, end - time.monotonic()) / (len(context.addresses) - at)
        kind, text, milliseconds = _tried(address, share)
        family = "IPv6" if address.family == socket.AF_INET6 else "IPv4"
        tried.append((kind, f"{family} {address.text}: {text}"))
        step.details.setdefault("tried", []).append(
            {"address": address.text, "family": family, "result": kind, "milliseconds": round(milliseconds, 2)}
        )
        if kind == "connected":
            context.reachable.append(address)
    for kind, text in tried:
        if kind == "connected":
            step.ok("connected", text)
        elif context.reachable and kind == "refused" and _is_loopback(context):
            step.ok(kind, f"{text}; the exporter goes on to the next")  # localhost is two, and receivers often take one
        elif context.reachable:
            step.warn(kind, f"{text}; the exporter goes on to the next", _CURES[kind])
        else:
            step.fail(kind, text, _cure(context, kind))


def _tried(address: Address, timeout: float) -> tuple[str, str, float]:
    begin = time.perf_counter()

    def taken() -> float:
        return (time.perf_counter() - begin) * 1000

    try:
        with socket.socket(address.family, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(address.where)
    except TimeoutError:
        return "timeout", f"no answer within {timeout:.3g} s", taken()
    except OSError as error:
        kind = _kind(error.errno)
        return kind, f"{error.strerror or error}", taken()
    return "connected", f"connected ({taken():.1f} ms)", taken()


def _kind(number: int | None) -> str:
    if number in {errno.ECONNREFUSED, errno.ECONNRESET}:
        return "refused"
    if number == errno.ETIMEDOUT:
        return "timeout"
    if number in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return "unreachable"
    return "failed"


def _cure(context: Context, kind: str) -> str:
    if (proxy := context.proxy) is not None:
        return f"this is the proxy that {proxy.variable} names: correct that, or except the endpoint's host from it"
    cure = _CURES[kind]
    if _is_in_container(context) and _is_loopback(context):
        if context.get("KUBERNETES_SERVICE_HOST"):
            cure += "; localhost is this pod: if the receiver is none of its containers, take its service name"
        else:
            cure += "; this is a container, and localhost is the container itself: take the receiver's service name"
    return cure


def _is_loopback(context: Context) -> bool:
    return all(str(one.where[0]).startswith(_LOOPBACK) for one in context.addresses)


def _is_in_container(context: Context) -> bool:
    return bool(context.get("KUBERNETES_SERVICE_HOST")) or any(Path(path).exists() for path in _CONTAINER)
