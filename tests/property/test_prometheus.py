"""``prometheus_text()`` says what ``stats()`` says, to Prometheus's own parser, whatever destinations are called."""

from collections.abc import Mapping
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import spanwire
from spanwire._telemetry import account as _account
from spanwire._telemetry.prometheus import render
from spanwire._telemetry.stats import BREAKER_STATES, REASONS, SIGNALS

COUNTS = {
    "accepted": "spanwire_accepted_total",
    "exported": "spanwire_exported_total",
    "queued": "spanwire_queued",
    "requests": "spanwire_requests_total",
    "retries": "spanwire_retries_total",
    "bytes": "spanwire_request_bytes_total",
    "connections": "spanwire_connections_total",
}
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

counts = st.integers(0, 2**53)
names = st.text(st.sampled_from('a\\"\n\r\t{}=,# é\x00\u2028')) | st.text()
accounts = st.fixed_dictionaries(
    dict.fromkeys(COUNTS, counts)
    | {
        "dropped": st.dictionaries(st.sampled_from(REASONS), counts),
        "last_error": st.none() | names,
        "breakers": st.dictionaries(names, st.sampled_from(BREAKER_STATES), max_size=3),
    }
)


def parsed(text: str) -> Series:
    found: Series = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type in {"counter", "gauge"}, family
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def told(counts: Mapping[str, Any]) -> Series:
    """What is to be said of destinations, written down another way."""
    series: Series = {}
    for signal in SIGNALS:
        for destination, account in counts.get(signal, {}).items():
            labels = {("signal", signal), ("destination", destination)}
            for count, name in COUNTS.items():
                series[name, frozenset(labels)] = account[count]
            for reason in REASONS:
                lost = account["dropped"].get(reason, 0)
                series["spanwire_dropped_total", frozenset({*labels, ("reason", reason)})] = lost
            for endpoint, breaker in account["breakers"].items():
                for state in BREAKER_STATES:
                    key = frozenset({*labels, ("endpoint", endpoint), ("state", state)})
                    series["spanwire_breaker_state", key] = 1 if state == breaker else 0
    return series


def of_destinations(series: Series) -> Series:
    return {(name, labels): value for (name, labels), value in series.items() if "destination" in dict(labels)}


@given(st.dictionaries(st.sampled_from(SIGNALS), st.dictionaries(names, accounts, max_size=4)))
@example({"traces": {'a"} 1\nspanwire_panics_total 7\n# x{y="\\': _account.empty() | {"accepted": 2}}})
def test_it_says_of_each_destination_what_stats_says(signals: dict[str, Any]) -> None:
    everything = spanwire.stats() | {"traces": {}} | signals
    series = parsed(render(everything))
    assert of_destinations(series) == told(everything)
    others = {(name, tuple(labels)): value for (name, labels), value in (series.items() - told(everything).items())}
    assert others[("spanwire_panics_total", ())] == everything["trace"]["panics"]
    assert others[("spanwire_pooled_records", ())] == everything["trace"]["pooled_records"]
    for path in ("fast", "general"):
        assert others["spanwire_encoded_spans_total", (("path", path),)] == everything["encode"][f"spans_{path}"]
    for reason, lost in everything["encode"]["dropped"].items():
        assert others["spanwire_encode_dropped_total", (("reason", reason),)] == lost
    assert ("spanwire_clock_info", (("clock", everything["trace"]["clock"]),)) in others
    assert ("spanwire_fast_path_info", (("state", everything["encode"]["fast_path"]),)) in others


@given(st.text(st.characters(), min_size=1))
def test_any_name_makes_a_page_that_can_be_sent(name: str) -> None:
    everything = spanwire.stats() | {"traces": {name: _account.empty(), f"{name}\ud800": _account.empty()}}
    page = render(everything).encode()
    assert page.endswith(b"\n")
    assert len(of_destinations(parsed(page.decode()))) == 2 * (len(COUNTS) + len(REASONS))


queues = st.fixed_dictionaries(
    {
        "folder": st.tuples(st.sampled_from(["/var/a", '/var/"b']), st.integers(0, 2**128 - 1) | st.none()).map(
            lambda parts: parts[0] if parts[1] is None else f"{parts[0]}/{parts[1]:032x}"
        ),
        "service": st.sampled_from(["shop", "till"]),
        "not_mapped": st.none() | st.just("mapping=never") | names,
        "last_error": st.none() | names,
        "bytes": counts,
        "max_bytes": counts,
        "files": counts,
        "failures": counts,
        "synced_seconds_ago": st.none() | st.floats(0, 1e9),
        "recovered": st.none()
        | st.fixed_dictionaries(
            dict.fromkeys(("folders", "spans", "damaged", "files"), counts) | {"error": st.none() | names}
        ),
    }
)


@given(st.lists(queues, max_size=4))
def test_it_says_of_each_folder_and_service_what_stats_says(reports: list[dict[str, Any]]) -> None:
    by_queue: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for report in reports:
        path = "/".join(report["folder"].split("/")[:3])
        by_queue.setdefault((path, report["service"]), []).append(report)
        report["recovered"] = by_queue[path, report["service"]][0]["recovered"]  # one for all
    expected: Series = {}
    for (path, service), several in by_queue.items():
        labels = frozenset({("path", path), ("service", service)})

        def say(name: str, value: float, labels: frozenset[tuple[str, str]] = labels) -> None:
            expected[f"spanwire_durable_{name}", labels] = value

        for key, name in (
            ("bytes", "bytes"),
            ("max_bytes", "max_bytes"),
            ("files", "files"),
            ("failures", "failures_total"),
        ):
            say(name, sum(one[key] for one in several))
        say("not_mapped", any(one["not_mapped"] not in (None, "mapping=never") for one in several))
        if ago := [one["synced_seconds_ago"] for one in several if one["synced_seconds_ago"] is not None]:
            say("synced_age_seconds", max(ago))
        if recovered := several[0]["recovered"]:
            for key in ("folders", "spans", "damaged", "files"):
                say(f"recovered_{key}_total", recovered[key])
            say("recovery_failed", recovered["error"] is not None)
    series = parsed(render(spanwire.stats() | {"durable": reports}))
    assert {key: value for key, value in series.items() if key[0].startswith("spanwire_durable")} == expected
