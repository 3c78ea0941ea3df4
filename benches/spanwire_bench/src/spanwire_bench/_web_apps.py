"""The same small application in Flask and FastAPI, once for each side, with the official instrumentations as they are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from spanwire_bench import _pipelines
from spanwire_bench._web_null import NullProvider
from spanwire_bench._web_script import RecordingProvider

__all__ = ["FRAMEWORKS", "NULL", "PATH", "RECORDING", "SIDES", "UNTRACED", "Sides", "missing"]

PATH = "/users/42?full=1"
UNTRACED, NULL, RECORDING = "untraced", "null", "recording"
SIDES = (UNTRACED, NULL, *_pipelines.NAMES)
FRAMEWORKS = {
    "flask": ("flask", "werkzeug", "opentelemetry.instrumentation.flask"),
    "fastapi": ("fastapi", "uvicorn", "opentelemetry.instrumentation.fastapi"),
}


def missing(framework: str) -> list[str]:
    """Modules that are needed and cannot be imported."""
    return [name for name in FRAMEWORKS[framework] if not _can_import(name)]


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Sides:
    """An application for each of SIDES and for RECORDING, and what some of them export by."""

    apps: dict[str, Any]
    pipelines: dict[str, _pipelines.Pipeline]
    recorded: RecordingProvider

    @classmethod
    def of(cls, framework: str, endpoint: str) -> Sides:
        """All export to ``endpoint``."""
        pipelines = {side: _pipelines.Pipeline.to(endpoint, side) for side in _pipelines.NAMES}
        recorded = RecordingProvider()
        providers: dict[str, Any] = {side: one.provider for side, one in pipelines.items()}
        providers |= {NULL: NullProvider(), RECORDING: recorded}
        make = {"flask": _flask, "fastapi": _fastapi}[framework]
        return cls({side: make(providers.get(side)) for side in (*SIDES, RECORDING)}, pipelines, recorded)


def _flask(provider: Any) -> Any:
    """A WSGI application; None leaves it without tracing."""
    flask: Any = importlib.import_module("flask")
    app = flask.Flask("shop")

    @app.get("/users/<int:number>")  # type: ignore[untyped-decorator]  # a module that is found at run time
    def user(number: int) -> object:
        return {"id": number, "name": "Ada", "full": flask.request.args["full"]}

    if provider is not None:
        instrumentation: Any = importlib.import_module("opentelemetry.instrumentation.flask")
        instrumentation.FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    return app


def _fastapi(provider: Any) -> Any:
    """An ASGI application; None leaves it without tracing."""
    fastapi: Any = importlib.import_module("fastapi")
    app = fastapi.FastAPI()

    @app.get("/users/{number}")  # type: ignore[untyped-decorator]  # a module that is found at run time
    async def user(number: int, full: int) -> object:
        return {"id": number, "name": "Ada", "full": full}

    if provider is not None:
        instrumentation: Any = importlib.import_module("opentelemetry.instrumentation.fastapi")
        instrumentation.FastAPIInstrumentor().instrument_app(app, tracer_provider=provider)
    return app
