"""What ``spanwire sink`` prints for a log record, a data point and a profile."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
)

from spanwire.cli._sink_lines import lines
from spanwire.sink import Sink
from tests.messages_of_otlp import random_request
from tests.post import post

NANOS = 1_700_000_000_123_456_789
TIME = "2023-11-14T22:13:20.123Z"


def printed(sink: Sink, path: str, body: bytes) -> list[str]:
    assert post(sink, body, path=path).status == 200
    return [line for request in sink.requests() for line in lines(request)]


def test_a_log_record_is_a_line(otlp_sink: Sink) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    record = records.add(time_unix_nano=NANOS, severity_number=17, trace_id=b"\x01" * 16)
    record.body.string_value = "no such\x1b[31m item"
    record.attributes.add(key="item").value.int_value = 7
    records.add(observed_time_unix_nano=NANOS, severity_text="notice", event_name="emptied").body.int_value = 3
    records.add()
    assert printed(otlp_sink, "/v1/logs", request.SerializeToString()) == [
        f"{TIME}  ERROR  no such\N{REPLACEMENT CHARACTER}[31m item  item=7  trace {'01' * 16}",
        f"{TIME}  notice  emptied  3",
        "no time  None",
    ]


def test_a_data_point_is_a_line(otlp_sink: Sink) -> None:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    orders = metrics.add(name="orders", unit="{order}")
    orders.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    for number, paid in ((3000, True), (1, False)):
        point = orders.sum.data_points.add(time_unix_nano=NANOS, as_int=number)
        point.attributes.add(key="paid").value.bool_value = paid
    times = metrics.add(name="times", unit="s")
    times.histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
    times.histogram.data_points.add(time_unix_nano=NANOS, count=3, sum=1.25)
    metrics.add(name="heat", unit="1").gauge.data_points.add(time_unix_nano=NANOS)
    assert printed(otlp_sink, "/v1/metrics", request.SerializeToString()) == [
        f"{TIME}  orders  3,000 {{order}}  cumulative sum  paid=True",
        f"{TIME}  orders  1 {{order}}  cumulative sum  paid=False",
        f"{TIME}  times  count 3 sum 1.25 s  delta histogram",
        f"{TIME}  heat  no value  gauge",
    ]


def test_a_profile_is_a_line(otlp_sink: Sink) -> None:
    request = ExportProfilesServiceRequest()
    profile = request.resource_profiles.add().scope_profiles.add().profiles.add()
    profile.time_unix_nano, profile.duration_nano, profile.profile_id = NANOS, 1_500_000_000, b"\xab" * 16
    profile.samples.add()
    assert printed(otlp_sink, "/v1development/profiles", request.SerializeToString()) == [
        f"{TIME}  profile {'ab' * 16}  1 samples  1.5 s"
    ]


@pytest.mark.parametrize("signal, path", [("logs", "/v1/logs"), ("metrics", "/v1/metrics")])
def test_whatever_comes_is_one_line_each(signal: str, path: str, otlp_sink: Sink) -> None:
    for seed in range(10):
        found = printed(otlp_sink, path, random_request(signal, seed).SerializeToString())
        assert all(line.isprintable() for line in found)
        assert len(found) == otlp_sink.count("logs" if signal == "logs" else "metrics")
