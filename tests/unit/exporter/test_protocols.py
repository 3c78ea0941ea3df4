"""The table of exporters and protocols, against what is installed."""

import importlib
from pathlib import Path

import pytest
import tomli

from spanwire.exporter._common.protocols import (
    BY_OFFICIAL,
    DEFAULT_PROTOCOL,
    EXPORTERS,
    PROTOCOLS,
    Exporter,
    official,
    protocol_of,
)

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_entry_points_are_those_of_the_table() -> None:
    declared = tomli.loads(PYPROJECT.read_text())["project"]["entry-points"]["opentelemetry_traces_exporter"]
    assert declared == {one.name: f"{one.package}:OTLPSpanExporter" for one in EXPORTERS.values()}


@pytest.mark.parametrize("exporter", EXPORTERS.values(), ids=PROTOCOLS)
def test_the_class_of_each_is_where_the_table_says_and_speaks_its_protocol(exporter: Exporter) -> None:
    made = importlib.import_module(exporter.module).OTLPSpanExporter
    assert made is importlib.import_module(exporter.package).OTLPSpanExporter
    assert getattr(made, "_protocol", "grpc") == exporter.protocol


def test_names_of_official_exporters_say_their_protocol() -> None:
    assert {name: one.protocol for name, one in BY_OFFICIAL.items()} == {
        "otlp_proto_http": "http/protobuf",
        "otlp_proto_grpc": "grpc",
    }
    assert PROTOCOLS[0] == DEFAULT_PROTOCOL == "http/protobuf"
    assert [official(protocol) for protocol in (*PROTOCOLS, "http/xml")] == [
        "otlp_proto_http",
        "otlp_proto_http",
        "otlp_proto_grpc",
        "otlp_proto_http",
    ]


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("otlp_proto_http", "http/protobuf"),
        ("otlp_proto_grpc", "grpc"),
        ("spanwire_json", "http/json"),
        ("spanwire_grpc", "grpc"),
        ("otlp", None),
        ("spanwire", None),
        ("console", None),
    ],
)
def test_a_name_that_leaves_the_protocol_open_says_none(name: str, protocol: str | None) -> None:
    assert protocol_of(name) == protocol
