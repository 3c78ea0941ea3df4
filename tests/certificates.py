"""Certificates made at run time: an authority, and what it issues for each way in which TLS can go right or wrong."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme

from spanwire.sink import TLS

__all__ = ["MISTAKES", "Authority", "Identity"]


@dataclass(frozen=True)
class Identity:
    """Paths of the PEM files of a certificate with its intermediates, and of its key."""

    certificate: Path
    key: Path

    def tls(self, clients: "Authority | None" = None) -> TLS:
        """A sink's side; with ``clients``, these must have signed the client's certificate."""
        return TLS(self.certificate, self.key, client_ca=None if clients is None else clients.file)


class Authority:
    """A CA with files of its own; ``file`` is its certificate.

    :param folder: where the files go; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ca = trustme.CA()
        self._issued = 0
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def issue(self, *names: str, since: timedelta | None = None, until: timedelta | None = None) -> Identity:
        """A certificate for these names or addresses.

        :param since: when it begins to be valid, from now; a year ago by default, as by trustme.
        :param until: when it ends, from now.
        """
        now = datetime.now(timezone.utc)
        issued = self._ca.issue_cert(
            *names,
            not_before=None if since is None else now + since,
            not_after=None if until is None else now + until,
        )
        self._issued += 1
        made = Identity(self._folder / f"{self._issued}.pem", self._folder / f"{self._issued}.key")
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(made.certificate, append=number > 0)
        issued.private_key_pem.write_to_path(made.key)
        return made

    def server(self) -> Identity:
        """What a server on this machine shows."""
        return self.issue("localhost", "127.0.0.1", "::1")

    def client(self) -> Identity:
        """What a client shows."""
        return self.issue("exporter@example.org")

    def trusting(self, shown: Identity | None = None) -> ssl.SSLContext:
        """The standard library's client that trusts this authority alone, and shows a certificate where one is given."""
        context = ssl.create_default_context(cafile=str(self.file))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        return context


#: Servers that no client may trust: what an authority issues for them, and what OpenSSL says of it.
MISTAKES: dict[str, tuple[Callable[[Authority], Identity], str]] = {
    "expired": (
        lambda authority: authority.issue("localhost", since=timedelta(days=-2), until=timedelta(days=-1)),
        "certificate has expired",
    ),
    "not yet valid": (
        lambda authority: authority.issue("localhost", since=timedelta(days=1), until=timedelta(days=2)),
        "certificate is not yet valid",
    ),
    "of another name": (lambda authority: authority.issue("other.example"), "Hostname mismatch"),
    "of an unknown authority": (
        lambda authority: Authority(authority.file.parent / "unknown").server(),
        "unable to get local issuer certificate|self-signed certificate",
    ),
}
