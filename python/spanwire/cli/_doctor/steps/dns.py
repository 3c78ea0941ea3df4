"""The addresses of the endpoint's host."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from spanwire.cli._doctor._context import Address

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]


def check(context: Context, step: Step) -> None:
    """Look the name up as the exporter does, by the system."""
    target = context.peer
    if target is None:
        step.skip("there is no endpoint that can be used")
        return
    begin = time.perf_counter()
    found = _looked_up(target.host, target.port, context.timeout)
    milliseconds = (time.perf_counter() - begin) * 1000
    if found is None:
        step.fail(
            "timeout",
            f"no answer about {target.host} within {context.timeout:g} s",
            "the name server does not answer: look at /etc/resolv.conf and the network",
        )
        return
    if isinstance(found, OSError):
        _failed(step, target.host, found)
        return
    context.addresses = found
    step.details = {
        "host": target.host,
        "addresses": [one.text for one in found],
        "milliseconds": round(milliseconds, 2),
    }
    if _is_address(target.host):
        step.ok("address", f"{target.host} is an address: nothing to look up")
    else:
        addresses = ", ".join(str(one.where[0]) for one in found)
        step.ok("found", f"{target.host} is {addresses} ({milliseconds:.1f} ms)")


def _looked_up(host: str, port: int, timeout: float) -> list[Address] | OSError | None:
    """In a thread of its own, since the system's function cannot be told to end."""
    result: list[Any] = []

    def look_up() -> None:
        try:
            result.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            result.append(error if isinstance(error, OSError) else OSError(str(error)))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(timeout)
    if not result:
        return None
    if isinstance(result[0], OSError):
        return result[0]
    addresses = []
    for family, _, _, _, where in result[0]:
        text = f"[{where[0]}]:{where[1]}" if family == socket.AF_INET6 else f"{where[0]}:{where[1]}"
        addresses.append(Address(family, where, text))
    return list(dict.fromkeys(addresses))


def _failed(step: Step, host: str, error: OSError) -> None:
    code = getattr(error, "errno", None)
    if code == socket.EAI_AGAIN:
        step.fail(
            "unavailable",
            f"the name server gives no answer about {host} now ({error.strerror})",
            "is there a network? In a container: look at its DNS settings",
        )
    else:
        step.fail(
            "unknown",
            f"nobody knows the name {host} ({error.strerror or error})",
            "correct the host in the endpoint; in Kubernetes and Compose the name of the service, of the right namespace",
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
