"""Programs that serve and send over HTTP and gRPC, and those that only compute."""

from tests.instrumentations.program import Program

WEB = (
    Program(
        "flask_app",
        libraries=("flask", "requests"),
        instrumentations=("flask", "requests"),
        spans=20,
    ),
)
