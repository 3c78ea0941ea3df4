"""Uploads: what a web application would do in a request. Each is a span, and the start of a trace that goes on in the worker."""

import sys

from opentelemetry import trace

from examples.worker.tasks import resize

tracer = trace.get_tracer("gallery.upload")

for picture in range(1, int(sys.argv[1]) + 1):
    with tracer.start_as_current_span("upload", attributes={"gallery.picture": picture}):
        resize.delay(picture)
