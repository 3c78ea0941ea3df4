"""The server's certificate: what it says, and whether the exporter trusts it."""

from __future__ import annotations

import ssl
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from spanwire.cli._doctor import _certificate
from spanwire.cli._doctor._probe import unchecked
from spanwire.cli._doctor._way import opened

if TYPE_CHECKING:
    from spanwire.cli._doctor._certificate import Certificate
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_SOON_DAYS = 14
_MOST_CERTIFICATES = 10
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
        _told(step, context.certificate_chain)


def _looked_at(context: Context, step: Step) -> Certificate | None:
    """Without trust and without a word of HTTP: nothing secret goes over it."""
    assert context.target is not None
    address = context.reachable[0]
    try:
        with opened(context, address, context.timeout) as plain:
            begin = time.perf_counter()
            with unchecked("h2" if context.is_grpc else "http/1.1").wrap_socket(
                plain, server_hostname=context.target.host
            ) as connection:
                cipher = connection.cipher()
                step.details.update(
                    version=connection.version(),
                    cipher=cipher[0] if cipher else "",
                    milliseconds=round((time.perf_counter() - begin) * 1000, 2),
                )
                sent = _chain(connection)
    except (OSError, ValueError):  # the exporter's own words about it say more
        return None
    try:
        context.certificate_chain = [_certificate.read(der) for der in sent[:_MOST_CERTIFICATES]]
    except ValueError as error:
        step.details["certificate"] = {"unreadable": str(error)}
        return None
    step.details["chain"] = [_details(one) for one in context.certificate_chain]
    step.details["certificate"] = step.details["chain"][0]
    return context.certificate_chain[0]


def _details(certificate: Certificate) -> dict[str, Any]:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "self_signed": certificate.is_self_signed,
    }


def _chain(connection: ssl.SSLSocket) -> list[bytes]:
    """All that the server sends, its own first; from Python 3.13 on by a public method, before that by what it calls."""
    if hasattr(connection, "get_unverified_chain"):
        return [bytes(der) for der in connection.get_unverified_chain()]
    told: Any = getattr(getattr(connection, "_sslobj", None), "get_unverified_chain", None)
    chain = (told() if told is not None else None) or []
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain] or [connection.getpeercert(True) or b""]


def _told(step: Step, chain: list[Certificate]) -> None:
    certificate = chain[0]
    step.ok(
        "certificate",
        f"{step.details['version']}, {step.details['cipher']}; certificate for {_names(certificate)}, "
        f"issued by {certificate.issuer or 'nobody named'}, until {certificate.not_after:%Y-%m-%d}",
    )
    first = min(chain, key=lambda one: one.not_after)  # of an authority in between, perhaps
    days = (first.not_after - datetime.now(timezone.utc)).days
    if days < _SOON_DAYS:
        whose = (
            "the certificate" if first is certificate else f"the certificate of {first.subject}, in the server's chain,"
        )
        step.warn("expires_soon", f"{whose} ends in {days} days", "have the server's renewed")


def _refused(context: Context, step: Step, why: str, certificate: Certificate | None) -> None:
    host = context.target.host if context.target is not None else ""
    seen = (
        f" (it is for {_names(certificate)}, issued by {certificate.issuer or 'nobody named'})" if certificate else ""
    )
    lower, why = why.lower(), context.mask.hide(why)
    if "certificaterequired" in lower or "wants a client certificate" in lower:
        step.fail("client_certificate", "the server wants a client certificate", f"set {_CLIENT}")
    elif "certificate expired" in lower or "not valid yet" in lower:
        _out_of_time(context, step, is_early="not valid yet" in lower, seen=seen)
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
            + (f" ({_now(context)} is asked now)" if _now(context) else "")
            + _missing_link(context),
        )
    elif "did not end within" in lower:
        step.fail(
            "timeout",
            f"connected, and the handshake did not end within {context.patience:g} s",
            "the receiver hangs, or it does not speak TLS there: look at the port, and at http:// or https://",
        )
    elif "does not speak tls" in lower or "invalidcontenttype" in lower:
        step.fail("no_tls", "the server does not speak TLS there", "take http:// in the endpoint, or the port of https")
    elif "noapplicationprotocol" in lower and context.is_grpc:
        step.fail(
            "http_only",
            "the server speaks HTTP/1.1 only, and the exporter gRPC, which needs HTTP/2",
            "take the port of OTLP over gRPC, usually 4317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        )
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


def _out_of_time(context: Context, step: Step, *, is_early: bool, seen: str) -> None:
    """Whose time is over, or has not come, and whether that is a matter of the clock here."""
    now = datetime.now(timezone.utc)
    wrong = [one for one in context.certificate_chain if (now < one.not_before if is_early else now > one.not_after)]
    one = next(iter(wrong or context.certificate_chain), None)
    whose = "the server's certificate"
    if one is not None and one is not context.certificate_chain[0]:
        whose = f"the certificate of {one.subject or 'nobody named'}, which the server's chain needs,"
    code, text = ("not_yet", "is not valid yet") if is_early else ("expired", "has ended")
    when = "" if one is None else f", before {one.not_before:%Y-%m-%d}" if is_early else f" {one.not_after:%Y-%m-%d}"
    if skew := context.skew():
        step.fail(
            code,
            f"{whose} {text}{when}, by the clock of this machine, which is {skew}{seen}",
            "set this machine's clock",
        )
    else:
        step.fail(code, f"{whose} {text}{when}{seen}", "have it renewed; is the clock of this machine right?")


def _missing_link(context: Context) -> str:
    """Servers often send their own certificate alone, and what signed it is known to browsers only."""
    chain = context.certificate_chain
    if not chain or chain[-1].is_self_signed:
        return ""
    sent = "its own certificate alone" if len(chain) == 1 else f"{len(chain)} certificates"
    return f"; the server sends {sent}: if {chain[-1].issuer or 'what signed the last'} is no root, it must send that one's, too"


def _now(context: Context) -> str:
    file = context.options.certificate_file if context.options is not None else None
    return file or context.get("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def _names(certificate: Certificate) -> str:
    names = certificate.names or ((certificate.subject,) if certificate.subject else ())
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "") or "nobody named"
