"""The reader of certificates says what was put into them."""

import ssl
from datetime import datetime, timedelta, timezone

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from spanwire.cli._doctor import _certificate

NOW = datetime.now(timezone.utc).replace(microsecond=0)
CA = trustme.CA(organization_name="Müller & Söhne", organization_unit_name="Prüfung")


def der_of(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())


def test_names_addresses_and_times_are_read() -> None:
    until = NOW + timedelta(days=30)
    issued = CA.issue_cert(
        "a.example", "*.b.example", "10.1.2.3", "2001:db8::1", not_after=until, common_name="a.example"
    )
    der = der_of(issued.cert_chain_pems[0].bytes())
    read = _certificate.read(der)
    assert read.names == ("a.example", "*.b.example", "10.1.2.3", "2001:db8::1")
    assert read.not_after == until
    assert "CN=a.example" in read.subject
    assert read.issuer == "O=Müller & Söhne, OU=Prüfung"
    assert not read.is_self_signed


def test_an_authority_s_own_is_self_signed_and_has_no_names() -> None:
    der = der_of(CA.cert_pem.bytes())
    read = _certificate.read(der)
    assert read.is_self_signed
    assert read.names == ()


@pytest.mark.parametrize("year", [1955, 1999, 2020, 2049, 2050, 2199])
def test_years_of_both_kinds_of_time_are_read(year: int) -> None:
    begin, end = datetime(year, 2, 3, 4, 5, 6, tzinfo=timezone.utc), datetime(2300, 1, 1, tzinfo=timezone.utc)
    der = der_of(CA.issue_cert("x.example", not_before=begin, not_after=end).cert_chain_pems[0].bytes())
    read = _certificate.read(der)
    assert (read.not_before, read.not_after) == (begin, end)


@given(st.binary(max_size=80))
def test_what_is_no_certificate_raises_value_error_only(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|time data|unpack|not enough|too many"):
        _certificate.read(data)


@given(st.data())
def test_a_damaged_certificate_is_read_or_raises_value_error(data: st.DataObject) -> None:
    der = bytearray(der_of(CA.cert_pem.bytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = _certificate.read(bytes(der[: data.draw(st.integers(0, len(der)))]))
    except ValueError:
        return
    assert read.not_before.tzinfo is read.not_after.tzinfo is timezone.utc
    assert all(char.isprintable() for char in read.subject + read.issuer + "".join(read.names))
