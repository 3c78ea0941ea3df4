"""Versions, the build, and the instrumentations that are installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import TYPE_CHECKING

from spanwire import __version__, _native
from spanwire.cli._installed import is_within

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]

_SUPPORTED = "opentelemetry-sdk>=1.33,<2"  # where the package's metadata is gone


def check(_: Context, step: Step) -> None:
    """Say what is installed, and whether it fits."""
    api, sdk = _version("opentelemetry-api"), _version("opentelemetry-sdk")
    simd = _native.simd_info()
    build = "profile-guided" if _native.is_profile_guided else "release"
    step.details = {
        "spanwire": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "opentelemetry-api": api,
        "opentelemetry-sdk": sdk,
        "build": build,
        "simd": simd["level"],
        "instrumentations": _instrumentations(),
    }
    step.ok(
        "installed",
        f"spanwire {__version__} ({build} build, {simd['level']}), opentelemetry-sdk {sdk}, "
        f"Python {platform.python_version()}",
    )
    if simd["note"]:
        step.warn("simd", simd["note"], "correct or unset SPANWIRE_SIMD")
    supported = _supported()
    if sdk and not is_within(sdk, supported.removeprefix("opentelemetry-sdk").partition(";")[0]):
        step.warn(
            "sdk_range",
            f"opentelemetry-sdk {sdk} is not among the supported versions ({supported})",
            f"pip install '{supported}'",
        )
    if api != sdk:
        step.warn(
            "api_and_sdk",
            f"opentelemetry-api is {api} and opentelemetry-sdk {sdk}: they belong together",
            f"pip install 'opentelemetry-api=={sdk}'",
        )
    installed = _version("spanwire")
    if installed and installed != __version__:
        step.warn(
            "native",
            f"the package says that it is spanwire {installed}, its native part {__version__}: two installations are mixed",
            "reinstall the wheel that you have: pip install --force-reinstall --no-deps FILE.whl",
        )
    names = step.details["instrumentations"]
    step.ok("instrumentations", f"instrumentations: {', '.join(names) or 'none installed'}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _supported() -> str:
    try:
        found = requires("spanwire") or []
    except PackageNotFoundError:
        found = []
    return next((one for one in found if one.startswith("opentelemetry-sdk")), _SUPPORTED)


def _instrumentations() -> list[str]:
    found = entry_points(group="opentelemetry_instrumentor")
    return sorted({one.name + (f" {one.dist.version}" if one.dist is not None else "") for one in found})
