"""The sink's certificate."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

__all__ = ["TLS", "read_pem"]

Pem = Union[str, "os.PathLike[str]", bytes]


@dataclass(frozen=True, slots=True)
class TLS:
    """The sink's certificate: each part is the path of a PEM file, or its content as bytes.

    :param certificate: the certificate, followed by its intermediates.
    :param key: the certificate's private key; never shown.
    :param client_ca: where given, clients must show a certificate that one of these has signed.
    """

    certificate: Pem
    key: Pem = field(repr=False)
    client_ca: Pem | None = None


def read_pem(source: Pem) -> bytes:
    """The content of a PEM file."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, str) and "-----BEGIN" in source:  # which must be in no error
        raise ValueError("the text of a PEM file is given as a str: give its path, or its content as bytes")
    return Path(source).read_bytes()
