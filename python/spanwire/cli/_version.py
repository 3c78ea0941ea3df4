"""``spanwire --version --verbose``: what is installed here, how it was built, what it would do, and whether it works. Needs no extra."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, distributions, entry_points, requires, version
from pathlib import Path
from typing import Any

from spanwire import __version__, _native
from spanwire.cli import _self_check
from spanwire.cli._installed import is_within, taken

__all__ = ["show"]

# Features that one of our levels is made of; what else a processor has is no matter.
_FEATURES = ("sse4_2", "avx", "avx2", "bmi1", "bmi2", "avx512f", "avx512bw", "avx512vl", "avx512vbmi", "asimd", "sve")
_GROUPS = ("opentelemetry_distro", "opentelemetry_configurator", "opentelemetry_traces_exporter")
# Ours to judge are the first two; the others are told, since they are what a defect may hang on.
_PACKAGES = (
    "opentelemetry-api",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-instrumentation",
    "opentelemetry-distro",
)


def show() -> int:
    """Print it; 1 if a check fails, else 0."""
    print(f"spanwire {__version__}")
    for title, text in _facts():
        print(f"  {title:<24} {text}")
    print("self-check")
    failed = False
    for title, problem in _self_check.run():
        failed = failed or bool(problem)
        print(f"  {title:<45} {'FAILED: ' + problem if problem else 'ok'}", flush=True)
    return int(failed)


def _facts() -> Iterator[tuple[str, str]]:
    yield from _build()
    yield "Python", f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    libc = " ".join(platform.libc_ver()).strip() or "libc unknown (musl?)"
    yield "platform", f"{platform.system()} {platform.release()}, {platform.machine()}, {libc}"
    features = [name for name in _FEATURES if name in _cpu_flags()]
    yield "processor", f"{os.cpu_count()} CPUs, {' '.join(features) or 'features unknown'}"
    simd = _native.simd_info()
    yield "SIMD", f"{simd['level']} of {', '.join(simd['available'])} ({simd['outcome']})"
    if simd["note"]:
        yield "", simd["note"]
    for name in _PACKAGES:
        yield name.removeprefix("opentelemetry-"), _package(name)
    yield "instrumentations", _instrumentations()
    for group in _GROUPS:
        names = ", ".join(sorted(f"{found.name}={found.value}" for found in entry_points(group=group)))
        yield group.removeprefix("opentelemetry_"), names or "none"
    yield "would be chosen", _chosen()
    yield "clock", _clock()


def _clock() -> str:
    """Which one native spans get: known once a provider was made."""
    wish = os.environ.get("SPANWIRE_CLOCK")
    said = f"SPANWIRE_CLOCK={wish}" if wish else "SPANWIRE_CLOCK is not set"
    try:
        from spanwire import stats
        from spanwire.trace import TracerProvider

        TracerProvider(shutdown_on_exit=False)
        return f"{stats()['trace']['clock']} ({said})"
    except Exception as error:  # a wish that is none, or an SDK that we do not know: the self-check has more
        return f"unknown: {error}"


def _build() -> Iterator[tuple[str, str]]:
    record = _record()
    guided = "profile-guided" if _native.is_profile_guided else "not profile-guided"
    if record is None:
        yield "built", f"in place, in a checkout: commit and compilers were not kept; {guided}"
    else:
        made = datetime.fromtimestamp(record["seconds"], timezone.utc).strftime("%Y-%m-%d")
        yield "commit", f"{record['commit']} of {made}" if record["commit"] else "not known to the build"
        yield "built", f"{record['profile']}, LTO {record['lto'] or 'as cargo does'}, {guided}"
        yield "compilers", "; ".join(f"{name} {text}" for name, text in sorted(record["tools"].items()))
        if record["target"]:
            yield "for", record["target"]
    yield "installed", str(_native.__file__)


def _record() -> dict[str, Any] | None:
    """What setup.py wrote into a wheel."""
    try:
        kept: dict[str, Any] = json.loads((Path(_native.__file__).parent / "_build.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return kept


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(line[1].split()) if line else set()


def _package(name: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return "not installed"
    wanted = next((line for line in requires("spanwire") or () if re.match(rf"{name}\b(?!-)", line)), None)
    if wanted is None:
        return found
    bounds = wanted.removeprefix(name).partition(";")[0].strip()
    return f"{found}, {'supported' if is_within(found, bounds) else 'NOT SUPPORTED'} ({bounds})"


def _instrumentations() -> str:
    names = {str(found.metadata["Name"]) for found in distributions() if found.metadata["Name"]}
    prefix = "opentelemetry-instrumentation-"
    return ", ".join(sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))) or "none"


def _chosen() -> str:
    """What ``opentelemetry-instrument`` would take: what the variables name, else another's before ours."""
    if os.environ.get("SPANWIRE_DISABLED", "").strip().lower() in {"1", "true"}:
        return "the stock SDK: SPANWIRE_DISABLED is set"
    said = []
    for kind in ("distro", "configurator"):
        variable = f"OTEL_PYTHON_{kind.upper()}"
        names = [found.name for found in entry_points(group=f"opentelemetry_{kind}")]
        wanted = os.environ.get(variable)
        name = taken(names, wanted)
        if wanted is None:
            said.append(f"{kind} {name or 'the default'} ({variable} is not set)")
        elif name:
            said.append(f"{kind} {wanted} (by {variable})")
        else:
            said.append(f"{kind}: {variable}={wanted} names none that is installed")
    return ", ".join(said)
