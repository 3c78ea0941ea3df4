"""Settings of the set-up without code, and of ``spanwire.install()``."""

from spanwire._settings._setting import Setting, otlp, rows

__all__ = ["SETUP"]

_setup = rows("set-up", "spanwire.install")
_instrument = rows("opentelemetry-instrument", "opentelemetry.instrumentation")
_api = rows("API", "opentelemetry")

SIGTERM_SECONDS = 5.0

SETUP: tuple[Setting, ...] = (
    _setup(
        "flush_on_sigterm",
        "SPANWIRE_FLUSH_ON_SIGTERM",
        f"{SIGTERM_SECONDS:g} where nobody handles SIGTERM, and under uvicorn",
        "send what is queued when SIGTERM comes, for so many seconds at most (true: 10; false: not), before what was to happen then",
        unit="seconds",
    ),
    _setup(
        "top",
        "SPANWIRE_TOP_SOCKET",
        "",
        "what names of local sockets begin with at which each process serves its counts for spanwire top; or a directory",
    ),
    _setup(
        "protocol",
        "",
        "",
        "in the place of OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: http/protobuf, http/json or grpc",
    ),
    _setup(
        "endpoints",
        "",
        "",
        "endpoints of our exporters in the place of OTEL_EXPORTER_OTLP_ENDPOINT: over HTTP whole URLs, with v1/traces",
    ),
    _setup("balance", "", "round_robin", "which of them gets a request: as of the exporters"),
    _setup("headers_provider", "", "", "function that gives more headers, such as a token that expires"),
    _setup("headers_refresh", "", "300", "between two calls of headers_provider; at least 2", unit="seconds"),
    _setup("durable", "", "", "folder in which what waits outlives the process: as of the exporters"),
    _setup(
        "on_error", "", "", "called when an export fails, with a spanwire.events.ErrorEvent, on a thread of our own"
    ),
    _setup("on_drop", "", "", "called when spans are lost, with a spanwire.events.DropEvent, likewise"),
    _setup(
        "trace_exporter_names",
        "OTEL_TRACES_EXPORTER",
        "otlp",
        "exporters of spans: otlp, otlp_proto_http, otlp_proto_grpc and spanwire are ours; console, none, any entry point",
    ),
    _setup(
        "metric_exporter_names",
        "OTEL_METRICS_EXPORTER",
        "otlp if its exporter is installed, else none",
        "exporters of metrics, all the SDK's",
    ),
    _setup(
        "log_exporter_names",
        "OTEL_LOGS_EXPORTER",
        "otlp if its exporter is installed, else none",
        "exporters of logs, all the SDK's",
    ),
    _setup(
        "",
        otlp("PROTOCOL"),
        "http/protobuf",
        "which exporter otlp is: http/protobuf, http/json or grpc; the exporters by themselves do not read it",
    ),
    _setup("sampler", "", "", "in the place of OTEL_TRACES_SAMPLER"),
    _setup("id_generator", "", "", "in the place of OTEL_PYTHON_ID_GENERATOR"),
    _setup("resource_attributes", "", "", "beside OTEL_RESOURCE_ATTRIBUTES"),
    _setup("span_processors", "", "", "more processors, in front of the exporters' own"),
    _setup("log_record_processors", "", "", "likewise for logs"),
    _setup("export_span_processor", "", "BatchSpanProcessor", "what makes a processor for each exporter of spans"),
    _setup("export_log_record_processor", "", "BatchLogRecordProcessor", "likewise for logs"),
    _setup("exporter_args_map", "", "", "keywords for exporters, by their classes"),
    _setup("tracer_configurator", "", "", "in the place of OTEL_PYTHON_TRACER_CONFIGURATOR"),
    _setup("meter_configurator", "OTEL_PYTHON_METER_CONFIGURATOR", "", "which scopes count; an entry point"),
    _setup("logger_configurator", "OTEL_PYTHON_LOGGER_CONFIGURATOR", "", "which scopes log; an entry point"),
    _setup(
        "setup_logging_handler",
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED",
        "false",
        "true: the SDK's handler on the root logger, so that log records are exported",
    ),
    _setup("auto_instrumentation_version", "", "", "told by opentelemetry-instrument, for the resource"),
    _setup(
        "",
        "OTEL_CONFIG_FILE",
        "",
        "declarative configuration: its file says all but what it leaves out of an exporter, which the variables say",
    ),
    _setup("", "SPANWIRE_DISABLED", "0", "1 or true: the stock SDK's classes under our names; read at import"),
    _instrument("", "OTEL_PYTHON_DISTRO", "the first that is found", "distro to load: spanwire"),
    _instrument("", "OTEL_PYTHON_CONFIGURATOR", "the first that is found", "configurator to load: spanwire"),
    _instrument(
        "", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "", "names of instrumentations not to load, by commas; * is all"
    ),
    _instrument(
        "",
        "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH",
        "",
        "patch_all: gevent's patches before instrumentations are loaded",
    ),
    _instrument(
        "", "OTEL_SEMCONV_STABILITY_OPT_IN", "", "which names of attributes instrumentations use: http, http/dup …"
    ),
    _api("", "OTEL_PROPAGATORS", "tracecontext,baggage", "which headers carry a trace between programs"),
    _api("", "OTEL_PYTHON_CONTEXT", "contextvars_context", "what keeps the current span"),
    _api("", "OTEL_PYTHON_TRACER_PROVIDER", "", "entry point of a tracer provider, if none is set"),
    _api("", "OTEL_PYTHON_METER_PROVIDER", "", "entry point of a meter provider, if none is set"),
    _api("", "OTEL_PYTHON_LOGGER_PROVIDER", "", "entry point of a logger provider, if none is set"),
)
