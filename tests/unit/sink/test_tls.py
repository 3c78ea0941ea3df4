"""The sink over TLS, with and without clients' certificates."""

import ssl
from pathlib import Path

import pytest
import trustme

from spanwire.sink import TLS, Sink
from tests.post import post


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def identity(authority: trustme.CA) -> tuple[bytes, bytes]:
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return chain, certificate.private_key_pem.bytes()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_https_is_served_with_the_given_certificate(authority: trustme.CA) -> None:
    with Sink("localhost", tls=TLS(*identity(authority))) as sink:
        assert sink.http_endpoint == f"https://localhost:{sink.port}"
        assert post(sink, tls=trusting(authority)).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            post(sink, tls=ssl.create_default_context())
        assert sink.span_count == 1


def test_certificate_may_be_files(authority: trustme.CA, tmp_path: Path) -> None:
    chain, key = identity(authority)
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    with Sink(tls=TLS(tmp_path / "chain.pem", str(tmp_path / "key.pem"))) as sink:
        assert sink.http_endpoint == f"https://127.0.0.1:{sink.port}"
        assert post(sink, tls=trusting(authority)).status == 200


def test_client_must_show_a_certificate_where_a_client_ca_is_given(authority: trustme.CA) -> None:
    tls = TLS(*identity(authority), client_ca=authority.cert_pem.bytes())
    with Sink(tls=tls) as sink:
        known = trusting(authority)
        authority.issue_cert("client").configure_cert(known)
        assert post(sink, tls=known).status == 200
        with pytest.raises(OSError):
            post(sink, tls=trusting(authority))
        stranger = trusting(authority)
        trustme.CA().issue_cert("client").configure_cert(stranger)
        with pytest.raises(OSError):
            post(sink, tls=stranger)
        assert sink.span_count == 1


def test_what_is_no_certificate_is_refused(authority: trustme.CA) -> None:
    chain, key = identity(authority)
    with pytest.raises(ValueError, match="TLS: certificate: no certificate in the PEM text"):
        Sink(tls=TLS(b"", key)).start()
    with pytest.raises(ValueError, match="TLS: no private key in the key's PEM text"):
        Sink(tls=TLS(chain, b"nothing")).start()
    with pytest.raises(ValueError, match="TLS: client CA: no certificate"):
        Sink(tls=TLS(chain, key, client_ca=b"")).start()
    other = identity(authority)[1]
    with pytest.raises(ValueError, match=r"TLS: .*[Kk]ey"):
        Sink(tls=TLS(chain, other)).start()
    with pytest.raises(FileNotFoundError):
        Sink(tls=TLS("/nowhere/chain.pem", key)).start()


def test_key_is_never_shown() -> None:
    assert "secret" not in repr(TLS(b"certificate", b"secret"))


def test_a_key_in_the_place_of_its_path_is_in_no_error(authority: trustme.CA) -> None:
    chain, key = identity(authority)
    with pytest.raises(ValueError, match="give its path, or its content as bytes") as caught:
        Sink(tls=TLS(chain, key.decode())).start()
    assert key.decode().splitlines()[1] not in str(caught.value).replace("\\n", "\n")
