"""Which proxy is chosen: requests and grpcio decide what is right."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import requests.utils
from hypothesis import example, given
from hypothesis import strategies as st

from spanwire.exporter._common.proxy import proxy_for
from spanwire.exporter.grpc import OTLPSpanExporter as GrpcExporter
from spanwire.exporter.http import OTLPSpanExporter

HOSTS = [
    "h",
    "a.h",
    "xh",
    "example.com",
    "api.example.com",
    "localhost",
    "127.0.0.1",
    "10.1.2.3",
    "192.168.7.9",
    "[::1]",
    "[fd00::7]",
]
ENTRIES = [
    *HOSTS, "*", ".h", ".example.com", "EXAMPLE.com", "com", "..h", "h:1", "example.com:8080", "10.0.0.0/8", "10.1.2.3/33", "10.1.2.0/24",
    "10.1.2.3/0", "127.1/8", "x/8", "10.0.0.0/8/8", "192.168.7.9:80", "::1", "fd00::/8", " ", "", "h ", ".", "10.1.2.2/31",
]  # fmt: skip
PROXY_NAMES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "Http_Proxy"]
PROXIES = ["http://p1:1", "http://p2:2", "http://p3:3", ""]


@contextmanager
def only(environment: dict[str, str]) -> Iterator[None]:
    """These of all variables for proxies, and no other."""
    ours = ("_proxy", "request_method")
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.lower().endswith(ours)}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            os.environ.pop(name, None)
        os.environ.update(before)


def chosen(url: str, environment: dict[str, str], protocol: str = "http/protobuf") -> str | None:
    with only(environment):
        found = proxy_for(url, protocol)
    return None if found is None else found.url


def chosen_by_requests(url: str, environment: dict[str, str]) -> str | None:
    with only(environment), requests.Session() as session:
        merged = session.merge_environment_settings(url, {}, None, None, None)
        return requests.utils.select_proxy(url, merged["proxies"]) or None


lists = st.lists(st.sampled_from(ENTRIES), max_size=4).map(",".join)


@given(
    scheme=st.sampled_from(["http", "https"]),
    host=st.sampled_from(HOSTS),
    port=st.sampled_from(["", ":1", ":80", ":8080"]),
    proxies=st.dictionaries(st.sampled_from(PROXY_NAMES), st.sampled_from(PROXIES), min_size=1),
    excepted=st.dictionaries(st.sampled_from(["no_proxy", "NO_PROXY"]), lists),
    cgi=st.booleans(),
)
@example("http", "10.1.2.3", ":1", {"http_proxy": "http://p1:1"}, {"no_proxy": "10.1.2.2/31"}, False)
@example("http", "h", ":1", {"HTTP_PROXY": "http://p1:1", "http_proxy": ""}, {}, False)
@example("http", "h", ":1", {"HTTP_PROXY": "http://p1:1"}, {"no_proxy": "", "NO_PROXY": "h"}, True)
def test_over_http_the_same_proxy_is_chosen_as_by_requests(
    scheme: str, host: str, port: str, proxies: dict[str, str], excepted: dict[str, str], cgi: bool
) -> None:
    environment = {**proxies, **excepted, **({"REQUEST_METHOD": "GET"} if cgi else {})}
    url = f"{scheme}://{host}{port}/v1/traces"
    assert chosen(url, environment) == chosen_by_requests(url, environment)


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, None),
        ({"grpc_proxy": "http://g:1", "https_proxy": "http://s:1", "http_proxy": "http://p:1"}, "http://g:1"),
        ({"https_proxy": "http://s:1", "http_proxy": "http://p:1"}, "http://s:1"),
        ({"http_proxy": "http://p:1", "all_proxy": "http://a:1"}, "http://p:1"),
        ({"grpc_proxy": "", "http_proxy": "http://p:1"}, None),
        ({"HTTP_PROXY": "http://p:1", "GRPC_PROXY": "http://p:1", "all_proxy": "http://p:1"}, None),
        ({"http_proxy": "http://p:1", "no_proxy": "example.com"}, None),
        ({"http_proxy": "http://p:1", "no_proxy": "ample.COM"}, None),
        ({"http_proxy": "http://p:1", "no_proxy": "other, .example.com "}, None),
        ({"http_proxy": "http://p:1", "no_proxy": "api.example.com:4317"}, "http://p:1"),
        ({"http_proxy": "http://p:1", "no_proxy": "*"}, "http://p:1"),
        ({"http_proxy": "http://p:1", "NO_PROXY": "example.com"}, "http://p:1"),
        ({"http_proxy": "http://p:1", "no_proxy": "example.com", "no_grpc_proxy": "x"}, "http://p:1"),
        ({"http_proxy": "http://p:1", "no_proxy": "example.com", "no_grpc_proxy": ""}, "http://p:1"),
    ],
)
def test_over_grpc_the_variables_of_grpcio_count(environment: dict[str, str], expected: str | None) -> None:
    assert chosen("http://api.example.com:4317", environment, "grpc") == expected


@pytest.mark.parametrize(
    "host, excepted, is_direct",
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "11.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3/99", True),
        ("10.1.2.3", "0.0.0.0/0", True),
        ("[fd00::7]", "fd00::/8", True),
        ("[fd00::7]", "10.0.0.0/8", False),
        ("10.1.2.3", "x/8", False),
        ("h", "10.0.0.0/8", False),
    ],
)
def test_over_grpc_networks_are_excepted(host: str, excepted: str, is_direct: bool) -> None:
    environment = {"grpc_proxy": "http://p:1", "no_proxy": excepted}
    assert (chosen(f"http://{host}:4317", environment, "grpc") is None) is is_direct


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
def test_a_socket_of_this_machine_has_no_proxy(protocol: str) -> None:
    assert (
        chosen("http+unix://%2Frun%2Fotlp.sock/", {"http_proxy": "http://p:1", "all_proxy": "http://p:1"}, protocol)
        is None
    )


@pytest.mark.parametrize("value", ["me:hunt%40er2@p:3128", "http://me:hunt%40er2@p:3128"])
def test_user_and_password_are_taken_out_of_the_url(value: str) -> None:
    with only({"http_proxy": value}):
        found = proxy_for("http://h/", "http/protobuf")
    assert found is not None
    assert (found.url, found.authorization, found.variable) == (
        "http://p:3128",
        b"Basic bWU6aHVudEBlcjI=",
        "http_proxy",
    )
    assert "aHVudEBlcjI" not in repr(found)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize(
    "value, said",
    [
        ("socks5h://me:hunter2@p:1080", 'the proxy "socks5h://p:1080" is not valid: SOCKS is not spoken here'),
        ("ftp://p", "only http:// and https:// are spoken here"),
        ("http://me:hun/ter2@p:1", "is not valid"),
        ("http://p:x", "its port is not a number"),
    ],
)
def test_what_is_no_http_proxy_is_an_error_that_names_the_variable(protocol: str, value: str, said: str) -> None:
    kind = OTLPSpanExporter if protocol == "http" else GrpcExporter
    with only({"https_proxy": value}), pytest.raises(ValueError, match="the proxy ") as error:
        kind(endpoint="https://h:1/p")
    assert said in str(error.value)
    assert "(from the environment: https_proxy)" in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "ter2" not in str(error.value)
