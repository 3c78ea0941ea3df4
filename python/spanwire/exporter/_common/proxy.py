"""Which proxy the environment names for an endpoint, as the official exporters' libraries read it: requests, and grpcio for gRPC.

Read once, when an exporter is made. Sockets of this machine have none.
"""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from spanwire.exporter._common.url import split_credentials

__all__ = ["Proxy", "proxy_for"]

_ENDING = "_proxy"


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that leads to an endpoint."""

    url: str
    """Without user and password."""
    authorization: bytes | None = field(repr=False)
    """The value of Proxy-Authorization that they make."""
    variable: str
    """Which names it."""


def proxy_for(url: str, protocol: str) -> Proxy | None:
    """The proxy for ``url``, whose host is in ASCII; None: the connection is direct.

    :param protocol: of OTLP, which says whose rules count.
    """
    if not any(name[-len(_ENDING) :].lower() == _ENDING for name in os.environ):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None  # no URL: the native client says what is wrong
    if parts.scheme == "http+unix" or not host:
        return None
    if protocol == "grpc":
        found = None if _is_excepted_by_grpc(host) else _named_for_grpc()
    else:
        found = None if _is_excepted(host, port) else _named(parts.scheme)
    if found is None:
        return None
    variable, value = found
    plain, credentials = split_credentials(value if "://" in value else f"http://{value}")
    return Proxy(plain, None if credentials is None else credentials.encode("ascii"), variable)


def _named(scheme: str) -> tuple[str, str] | None:
    """The variable and its value: as requests, which asks the standard library."""
    from urllib.request import getproxies_environment

    proxies = getproxies_environment()
    for kind in (scheme, "all"):
        if value := proxies.get(kind):
            wanted = f"{kind}{_ENDING}"
            # The lower-case one first, as the library does.
            names = sorted((name for name in os.environ if name.lower() == wanted), key=lambda name: name != wanted)
            return next((name for name in names if os.environ[name] == value), wanted), value
    return None


def _is_excepted(host: str, port: int | None) -> bool:
    """By ``no_proxy``: requests' own rules, then the standard library's."""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # there since 2.6, and not in typeshed

    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    entries = [entry for entry in said.replace(" ", "").split(",") if entry]
    address = _ipv4(host)
    if address is not None:
        if any(entry == host or _covers(entry, address) for entry in entries):
            return True
    else:
        forms = [f".{host}", f".{host}:{port}"] if port else [f".{host}"]
        if any(form.endswith(f".{entry.lstrip('.')}") for entry in entries for form in forms):
            return True
    return bool(proxy_bypass_environment(host))


def _ipv4(text: str) -> int | None:
    """An address as C reads it, ``127.1`` included."""
    import socket

    try:
        return int.from_bytes(socket.inet_aton(text), "big")
    except OSError:
        return None


def _covers(entry: str, address: int) -> bool:
    network, slash, bits = entry.partition("/")
    first = _ipv4(network)
    if not slash or first is None:
        return False
    try:
        rest = 32 - int(bits)
    except ValueError:
        return False
    return 0 <= rest < 32 and first >> rest == address >> rest


def _named_for_grpc() -> tuple[str, str] | None:
    """The first that is set; one that is empty says: none."""
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        value = os.environ.get(name)
        if value is not None:
            return (name, value) if value else None
    return None


def _is_excepted_by_grpc(host: str) -> bool:
    """By the ends of names, dot or no dot, and by networks."""
    said = os.environ.get("no_grpc_proxy")  # noqa: SIM112 - so it is spelled
    if said is None:
        said = os.environ.get("no_proxy") or ""
    entries = [entry.strip() for entry in said.split(",") if entry]
    return any(host.endswith(entry.lower()) or _holds(entry, host) for entry in entries)


def _holds(entry: str, host: str) -> bool:
    network, slash, bits = entry.partition("/")
    if not slash or not bits.strip().isdecimal():
        return False
    import ipaddress

    try:
        address = ipaddress.ip_address(host.partition("%")[0])
        first = ipaddress.ip_address(network)
    except ValueError:
        return False
    rest = max(0, address.max_prefixlen - int(bits))
    return address.version == first.version and int(address) >> rest == int(first) >> rest
