"""What became of the spans, counted natively."""

from typing import Any

from spanwire import _native

__all__ = ["stats"]


def stats() -> dict[str, Any]:
    """Counts of this process since it began; a forked child begins at zero.

    ``stats()["traces"]`` has a dict for each destination (the endpoint without user, password and query; exporters with
    the same endpoint share one):

    - ``accepted``: spans given to ``export``. Always ``accepted == exported + queued + sum(dropped.values())``.
    - ``exported``: spans that the destination took.
    - ``queued``: spans under way, back-offs included.
    - ``dropped``: spans lost, by reason: ``encode`` (could not be encoded), ``too_large`` (request over
      ``max_request_size``), ``refused`` (final answer or error), ``rejected`` (partial success), ``response`` (answer too
      large to read), ``exhausted`` (unreachable or "later" until tries or time were used up), ``timeout`` (no answer in
      time), ``shutdown``, ``internal`` (a defect of ours).
    - ``requests``: requests written, each try counted; ``retries``: tries after the first, each after a back-off;
      ``connections``: connections opened; ``bytes``: body bytes written, each try counted. These four are counted when a
      request ends.
    - ``last_error``: text of what went wrong last, a partial success included; None if nothing did.

    ``stats()["encode"]`` has the encoder's counts.
    """
    encode_counts = getattr(_native, "encode_counts", None)
    return {"traces": _native.export_stats(), "encode": encode_counts() if encode_counts is not None else {}}
