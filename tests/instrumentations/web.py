"""Programs that serve and send over HTTP and gRPC, and those that only compute."""

from tests.instrumentations.program import Program

WEB = (
    Program("flask_app", libraries=("flask", "requests"), instrumentations=("flask", "requests"), spans=80),
    Program("fastapi_app", libraries=("fastapi", "uvicorn", "httpx"), instrumentations=("fastapi", "httpx"), spans=80),
    Program("starlette_app", libraries=("starlette", "httpx"), instrumentations=("starlette", "httpx"), spans=40),
    Program("aiohttp_app", libraries=("aiohttp",), instrumentations=("aiohttp-client", "aiohttp-server"), spans=60),
    Program("httpx_clients", libraries=("httpx",), instrumentations=("httpx",), spans=20),
    Program(
        "urllib_clients",
        libraries=("urllib3", "requests"),
        instrumentations=("requests", "urllib", "urllib3"),
        spans=20,
    ),
    Program("wsgi_middleware", libraries=("opentelemetry-instrumentation-wsgi",), instrumentations=(), spans=20),
    Program("click_command", libraries=("click",), instrumentations=("click",), spans=10),
    Program("jinja2_templates", libraries=("jinja2",), instrumentations=("jinja2",), spans=30),
)
