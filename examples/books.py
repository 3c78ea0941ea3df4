"""The only lines of the examples that know spanwire: a process that ends writes down what became of its spans.

An application needs one of them where it ends without what Python does at exit: ``force_flush()``.
"""

import json
import os
from pathlib import Path
from typing import Any

from opentelemetry import trace


def close_books() -> None:
    """Send what waits; where the launcher asks for it, write counts into its folder."""
    provider: Any = trace.get_tracer_provider()
    flushed = not hasattr(provider, "force_flush") or provider.force_flush()  # without tracing there is nothing to send
    folder = os.environ.get("EXAMPLE_BOOKS")
    if not folder:
        return
    import spanwire

    accounts = spanwire.stats()["traces"].values()
    book: dict[str, Any] = {
        name: sum(account[name] for account in accounts) for name in ("accepted", "exported", "queued")
    }
    book["dropped"] = sum(sum(account["dropped"].values()) for account in accounts)
    book["late"] = int(not flushed)  # what still waited when the flush's time was over
    book["service"] = os.environ.get("OTEL_SERVICE_NAME", "unknown")
    path = Path(folder) / f"{book['service']}-{os.getpid()}.json"
    path.write_text(json.dumps(book), encoding="utf-8")
