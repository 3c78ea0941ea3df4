"""Messages of set-up, provoked: each is explained in docs/errors.md, says where its value came from, and shows no secret."""

import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from spanwire.exporter.http import OTLPSpanExporter
from tests.conftest import ROOT
from tests.ids import without_addresses
from tests.integration.errors.explained import assert_explained
from tests.processes import Ended, python

GENERAL, TRACES = "OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"
SECRET = "hunter2"


@pytest.mark.parametrize(
    "keywords, slug, parts",
    [
        ({"endpoint": f"u:{SECRET}@h:4318"}, "endpoint-not-valid", ["it does not begin with http:// or https://"]),
        ({"endpoint": f"ftp://u:{SECRET}@h"}, "endpoint-not-valid", ["only http:// and https:// are spoken here"]),
        ({"endpoint": f"http://u:{SECRET}@:4318"}, "endpoint-not-valid", ["it names no host"]),
        ({"endpoint": "http://h:0"}, "endpoint-not-valid", ["its port is not a number from 1 to 65535"]),
        ({"endpoint": f"http://u:{SECRET}@[h]/"}, "endpoint-not-valid", ["brackets belong around an IPv6 address"]),
        ({"endpoint": "http://[::1]x:1/"}, "endpoint-not-valid", ["something stands between its host and its port"]),
        ({"endpoint": f"http://h:70000/?key={SECRET}"}, "endpoint-not-valid", []),
        ({"endpoint": b"http://h"}, "keyword-of-wrong-type", []),
        ({"headers": f"x={SECRET}"}, "keyword-of-wrong-type", []),
        ({"headers": {7: SECRET}}, "keyword-of-wrong-type", []),
        ({"headers": {"x y": SECRET}}, "header-not-valid", ["its name has characters that HTTP does not allow"]),
        ({"headers": {"x": f"{SECRET}\n1"}}, "header-not-valid", ["its value has control characters"]),
        ({"headers": {"content-length": "1"}}, "header-not-valid", ["it is set for each request: leave it out"]),
        ({"headers": {"x": 1}}, "header-not-valid", []),
        ({"timeout": 0}, "timeout-keyword", []),
        ({"compression": "brotli"}, "compression-keyword", []),
        ({"session": object()}, "session-not-supported", []),
        ({"endpoint": "https://a..b/"}, "tls-not-set-up", []),
    ],
    ids=lambda value: without_addresses(value)[:40],
)
def test_a_keyword_that_cannot_work(keywords: dict[str, Any], slug: str, parts: list[str]) -> None:
    with pytest.raises(ValueError) as caught:
        OTLPSpanExporter(**keywords)
    assert_explained(str(caught.value), slug, *parts)
    assert SECRET not in str(caught.value)
    assert "environment" not in str(caught.value)


@pytest.mark.parametrize(
    "environment, named, says",
    [
        ({GENERAL + "ENDPOINT": f"u:{SECRET}@h"}, [GENERAL + "ENDPOINT"], "the endpoint"),
        ({GENERAL + "ENDPOINT": "http://h", TRACES + "ENDPOINT": "h"}, [TRACES + "ENDPOINT"], "the endpoint"),
        (
            {TRACES + "ENDPOINT": "https://h", GENERAL + "CERTIFICATE": "/no.pem"},
            [GENERAL + "CERTIFICATE"],
            "/no.pem",
        ),
        ({TRACES + "ENDPOINT": "https://h", "REQUESTS_CA_BUNDLE": "/no.pem"}, ["REQUESTS_CA_BUNDLE"], "/no.pem"),
        ({GENERAL + "HEADERS": f"content-length={SECRET}"}, [GENERAL + "HEADERS"], "content-length"),
        ({TRACES + "ENDPOINT": "https://h", GENERAL + "CLIENT_CERTIFICATE": "/no.pem"}, ["CLIENT_CERT"], "/no.pem"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_variable_that_cannot_work_is_named(
    environment: dict[str, str], named: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError) as caught:
        OTLPSpanExporter()
    message, separator, variables = str(caught.value).partition(" (from the environment: ")
    assert_explained(str(caught.value), "from-the-environment")
    assert separator
    assert says in message
    assert all(name in variables for name in named)
    assert ("ENDPOINT" in variables) == ("ENDPOINT" in str(named))  # of what is right nothing is said
    assert SECRET not in str(caught.value)


def test_only_variables_that_took_part_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GENERAL + "ENDPOINT", "http://h")
    monkeypatch.setenv(GENERAL + "TIMEOUT", "5")
    with pytest.raises(ValueError, match=r"^the endpoint .*v1/traces$"):
        OTLPSpanExporter(endpoint="h")


@pytest.mark.parametrize(
    "environment, slug",
    [
        ({GENERAL + "TIMEOUT": "10s"}, "timeout-variable"),
        ({TRACES + "TIMEOUT": "-1"}, "timeout-variable"),
        ({TRACES + "COMPRESSION": "brotli"}, "compression-variable"),
        ({GENERAL + "HEADERS": f'token="{SECRET}"'}, "header-ignored"),
        ({TRACES + "HEADERS": f"{SECRET}"}, "header-ignored"),
        ({GENERAL + "CLIENT_KEY": "/key.pem"}, "client-key-ignored"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_variable_that_is_not_followed_is_logged(
    environment: dict[str, str], slug: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    OTLPSpanExporter()
    (text,) = [record.getMessage() for record in caplog.records if record.name == "spanwire"]
    assert_explained(text, slug)
    assert SECRET not in text
    assert next(iter(environment)) in text


def test_a_proxy_that_cannot_work_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"socks5://u:{SECRET}@proxy:1")
    with pytest.raises(ValueError) as caught:
        OTLPSpanExporter(endpoint="http://backend.test/v1/traces")
    assert_explained(str(caught.value), "from-the-environment")
    message, _, variables = str(caught.value).partition(" (from the environment: ")
    assert_explained(message, "proxy-not-valid")
    assert variables == "HTTP_PROXY)"
    assert SECRET not in str(caught.value)


def test_files_for_tls_that_cannot_be_used(tmp_path: Path) -> None:
    authority = trustme.CA()
    mine, other = authority.issue_cert("mine"), authority.issue_cert("other")
    files = {name: tmp_path / f"{name}.pem" for name in ("cert", "key", "empty", "locked", "none")}
    mine.cert_chain_pems[0].write_to_path(str(files["cert"]))
    other.private_key_pem.write_to_path(str(files["key"]))
    files["empty"].write_text("")
    files["locked"].write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")

    def refused(**given: str) -> str:
        keywords: dict[str, Any] = {name: str(files[file]) for name, file in given.items()}
        with pytest.raises(ValueError) as caught:
            OTLPSpanExporter(endpoint="https://h", **keywords)
        text = str(caught.value)
        assert given.keys() == {"client_certificate_file", "client_key_file"} or str(tmp_path) in text
        return text

    assert_explained(refused(certificate_file="none"), "certificates-unreadable")
    assert_explained(refused(certificate_file="empty"), "certificates-unreadable", "it holds no certificate")
    assert_explained(refused(client_certificate_file="empty"), "certificates-unreadable", "it holds no certificate")
    assert_explained(refused(client_certificate_file="cert"), "client-key")
    assert_explained(refused(client_certificate_file="cert", client_key_file="key"), "client-key")
    locked = refused(client_certificate_file="cert", client_key_file="locked")
    assert_explained(locked, "client-key", "it is encrypted, which is not supported; decrypt it")


def run(program: str, **environment: str) -> Ended:
    return python("-c", program, status=None, variables=environment)


def test_a_system_without_authorities(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    program = """
from spanwire.exporter.http import OTLPSpanExporter
try:
    OTLPSpanExporter("https://h")
except ValueError as error:
    print(error)
"""
    done = run(program, SSL_CERT_FILE=str(tmp_path / "empty.pem"), SSL_CERT_DIR=str(tmp_path))
    assert_explained(done.stdout.strip(), "no-system-certificates")


@pytest.mark.parametrize("level", ["fast", "neon" if platform.machine() == "x86_64" else "avx2"])
def test_an_instruction_set_that_is_not_there(level: str) -> None:
    done = run("import json; from spanwire import _native; print(json.dumps(_native.simd_info()))", SPANWIRE_SIMD=level)
    assert_explained(json.loads(done.stdout)["note"], "simd-not-taken")


def test_old_names_without_the_package_that_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "spanwire.exporter.http.trace_exporter.encoder"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1.trace_service_pb2", None)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(name)
    assert_explained(str(caught.value), "opentelemetry-proto-missing")


@pytest.mark.parametrize("given", ["soon", object(), -1, float("nan")], ids=["text", "object", "negative", "nan"])
def test_a_time_to_flush_that_is_none(given: object) -> None:
    from spanwire._setup.sigterm import seconds_of

    with pytest.raises(ValueError) as caught:
        seconds_of(given)  # type: ignore[arg-type]  # on purpose
    assert_explained(str(caught.value), "flush-on-sigterm")


def test_a_package_without_its_native_part(tmp_path: Path) -> None:
    (tmp_path / "spanwire").mkdir()
    source = ROOT / "python" / "spanwire" / "__init__.py"
    (tmp_path / "spanwire" / "__init__.py").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    done = run("import spanwire", PYTHONPATH=str(tmp_path))
    kind, _, text = done.stderr.splitlines()[-1].partition(": ")
    assert kind == "ModuleNotFoundError"
    assert_explained(text, "native-part-missing")


@pytest.mark.parametrize("environment", [{"SPANWIRE_PGO": "fast"}, {"SPANWIRE_PGO": "use"}], ids=str)
def test_a_build_that_is_asked_for_what_it_does_not_know(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "--name"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 1
    assert_explained(done.stderr.strip(), "build-profile-guided")
