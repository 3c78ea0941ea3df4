"""The list of parts of a wheel, in CycloneDX's JSON (https://cyclonedx.org): what lies in *.dist-info/sboms (PEP 770). The same build gives the same text."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from typing import Any

from buildtools.crates import Crate

__all__ = ["NAME", "sbom"]

NAME = "spanwire.cdx.json"


def sbom(version: str, crates: list[Crate], tools: dict[str, str], commit: str, seconds: int) -> str:
    """For this version of the package. ``tools``: what compiled it, and so left parts of its own libraries in it."""
    package = _component("spanwire", version, "Apache-2.0", f"pkg:pypi/spanwire@{version}")
    parts = [_crate(crate) for crate in crates] + [
        _runtime(name, tools[name]) for name in sorted(tools) if name in _RUNTIMES
    ]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "tools": {
                "components": [{"type": "application", "name": name, "version": tools[name]} for name in sorted(tools)]
            },
            "component": {**package, "properties": [{"name": "spanwire:commit", "value": commit or "unknown"}]},
        },
        "components": parts,
        # Who uses whom among them is cargo's business; all are in the one extension.
        "dependencies": [
            {"ref": package["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"]} for part in parts),
        ],
    }
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


# What a compiler links of its own.
_RUNTIMES = {
    "rustc": ("rust-std", "MIT OR Apache-2.0"),
    "zig": ("zig-compiler-rt-and-libunwind", "MIT AND Apache-2.0 WITH LLVM-exception"),
}


def _runtime(tool: str, version: str) -> dict[str, Any]:
    name, licence = _RUNTIMES[tool]
    return _component(name, version, licence, f"pkg:generic/{name}@{version.replace(' ', '%20')}")


def _crate(crate: Crate) -> dict[str, Any]:
    component = _component(
        crate.name, crate.version, crate.licence, f"pkg:cargo/{crate.name}@{crate.version.replace('+', '%2B')}"
    )
    component["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository:
        component["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return component


def _component(name: str, version: str, licence: str, purl: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": [{"expression": licence}] if licence else [],
    }
