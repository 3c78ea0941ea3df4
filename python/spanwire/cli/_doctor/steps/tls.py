"""The server's certificate: what it says, and whether the exporter trusts it."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from spanwire.cli._doctor import _certificate

if TYPE_CHECKING:
    from spanwire.cli._doctor._certificate import Certificate
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_SOON_DAYS = 14
_FAILED = "TLS failed: "
_CA = "OTEL_EXPORTER_OTLP_CERTIFICATE"
_CLIENT = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY"


def check(context: Context, step: Step) -> None:
    """Read the certificate over a connection of ours, then have the exporter's own client judge it."""
    target = context.target
    if target is None or context.exporter is None or not context.reachable:
        step.skip("there is no connection")
        return
    if target.scheme != "https":
        step.skip("the endpoint is http://")
        return
    certificate = _looked_at(context, step)
    message = context.answer().message or ""
    if message.startswith(_FAILED):
        context.trusted = False
        _refused(context, step, message.removeprefix(_FAILED), certificate)
        return
    if not step.findings:  # else nothing is known of the handshake
        trust = context.options.certificate_file if context.options is not None else None
        step.ok(
            "trusted",
            f"the exporter trusts it, by {trust or context.get('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE') or 'the system'}",
        )
    if certificate is not None:
        _told(step, certificate)


def _looked_at(context: Context, step: Step) -> Certificate | None:
    """Without trust and without a word of HTTP: nothing secret goes over it."""
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    unchecked.set_alpn_protocols(["http/1.1"])
    assert context.target is not None
    address = context.reachable[0]
    try:
        with socket.socket(address.family, socket.SOCK_STREAM) as plain:
            plain.settimeout(context.timeout)
            plain.connect(address.where)
            with unchecked.wrap_socket(plain, server_hostname=context.target.host) as connection:
                cipher = connection.cipher()
                step.details.update(version=connection.version(), cipher=cipher[0] if cipher else "")
                der = connection.getpeercert(binary_form=True)
    except (OSError, ValueError):  # the exporter's own words about it say more
        return None
    try:
        certificate = _certificate.read(der or b"")
    except ValueError as error:
        step.details["certificate"] = {"unreadable": str(error)}
        return None
    step.details["certificate"] = {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "self_signed": certificate.is_self_signed,
    }
    return certificate


def _told(step: Step, certificate: Certificate) -> None:
    days = (certificate.not_after - datetime.now(timezone.utc)).days
    step.ok(
        "certificate",
        f"{step.details['version']}, {step.details['cipher']}; certificate for {_names(certificate)}, "
        f"issued by {certificate.issuer or 'nobody named'}, until {certificate.not_after:%Y-%m-%d}",
    )
    if days < _SOON_DAYS:
        step.warn("expires_soon", f"the certificate ends in {days} days", "have the server's renewed")


def _refused(context: Context, step: Step, why: str, certificate: Certificate | None) -> None:
    host = context.target.host if context.target is not None else ""
    seen = (
        f" (it is for {_names(certificate)}, issued by {certificate.issuer or 'nobody named'})" if certificate else ""
    )
    lower, why = why.lower(), context.mask.hide(why)
    if "certificaterequired" in lower or "wants a client certificate" in lower:
        step.fail("client_certificate", "the server wants a client certificate", f"set {_CLIENT}")
    elif "certificate expired" in lower or "not valid yet" in lower:
        when = f" {certificate.not_after:%Y-%m-%d}" if certificate else ""
        code, text = ("not_yet", "is not valid yet") if "not valid yet" in lower else ("expired", f"has ended{when}")
        step.fail(
            code, f"the server's certificate {text}{seen}", "have it renewed; is the clock of this machine right?"
        )
    elif "not valid for name" in lower:
        step.fail(
            "wrong_name",
            f"the server's certificate is not for {host}{seen}",
            "take a name in the endpoint that the certificate is for, or have one issued for this name",
        )
    elif "causedasendentity" in lower:
        step.fail(
            "authority",
            f"the server shows the certificate of an authority, which is not taken as a server's, whoever trusts it{seen}",
            "have one issued that is none (CA:FALSE; openssl req -x509 alone makes an authority's), "
            f"and set {_CA} to what signed it",
        )
    elif "unknownissuer" in lower:
        own = certificate is not None and certificate.is_self_signed
        step.fail(
            "self_signed" if own else "unknown_issuer",
            f"the server's certificate is {'signed by itself' if own else 'by an authority that is not trusted here'}{seen}",
            f"set {_CA} to a PEM file of {'it' if own else 'that authority'}"
            + (f" ({_now(context)} is asked now)" if _now(context) else ""),
        )
    elif "did not end within" in lower:
        step.fail(
            "timeout",
            f"connected, and the handshake did not end within {context.patience:g} s",
            "the receiver hangs, or it does not speak TLS there: look at the port, and at http:// or https://",
        )
    elif "does not speak tls" in lower or "invalidcontenttype" in lower:
        step.fail("no_tls", "the server does not speak TLS there", "take http:// in the endpoint, or the port of https")
    elif "noapplicationprotocol" in lower:
        step.fail(
            "grpc_only",
            "the server speaks HTTP/2 only, as gRPC does, and the exporter HTTP/1.1",
            "take the port of OTLP over HTTP, usually 4318, and switch it on in the receiver",
        )
    elif "protocolversion" in lower or "peer is incompatible" in lower:
        step.fail(
            "old_version",
            f"there is no version of TLS, or no cipher, that both sides speak: {why}",
            "let the server speak TLS 1.2 or 1.3",
        )
    elif "alert" in lower:
        step.fail(
            "alert",
            f"the server ended the handshake: {why}{seen}",
            f"if it wants a client certificate: set {_CLIENT}",
        )
    else:
        step.fail("refused", f"no connection that can be trusted: {why}{seen}", "look at the server's certificate")


def _now(context: Context) -> str:
    file = context.options.certificate_file if context.options is not None else None
    return file or context.get("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def _names(certificate: Certificate) -> str:
    names = certificate.names or ((certificate.subject,) if certificate.subject else ())
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "") or "nobody named"
