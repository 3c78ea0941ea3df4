"""Check the manifests without a cluster: each object against Kubernetes' own schemas, names that refer to others, and time to end."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

FOLDER = Path(__file__).parent
# From the first that has `lifecycle.preStop.sleep` for all; a newer one than the package knows is checked by its newest.
VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35")

# What a provider's `shutdown()` takes at most, if nobody answers.
SHUTDOWN_SECONDS = 30

Object = dict[str, Any]


def main() -> None:
    """The command line: with ``--json`` the objects are printed instead."""
    folder = Path(sys.argv[-1]) if len(sys.argv) > 1 and not sys.argv[-1].startswith("-") else FOLDER
    objects = load(folder)
    if "--json" in sys.argv:
        print(json.dumps(objects))
        return
    problems = [*schema_problems(objects), *reference_problems(objects, folder), *time_problems(objects, folder)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(1)
    for one in objects:
        print(f"{one['kind']} {one['metadata']['name']}")
    print(f"{len(objects)} objects are as Kubernetes {', '.join(VERSIONS)} want them")


def load(folder: Path) -> list[Object]:
    """The objects that kustomization.yaml names, but for those that it generates."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return [
        one
        for name in kustomization["resources"]
        for one in yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
    ]


def schema_problems(objects: list[Object]) -> Iterator[str]:
    """Fields that Kubernetes does not know, or of another type: what its API server would refuse or, worse, ignore."""
    for version in VERSIONS:
        yield from filter(None, (schema_problem(one, version) for one in objects))


def schema_problem(one: Object, version: str) -> str | None:
    """What this version of Kubernetes would not take, if anything."""
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        problem = str(error)
    except kubernetes_validate.SchemaNotFoundError:
        problem = f"no schema of {one['apiVersion']}"
    else:
        return None
    return f"{one['kind']} {one['metadata']['name']}, Kubernetes {version}: {problem}"


def reference_problems(objects: list[Object], folder: Path) -> Iterator[str]:
    """Selectors that select nothing, ports and ConfigMaps that nobody has: no schema sees them."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    generated = {one["name"]: one["files"] for one in kustomization["configMapGenerator"]}
    for name, files in generated.items():
        yield from (f"ConfigMap {name}: no file {file}" for file in files if not (folder / file).exists())
    maps = {*generated, *(one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap")}
    templates = [one["spec"]["template"] for one in objects if one["kind"] == "Deployment"]
    for one in objects:
        where = f"{one['kind']} {one['metadata']['name']}"
        selector = one.get("spec", {}).get("selector", {})
        labels = selector.get("matchLabels", selector)
        chosen = [template for template in templates if labels.items() <= template["metadata"]["labels"].items()]
        if labels and len(chosen) != 1:
            yield f"{where}: its selector selects {len(chosen)} Deployments"
        elif one["kind"] == "Service":
            ports = {port["name"] for container in chosen[0]["spec"]["containers"] for port in container["ports"]}
            yield from (
                f"{where}: no port {port['targetPort']}"
                for port in one["spec"]["ports"]
                if port["targetPort"] not in ports
            )
    for template in templates:
        spec = template["spec"]
        used = [volume["configMap"]["name"] for volume in spec.get("volumes", ())]
        used += [source["configMapRef"]["name"] for one in spec["containers"] for source in one.get("envFrom", ())]
        yield from (f"no ConfigMap {name}" for name in used if name not in maps)


def time_problems(objects: list[Object], folder: Path) -> Iterator[str]:
    """Whether there is time for preStop, for requests and for what waits before SIGKILL."""
    command = (folder / "Dockerfile").read_text(encoding="utf-8")
    requests = sum(int(seconds) for seconds in re.findall(r'--timeout-graceful-shutdown", "(\d+)"', command))
    maps = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
    for one in objects:
        if one["kind"] == "Deployment":
            spec = one["spec"]["template"]["spec"]
            for container in spec["containers"]:
                needed = container["lifecycle"]["preStop"]["sleep"]["seconds"]
                variables = [maps.get(source["configMapRef"]["name"], {}) for source in container.get("envFrom", ())]
                if any("OTEL_PYTHON_DISTRO" in known for known in variables):
                    needed += requests + SHUTDOWN_SECONDS
                if needed >= spec["terminationGracePeriodSeconds"]:
                    yield f"Deployment {one['metadata']['name']}: terminationGracePeriodSeconds leaves no time after {needed} s"


if __name__ == "__main__":
    main()
