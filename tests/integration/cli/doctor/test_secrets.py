"""Secrets are not shown, whatever they are."""

import json
import socket
from urllib.parse import quote

import trustme
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

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
