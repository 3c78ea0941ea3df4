"""Settings of metrics and logs, which the SDK and its exporters read, and of exporters that are not ours."""

from spanwire._settings._setting import Row, Setting, otlp, rows

__all__ = ["SIGNALS"]

_metrics = rows("metrics", "opentelemetry.sdk.metrics")
_logs = rows("logs", "opentelemetry.sdk._logs")
_others = rows("other exporters", "opentelemetry.exporter")

_CREDENTIALS = "OTEL_PYTHON_EXPORTER_OTLP_{0}_{1}_CREDENTIAL_PROVIDER OTEL_PYTHON_EXPORTER_OTLP_{0}_CREDENTIAL_PROVIDER"


def _official(row: Row, signal: str) -> tuple[Setting, ...]:
    """What the official OTLP exporters read of one signal."""
    return (
        row(
            "",
            otlp("ENDPOINT", signal),
            f"http://localhost:4318/v1/{signal.lower()}",
            "as of traces; over gRPC the port is 4317",
        ),
        row("", otlp("HEADERS", signal), "", "as of traces", is_secret=True),
        row("", otlp("TIMEOUT", signal), "10", "as of traces", unit="seconds"),
        row("", otlp("COMPRESSION", signal), "none", "as of traces"),
        row("", otlp("CERTIFICATE", signal), "the HTTP library's", "as of traces"),
        row("", otlp("CLIENT_CERTIFICATE", signal), "", "as of traces"),
        row("", otlp("CLIENT_KEY", signal), "", "as of traces"),
        row("", otlp("INSECURE", signal), "false", "gRPC only: true speaks without TLS"),
        row("", otlp("PROTOCOL", signal), "http/protobuf", "which exporter otlp is"),
        row(
            "", _CREDENTIALS.format("HTTP", signal), "", "entry point of a requests session, for the official exporter"
        ),
        row(
            "", _CREDENTIALS.format("GRPC", signal), "", "entry point of channel credentials, for the official exporter"
        ),
    )


SIGNALS: tuple[Setting, ...] = (
    *_official(_metrics, "METRICS"),
    _metrics("", "OTEL_METRIC_EXPORT_INTERVAL", "60000", "between two exports", unit="milliseconds"),
    _metrics("", "OTEL_METRIC_EXPORT_TIMEOUT", "30000", "for an export", unit="milliseconds"),
    _metrics(
        "", "OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", "which values are kept as examples: always_on, always_off"
    ),
    _metrics(
        "", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "CUMULATIVE", "of sums: also DELTA and LOWMEMORY"
    ),
    _metrics(
        "",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "explicit_bucket_histogram",
        "also base2_exponential_bucket_histogram",
    ),
    *_official(_logs, "LOGS"),
    _logs("", "OTEL_BLRP_SCHEDULE_DELAY", "1000", "between two exports", unit="milliseconds"),
    _logs("", "OTEL_BLRP_EXPORT_TIMEOUT", "30000", "for an export", unit="milliseconds"),
    _logs("", "OTEL_BLRP_MAX_QUEUE_SIZE", "2048", "that wait at most", unit="records"),
    _logs("", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "512", "of a request", unit="records"),
    _logs("", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "128", "of a record", unit="attributes"),
    _logs("", "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "of a text in a record", unit="characters"),
    _others("", "OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://localhost:9411/api/v2/spans", "of the Zipkin exporter"),
    _others("", "OTEL_EXPORTER_ZIPKIN_TIMEOUT", "10", "of the Zipkin exporter", unit="seconds"),
    _others("", "OTEL_EXPORTER_PROMETHEUS_HOST", "localhost", "where the Prometheus exporter listens"),
    _others("", "OTEL_EXPORTER_PROMETHEUS_PORT", "9464", "where the Prometheus exporter listens"),
)
