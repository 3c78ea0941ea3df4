"""What the native client leaves to Python about a URL: credentials and other alphabets."""

__all__ = ["split_credentials"]


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
