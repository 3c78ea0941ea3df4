"""Options for who speaks whichever protocol the environment says: that is none of the exporters, each of which has one."""

import os
from collections.abc import Mapping

from spanwire.exporter._common.environment import Environment
from spanwire.exporter._common.options import ExporterOptions, HttpOptions
from spanwire.exporter._common.protocols import GRPC, protocol_of

__all__ = ["configured_protocol", "options_for"]


def configured_protocol() -> str:
    """That of the exporter which a program with this environment is given; it may be none of those that there are."""
    names = os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")
    said = (protocol_of(name.strip()) for name in names)
    return next(filter(None, said), None) or Environment("traces").protocol()


def options_for(
    protocol: str,
    *,
    endpoint: str | None,
    headers: Mapping[str, str] | None,
    timeout: float | None,
    compression: str | None,
) -> ExporterOptions:
    """What the exporter of that protocol would make of these keywords and the environment.

    :raises ValueError: if a keyword has a value that cannot work; the text says what can.
    """
    if protocol == GRPC:
        from spanwire.exporter._common.grpc_options import GrpcOptions

        return GrpcOptions.resolve(
            "traces",
            endpoint=endpoint,
            insecure=None,
            headers=headers,
            timeout=timeout,
            compression=compression,
            channel_options=None,
            certificate_file=None,
            client_key_file=None,
            client_certificate_file=None,
            max_request_size=None,
        )
    return HttpOptions.resolve(
        "traces",
        endpoint=endpoint,
        certificate_file=None,
        client_key_file=None,
        client_certificate_file=None,
        headers=headers,
        timeout=timeout,
        compression=compression,
        max_request_size=None,
        protocol=protocol,
    )
