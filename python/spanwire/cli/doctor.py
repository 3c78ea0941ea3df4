"""``spanwire doctor``: will spans arrive, and if not, why? Works without the extra ``cli``."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence

__all__ = ["main"]

_STEPS = """\
It looks at versions and build, who sets up tracing, variables, the resolved configuration, DNS, TCP, TLS, HTTP or gRPC, a test
span and (with --limits) how large requests may be, in this order, and says what to do about what it finds. Secrets are
not shown. Status: 0 if spans arrive, 1 if not, 2 if an option cannot work."""


def main(arguments: Sequence[str]) -> int:
    """Examine and print.

    :returns: the exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output is gone; the interpreter must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(options: argparse.Namespace) -> int:
    from spanwire.cli._doctor import _text
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._run import examine

    report = examine(
        Context(
            endpoint=options.endpoint,
            timeout=options.timeout,
            service_name=options.service_name,
            send=options.send,
            show_all=options.all,
            limits=options.limits,
            protocol=options.protocol or "",
        )
    )
    if options.json:
        text = json.dumps(report.document(), indent=2)
    else:
        width = max(60, min(140, shutil.get_terminal_size((100, 24)).columns))
        color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        text = "\n".join(_text.lines(report, color=color, width=width))
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)
    return 1 if report.verdict == "failed" else 0


def _parser() -> argparse.ArgumentParser:
    from spanwire.exporter._common.protocols import PROTOCOLS

    parser = argparse.ArgumentParser(
        prog="spanwire doctor", description="Will spans arrive, and if not, why?", epilog=_STEPS, allow_abbrev=False
    )
    parser.add_argument(
        "--endpoint",
        type=_endpoint,
        metavar="URL",
        help="in the place of the configured one; /v1/traces is added where there is no path",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        help="in the place of OTEL_EXPORTER_OTLP_PROTOCOL's",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="for each step that waits for somebody (default: 5, at most 300)",
    )
    parser.add_argument("--service-name", metavar="NAME", help="of the test span; default: as the program's")
    parser.add_argument("--no-send", dest="send", action="store_false", help="no test span")
    parser.add_argument("--limits", action="store_true", help="send requests of up to 16 MiB, to see which are taken")
    parser.add_argument("--all", action="store_true", help="every setting, also those that are not set")
    parser.add_argument("--json", action="store_true", help="for programs (schema 1)")
    return parser


def _endpoint(text: str) -> str:
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        raise argparse.ArgumentTypeError("give a URL that begins with http:// or https://")
    end = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
    has_path = rest[end:].startswith("/") and rest[end:] != "/"
    return text.strip() if has_path or rest[end:].startswith(("?", "#")) else f"{scheme}://{rest[:end]}/v1/traces"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 300:
        raise argparse.ArgumentTypeError("give a number of seconds, at most 300")
    return seconds
