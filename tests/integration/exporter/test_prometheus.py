"""Counts of a real exporter, as Prometheus reads them."""

from opentelemetry.sdk.trace import ReadableSpan
from prometheus_client.parser import text_string_to_metric_families

import spanwire
from spanwire.sink import Sink
from tests.integration.exporter.conftest import MakeExporter


def test_what_was_sent_and_lost_is_on_the_page(
    sink: Sink, spans: list[ReadableSpan], make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.traces_endpoint)

    def told() -> dict[tuple[str, str], float]:
        return {
            (sample.name, sample.labels.get("reason") or sample.labels.get("state", "")): sample.value
            for family in text_string_to_metric_families(spanwire.prometheus_text())
            for sample in family.samples
            if sample.labels.get("destination") == sink.traces_endpoint
        }

    before = told()
    exporter.export(spans)
    sink.inject(status=400)
    exporter.export(spans[:3])
    grown = {key: value - before.get(key, 0) for key, value in told().items() if value != before.get(key, 0)}
    assert grown.pop(("spanwire_request_bytes_total", "")) > 1000
    assert grown == {
        ("spanwire_accepted_total", ""): 13,
        ("spanwire_exported_total", ""): 10,
        ("spanwire_dropped_total", "refused"): 3,
        ("spanwire_requests_total", ""): 2,
        ("spanwire_connections_total", ""): 1,
        ("spanwire_breaker_state", "closed"): 1,
    }
