"""Programs that serve and send over HTTP and gRPC, and those that only compute."""

from dataclasses import replace

from tests.instrumentations.program import Program

NEW = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"}
OLD_AND_NEW = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}
HEADERS = {
    f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_{side}_{half}": ".*"
    for side in ("SERVER", "CLIENT")
    for half in ("REQUEST", "RESPONSE")
}
LIMITS = {
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "12",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "6",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "1",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "2",
}
DETECTORS = {
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,os,host,otel",
    "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=tests,empty=,escaped=%20a",
}
SMALL_BATCHES = {
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3",
    "OTEL_BSP_SCHEDULE_DELAY": "20",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health,stream",
}
DJANGO = {"DJANGO_SETTINGS_MODULE": "django_shop.settings"}

FLASK = Program("flask_app", libraries=("flask", "requests"), instrumentations=("flask", "requests"), spans=80)
FASTAPI = Program(
    "fastapi_app", libraries=("fastapi", "uvicorn", "httpx"), instrumentations=("fastapi", "httpx"), spans=150
)
STARLETTE = Program(
    "starlette_app", libraries=("starlette", "httpx"), instrumentations=("starlette", "httpx"), spans=50
)
AIOHTTP = Program(
    "aiohttp_app", libraries=("aiohttp",), instrumentations=("aiohttp-client", "aiohttp-server"), spans=70
)
HTTPX = Program("httpx_clients", libraries=("httpx",), instrumentations=("httpx",), spans=30, ordered=True)
URLLIB = Program(
    "urllib_clients",
    libraries=("urllib3", "requests"),
    instrumentations=("requests", "urllib", "urllib3"),
    spans=20,
    ordered=True,
)
WSGI = Program(
    "wsgi_middleware", libraries=("opentelemetry-instrumentation-wsgi",), instrumentations=(), spans=20, ordered=True
)
DJANGO_WSGI = Program(
    "django_wsgi",
    libraries=("Django", "requests"),
    instrumentations=("django", "requests"),
    variables=DJANGO,
    spans=80,
)
DJANGO_ASGI = Program(
    "django_asgi",
    libraries=("Django", "uvicorn", "httpx"),
    instrumentations=("django", "httpx"),
    variables=DJANGO,
    spans=80,
)
GRPC = Program("grpc_calls", libraries=("grpcio",), instrumentations=("grpc_client", "grpc_server"), spans=60)
GRPC_AIO = Program(
    "grpc_aio_calls", libraries=("grpcio",), instrumentations=("grpc_aio_client", "grpc_aio_server"), spans=40
)
TORNADO = Program("tornado_app", libraries=("tornado",), instrumentations=("tornado",), spans=30)
FALCON = Program("falcon_app", libraries=("falcon", "requests"), instrumentations=("falcon", "requests"), spans=20)
PYRAMID = Program("pyramid_app", libraries=("pyramid", "requests"), instrumentations=("pyramid", "requests"), spans=18)
BOTO3 = Program("boto3_client", libraries=("boto3",), instrumentations=("botocore",), spans=12, ordered=True)
GUNICORN = Program(
    "gunicorn_app",
    libraries=("gunicorn", "flask", "requests"),
    instrumentations=("flask", "requests"),
    arguments=("--workers", "2"),
    spans=50,
)
CLICK = Program("click_command", libraries=("click",), instrumentations=("click",), spans=10, ordered=True)
JINJA2 = Program("jinja2_templates", libraries=("jinja2",), instrumentations=("jinja2",), spans=60, ordered=True)

WEB = (
    FLASK,
    replace(FLASK, case="old and new conventions, all headers", variables={**OLD_AND_NEW, **HEADERS}),
    replace(FLASK, case="low limits", variables=LIMITS),
    replace(FLASK, case="small batches, gzip, excluded URLs", variables=SMALL_BATCHES, spans=70),
    replace(FLASK, case="every instrumentation there is", instrumentations=None),
    replace(FLASK, case="our exporter alone", ours="exporter"),
    replace(FLASK, name="own_set_up", variables={"OTEL_PYTHON_CONFIGURATOR": "none of them"}, spans=85),
    FASTAPI,
    replace(FASTAPI, case="new conventions, all headers", variables={**NEW, **HEADERS}),
    STARLETTE,
    replace(STARLETTE, case="resource detectors", variables=DETECTORS),
    AIOHTTP,
    replace(AIOHTTP, case="old and new conventions, all headers", variables={**OLD_AND_NEW, **HEADERS}),
    HTTPX,
    replace(HTTPX, case="nothing sampled", variables={"OTEL_TRACES_SAMPLER": "always_off"}, spans=0),
    replace(HTTPX, case="baggage alone", variables={"OTEL_PROPAGATORS": "baggage"}),
    URLLIB,
    WSGI,
    replace(WSGI, case="sampled by the parent", variables={"OTEL_TRACES_SAMPLER": "parentbased_always_off"}),
    DJANGO_WSGI,
    DJANGO_ASGI,
    replace(DJANGO_ASGI, case="our exporter alone", ours="exporter"),
    GRPC,
    GRPC_AIO,
    TORNADO,
    FALCON,
    PYRAMID,
    replace(GUNICORN, case="workers"),
    replace(
        GUNICORN,
        case="preloaded, threads",
        arguments=("--workers", "2", "--worker-class", "gthread", "--threads", "2", "--preload"),
    ),
    BOTO3,
    CLICK,
    JINJA2,
)
