"""Settings of our exporter, processors and provider."""

from spanwire._settings._setting import Setting, otlp, rows

__all__ = ["TRACES"]

_exporter = rows("exporter", "spanwire.exporter.http.OTLPSpanExporter")
_grpc = rows("gRPC exporter", "spanwire.exporter.grpc.OTLPSpanExporter")
_batch = rows("batch processor", "spanwire.trace.export.BatchSpanProcessor")
_simple = rows("simple processor", "spanwire.trace.export.SimpleSpanProcessor")
_provider = rows("provider", "spanwire.trace.TracerProvider")
_limits = rows("limits", "spanwire.trace.SpanLimits")

_METERS = "the global one"
_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER"
)

BATCH_SPANS = 2048
BATCH_BYTES = 400_000

TRACES: tuple[Setting, ...] = (
    _exporter(
        "endpoint",
        otlp("ENDPOINT"),
        "http://localhost:4318/v1/traces",
        "whole URL, used as it stands; the general variable is a base URL and gets /v1/traces appended",
    ),
    _exporter(
        "headers",
        otlp("HEADERS"),
        "",
        "sent with each request; a variable is name=value,name=value, percent-encoded; keyword headers override single ones",
        is_secret=True,
    ),
    _exporter(
        "timeout", otlp("TIMEOUT"), "10", "for all tries of a request together, fractions allowed", unit="seconds"
    ),
    _exporter(
        "compression", otlp("COMPRESSION"), "none", "gzip, zstd or deflate; the keyword also takes an enum's member"
    ),
    _exporter(
        "certificate_file",
        (*otlp("CERTIFICATE"), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        "the system's",
        "PEM file, or directory of them, with the authorities to trust",
    ),
    _exporter(
        "client_certificate_file",
        otlp("CLIENT_CERTIFICATE"),
        "",
        "PEM file with the client's certificate chain, and its key unless that is given apart",
    ),
    _exporter("client_key_file", otlp("CLIENT_KEY"), "", "PEM file with the client's key, not encrypted"),
    _exporter(
        "max_request_size",
        "",
        "67108864",
        "before compression; a larger request is divided, a larger span dropped and counted; 0 lifts the limit",
        unit="bytes",
    ),
    _exporter(
        "endpoints", "", "", "several URLs of the same backend in the place of endpoint: one of them gets each request"
    ),
    _exporter(
        "balance", "", "round_robin", "which of several endpoints: round_robin, failover, least_loaded or trace_id"
    ),
    _exporter("headers_provider", "", "", "function that gives more headers, such as a token that expires"),
    _exporter("headers_refresh", "", "300", "between two calls of headers_provider; at least 2", unit="seconds"),
    _exporter(
        "durable",
        "SPANWIRE_DURABLE_PATH",
        "",
        "folder, or a spanwire.durable.DurableQueue: what waits in a batch processor outlives the process",
    ),
    _exporter(
        "",
        "SPANWIRE_DURABLE_MAX_BYTES",
        "1073741824",
        "of what waits, for each batch processor of each process (not of the whole folder), if the folder is not given by a DurableQueue",
        unit="bytes",
    ),
    _exporter(
        "",
        "SPANWIRE_DURABLE_MAX_AGE",
        "",
        "what has waited for longer goes, likewise; default: no bound",
        unit="seconds",
    ),
    _exporter(
        "",
        "SPANWIRE_DURABLE_FSYNC",
        "never",
        "never, interval or batch: what the disk is told for the case that the power fails, likewise",
    ),
    _exporter(
        "",
        "SPANWIRE_DURABLE_MAPPING",
        "auto",
        "auto, always or never: whether files of durable queues are mapped into memory, if the folder is not given by a DurableQueue",
    ),
    _exporter("meter_provider", "", _METERS, "where the exporter's metrics about itself go, if they are enabled"),
    _exporter("w3c_flags", "", "False", "also send the W3C flags of spans and links and the links' trace state"),
    _exporter(
        "session",
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
        "",
        "the official exporter's requests session; refused with ValueError, as there is no requests here",
    ),
    _exporter("", otlp("INSECURE"), "", "not read over HTTP: the scheme of the endpoint decides"),
    _exporter("", "SSL_CERT_FILE", "", "PEM file of the system's authorities, where no certificate_file is configured"),
    _exporter("", "SSL_CERT_DIR", "", "directories of them, separated by colons, likewise"),
    _exporter(
        "",
        "http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY",
        "",
        "URL of the HTTP proxy for an endpoint of that scheme, or any, with user and password; chosen as by requests",
    ),
    _exporter(
        "",
        "no_proxy NO_PROXY",
        "",
        "what is reached directly: ends of names, with a port or without, IPv4 addresses and networks, or * for all",
    ),
    _grpc(
        "endpoint",
        otlp("ENDPOINT"),
        "http://localhost:4317",
        "host and port, or a URL whose path has no meaning; unix:/run/otlp.sock is a socket of this machine",
    ),
    _grpc(
        "insecure",
        otlp("INSECURE"),
        "whether the endpoint begins with http://",
        "true speaks without TLS; an endpoint that begins with https:// never does",
    ),
    _grpc(
        "credentials",
        _CREDENTIAL_PROVIDERS,
        "",
        "grpcio's; refused with ValueError where TLS is spoken, as there is no grpcio here",
    ),
    _grpc(
        "headers",
        otlp("HEADERS"),
        "",
        "sent with each call, in the place of the variable's: a dict, pairs, or text as in the variable",
        is_secret=True,
    ),
    _grpc("timeout", otlp("TIMEOUT"), "10", "for all tries of a request together, fractions allowed", unit="seconds"),
    _grpc("compression", otlp("COMPRESSION"), "none", "gzip, zstd or deflate; the keyword also takes an enum's member"),
    _grpc(
        "channel_options",
        "",
        "",
        "grpcio's: grpc.primary_user_agent and grpc.default_authority are obeyed, others ignored with a log line",
    ),
    _grpc(
        "retryable_error_codes",
        "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES",
        "",
        "ignored with a log line: what OTLP lets be tried again is",
    ),
    _grpc(
        "",
        "grpc_proxy https_proxy http_proxy",
        "",
        "URL of the HTTP proxy to the endpoint, with user and password: the first that is set, as by grpcio; empty: none",
    ),
    _grpc(
        "",
        "no_grpc_proxy no_proxy",
        "",
        "what is reached directly: ends of names, addresses and networks; the first that is set, as by grpcio",
    ),
    _grpc("meter_provider", "", _METERS, "where the exporter's metrics about itself go, if they are enabled"),
    _grpc(
        "certificate_file",
        (*otlp("CERTIFICATE"), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),
        "the system's",
        "PEM file, or directory of them, with the authorities to trust",
    ),
    _grpc("client_key_file", otlp("CLIENT_KEY"), "", "PEM file with the client's key, not encrypted"),
    _grpc(
        "client_certificate_file",
        otlp("CLIENT_CERTIFICATE"),
        "",
        "PEM file with the client's certificate chain, and its key unless that is given apart",
    ),
    _grpc(
        "max_request_size",
        "",
        "67108864",
        "before compression; a larger request is divided, a larger span dropped and counted; 0 lifts the limit",
        unit="bytes",
    ),
    _grpc(
        "endpoints",
        "",
        "",
        "several endpoints of the same backend in the place of endpoint: one of them gets each call",
    ),
    _grpc("balance", "", "round_robin", "which of several endpoints: round_robin, failover, least_loaded or trace_id"),
    _grpc("headers_provider", "", "", "function that gives more headers, such as a token that expires"),
    _grpc("headers_refresh", "", "300", "between two calls of headers_provider; at least 2", unit="seconds"),
    _grpc(
        "durable",
        "SPANWIRE_DURABLE_PATH",
        "",
        "folder, or a spanwire.durable.DurableQueue: what waits in a batch processor outlives the process",
    ),
    _grpc("w3c_flags", "", "False", "also send the W3C flags of spans and links and the links' trace state"),
    _batch("span_exporter", "", "", "where finished spans go; to be given"),
    _batch(
        "max_queue_size",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "64 MiB of spans",
        "how many wait at most, exactly, if given; over the bound the oldest go",
        unit="spans",
    ),
    _batch(
        "schedule_delay_millis",
        "OTEL_BSP_SCHEDULE_DELAY",
        "5000",
        "between two exports; a full request is sent at once",
        unit="milliseconds",
    ),
    _batch(
        "max_export_batch_size",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        f"{BATCH_SPANS}, or {BATCH_BYTES // 1000} KB if that is less",
        "of a request, exactly, if given; if only the queue's size is, 2048 or half of that; 512 for exporters in Python",
        unit="spans",
    ),
    _batch(
        "export_timeout_millis",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "30000",
        "read and not used, as in the SDK: the exporter has its timeout",
        unit="milliseconds",
    ),
    _batch(
        "queue_policy",
        "SPANWIRE_QUEUE_POLICY",
        "drop_oldest",
        "when the queue is full: drop_oldest, drop_newest, or block(SECONDS): the thread that ends a span waits for room",
    ),
    _batch(
        "max_in_flight",
        "SPANWIRE_MAX_IN_FLIGHT",
        "1 to this machine, 4 elsewhere",
        "how many requests are under way at once at most, up to 8; over HTTP/1.1 each has a connection",
    ),
    _batch(
        "shutdown_timeout",
        "SPANWIRE_SHUTDOWN_TIMEOUT",
        "5",
        "how long shutdown waits for a backend that accepts nothing, 0 to 30; 30 gives the SDK's limit",
        unit="seconds",
    ),
    _batch("span_filter", "", "", "which spans are sent: a spanwire.filters.SpanFilter; not for exporters in Python"),
    _batch("meter_provider", "", _METERS, "where the processor's metrics about itself go, if they are enabled"),
    _simple("span_exporter", "", "", "where each span goes when it ends; to be given"),
    _simple("meter_provider", "", _METERS, "where the processor's metrics about itself go, if they are enabled"),
    _provider(
        "sampler",
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        "which traces are recorded: always_on, always_off, traceidratio, each also with parentbased_ before it",
    ),
    _provider("", "OTEL_TRACES_SAMPLER_ARG", "1.0", "share of traces that a traceidratio sampler takes, 0 to 1"),
    _provider("resource", "", "what the detectors find", "attributes of the program that all its spans share"),
    _provider("shutdown_on_exit", "", "True", "send what waits when the program ends"),
    _provider("active_span_processor", "", "one after the other", "what hands spans to the processors that are added"),
    _provider(
        "id_generator",
        "OTEL_PYTHON_ID_GENERATOR",
        "random",
        "who makes ids; the variable names an entry point and is read where we set up without code or by install()",
    ),
    _provider("span_limits", "", "what the variables say", "the bounds below, as spanwire.trace.SpanLimits"),
    _provider("meter_provider", "", _METERS, "where the tracers' metrics about themselves go, if they are enabled"),
    _provider(
        "_tracer_configurator",
        "OTEL_PYTHON_TRACER_CONFIGURATOR",
        "",
        "which scopes record; the variable names an entry point; the SDK's keyword, not stable",
    ),
    _provider("", "OTEL_SDK_DISABLED", "false", "true: no span is made, no metric counted"),
    _provider(
        "",
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
        "false",
        "true: exporter, processors and tracers count themselves in otel.sdk.* metrics",
    ),
    _limits(
        "max_attributes",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "the next three, where they are not set",
        unit="attributes",
    ),
    _limits("max_span_attributes", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128", "of a span", unit="attributes"),
    _limits("max_event_attributes", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "128", "of an event", unit="attributes"),
    _limits("max_link_attributes", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "128", "of a link", unit="attributes"),
    _limits("max_events", "OTEL_SPAN_EVENT_COUNT_LIMIT", "128", "of a span", unit="events"),
    _limits("max_links", "OTEL_SPAN_LINK_COUNT_LIMIT", "128", "of a span", unit="links"),
    _limits(
        "max_attribute_length",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "of a text; what is longer is cut",
        unit="characters",
    ),
    _limits(
        "max_span_attribute_length",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "of a text in a span's own attributes",
        unit="characters",
    ),
)
