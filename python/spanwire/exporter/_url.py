"""What the native client leaves to Python about an endpoint: credentials, other alphabets, proxies."""

import os

from spanwire import _log

__all__ = ["split_credentials", "warn_of_proxy"]


def split_credentials(url: str) -> tuple[str, str | None]:
    """The URL in ASCII and without user and password, and the Authorization header they make."""
    url = url.strip()
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url, None
    end = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
    authority, target = rest[:end], rest[end:]
    userinfo, has_credentials, host = authority.rpartition("@")
    if not host.isascii():
        host = _idna(host)
    if not target.isascii() or " " in target:
        from urllib.parse import quote

        target = quote(target, safe="!#$%&'()*+,/:;=?@[]~")
    return f"{scheme}://{host}{target}", _basic(userinfo) if has_credentials else None


def _idna(host: str) -> str:
    name, colon, port = host.partition(":")
    try:
        return name.encode("idna").decode("ascii") + colon + port
    except UnicodeError:
        return host  # the native client says what is wrong


def _basic(userinfo: str) -> str:
    from binascii import b2a_base64
    from urllib.parse import unquote_to_bytes

    user, _, password = userinfo.partition(":")
    token = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + b2a_base64(token, newline=False).decode("ascii")


def warn_of_proxy(url: str) -> None:
    """Say so if the environment names a proxy for ``url``: it is not used."""
    if not any(os.environ.get(name) for name in _PROXY_VARIABLES):
        return
    from urllib.parse import urlsplit
    from urllib.request import getproxies_environment, proxy_bypass

    try:
        parts = urlsplit(url)
        if parts.scheme == "http+unix":
            return
        host = parts.hostname or ""
        proxies = getproxies_environment()
        applies = bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(host)
    except ValueError:
        return  # no URL: the native client says what is wrong
    if applies:
        _log.warn(
            f"options.proxy.{host}",
            "The environment names a proxy for %s, but spanwire does not use proxies yet: it connects directly. "
            "Add the host to NO_PROXY to silence this, or keep the official exporter where a proxy is needed",
            host,
        )


_PROXY_VARIABLES = [name for lower in ("http_proxy", "https_proxy", "all_proxy") for name in (lower, lower.upper())]
