"""Secrets are not shown, whatever they are."""

import json
import socket
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spanwire.sink import Sink
from tests.integration.exporter.servers import ScriptedServer

from .conftest import Doctor

# None is a word that the report has of its own.
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=24).map("q7!z".__add__)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each takes its time: no shrinking
)
@given(key=SECRETS, password=SECRETS, token=SECRETS, misspelt=SECRETS, as_json=st.booleans())
def test_no_secret_is_ever_shown(
    key: str, password: str, token: str, misspelt: str, as_json: bool, run: Doctor, ca: trustme.CA
) -> None:
    def echo(connection: socket.socket) -> bool:  # as debugging servers do
        head = server.heads[-1].encode("latin-1")
        connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))
        return True

    quoted = {name: quote(value, safe="") for name, value in {"key": key, "password": password, "token": token}.items()}
    with ScriptedServer([echo, echo]) as server:
        found = run(
            "--all",
            as_json=as_json,
            OTEL_EXPORTER_OTLP_ENDPOINT="http://bob:{password}@127.0.0.1:{port}/?t={token}".format(
                port=server.port, **quoted
            ),
            OTEL_EXPORTER_OTLP_TRACES_HEADERS="x-key={key},x-other=Bearer%20{key}".format(**quoted),
            OTEL_EXPORTER_OTLP_METRICS_HEADERS="x-key={token}".format(**quoted),
            OTEL_EXPORTER_OTLP_HEADER=f"x-key={misspelt}",
            https_proxy="http://bob:{password}@proxy:1".format(**quoted),
        )
        assert server.bodies
    assert found.status == 1
    text = found.text + json.dumps(json.loads(found.text), ensure_ascii=False) if as_json else found.text
    # As it is, percent-encoded, and with JSON's backslashes.
    for secret in (key, password, token, misspelt, *quoted.values()):
        for form in (secret, json.dumps(secret)[1:-1]):
            assert form not in text


def test_words_as_values_of_headers_leave_the_report_as_it_is(run: Doctor) -> None:
    words = "shop,http,variable,connected,localhost,traces,spanwire doctor,looks,default,prod"
    headers = ",".join(f"x-{number}={quote(word)}" for number, word in enumerate(words.split(",")))
    with Sink("localhost") as sink:
        found, plain = (
            run("--timeout", "20", OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint, OTEL_EXPORTER_OTLP_HEADERS=said)
            for said in (headers, "x-0=1")
        )
    assert found.status == 0
    assert found.document["destination"] == plain.document["destination"]
    assert found.outcomes() == plain.outcomes()
    for step, same in zip(found.document["steps"], plain.document["steps"], strict=True):
        if step["name"] != "span":  # times and ids
            assert [(one["code"], one["level"]) for one in step["findings"]] == [
                (one["code"], one["level"]) for one in same["findings"]
            ]
            for setting, other in zip(
                step["details"].get("settings", ()), same["details"].get("settings", ()), strict=True
            ):
                assert "HEADERS" in setting["name"] or setting == other
    shown = [
        text for step in found.document["steps"] for one in step["findings"] for text in (one["text"], one["cure"])
    ]
    assert not [text for text in shown if "***" in text]
    assert found.step("span")["details"]["service_name"] == "shop"


@pytest.mark.parametrize("variable", ["CLIENT_KEY", "CLIENT_CERTIFICATE", "CERTIFICATE"])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_private_key_in_the_place_of_its_path_is_not_shown(
    variable: str, as_json: bool, run: Doctor, ca: trustme.CA, tmp_path: Path
) -> None:
    mine = ca.issue_cert("mine")
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    key = mine.private_key_pem.bytes().decode()
    environment = {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(tmp_path / "cert.pem")}
    environment[f"OTEL_EXPORTER_OTLP_{variable}"] = key
    found = run("--all", as_json=as_json, OTEL_EXPORTER_OTLP_ENDPOINT="https://localhost:1", **environment)
    assert found.status == 1 and "the exporter cannot be made" in found.text
    lines = key.splitlines()[1:-1]
    assert lines
    # The report breaks lines, so the beginning of each is looked for.
    assert not [line for line in lines if line[:20] in found.text]
