"""examples/kubernetes: the manifests hold, and the program they describe, run as they say, is traced and ends without a loss."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.launcher import free_ports
from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.dockerfile import check_dockerfile
from tests.examples.conftest import PYTHON

pytestmark = [pytest.mark.full, pytest.mark.examples]

FOLDER = ROOT / "examples" / "kubernetes"
Object = dict[str, Any]


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PYTHON), "-m", "examples.kubernetes", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    done = check("--json")
    assert done.returncode == 0, done.stderr
    loaded: list[Object] = json.loads(done.stdout)
    return loaded


def one(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = (each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def pod(objects: list[Object], name: str) -> Object:
    spec: Object = one(objects, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def test_the_manifests_are_as_kubernetes_wants_them() -> None:
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert "8 objects are as Kubernetes 1.30, " in done.stdout


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("app.yaml", "readinessProbe:", "readinesProbe:", "'readinesProbe' was unexpected"),
        ("app.yaml", "replicas: 2", "replicas: two", "'two' is not of type"),
        ("app.yaml", "kind: PodDisruptionBudget", "kind: PodDisruption", "no schema"),
        ("app.yaml", "targetPort: http", "targetPort: htpp", "Service hello: no port htpp"),
        ("app.yaml", "name: tracing\ndata", "name: traces\ndata", "no ConfigMap tracing"),
        ("app.yaml", "terminationGracePeriodSeconds: 50", "terminationGracePeriodSeconds: 45", "no time after 45 s"),
        ("kustomization.yaml", "files: [collector-config.yaml]", "files: [config.yaml]", "no file config.yaml"),
        (
            *("collector.yaml", "  selector:\n    app.kubernetes.io/name: collector\n"),
            *("  selector:\n    app.kubernetes.io/name: collectors\n", "selects 0 Deployments"),
        ),
    ],
)
def test_the_check_finds_what_is_wrong(file: str, right: str, wrong: str, said: str, tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "manifests")
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(right) == 1
    (folder / file).write_text(text.replace(right, wrong), encoding="utf-8")
    done = check(str(folder))
    assert done.returncode == 1
    assert said.lower() in done.stderr.lower()


@pytest.mark.parametrize("name", ["hello", "collector"])
def test_pods_may_run_where_only_the_restricted_may(name: str, objects: list[Object]) -> None:
    assert one(objects, "Namespace", "hello")["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }
    spec = pod(objects, name)
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["seccompProfile"] == {
        "type": "RuntimeDefault"
    }
    assert not spec["automountServiceAccountToken"]
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() == {"memory"}
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


def test_the_collector_is_of_the_version_that_its_configuration_is_checked_with(objects: list[Object]) -> None:
    (version,) = re.findall(r'Version: +"([\d.]+)"', (ROOT / "ci/collector/main.go").read_text(encoding="utf-8"))
    (container,) = pod(objects, "collector")["containers"]
    assert container["image"] == f"otel/opentelemetry-collector:{version}"
    assert one(objects, "Deployment", "collector")["metadata"]["labels"]["app.kubernetes.io/version"] == version


def test_kustomize_puts_it_together() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("not applicable: no kubectl")
    done = subprocess.run(["kubectl", "kustomize", FOLDER], check=True, capture_output=True, text=True, timeout=60)
    (name,) = set(re.findall(r"name: (collector-\w{10})$", done.stdout, re.MULTILINE))
    assert done.stdout.count(f"name: {name}\n") == 2  # the map, and the volume that is made of it
    assert done.stdout.count("kind: ") == 9
    assert done.stdout.count("  namespace: hello\n") == 8


# --- the image -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Instructions with what stands behind them."""
    return check_dockerfile((FOLDER / "Dockerfile").read_text(encoding="utf-8"))


def test_the_dockerfile_copies_what_is_there(dockerfile: list[tuple[str, str]], objects: list[Object]) -> None:
    names = [name for name, _ in dockerfile]
    assert names.count("FROM") == 2 and names[0] == "ARG" and names[-1] == "CMD"
    assert {*names} <= {"ARG", "FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "EXPOSE", "CMD"}
    copied = [value.split()[0] for name, value in dockerfile if name == "COPY" and not value.startswith("--from=build")]
    assert copied == ["examples/kubernetes/requirements.txt", "examples/kubernetes/app"]
    assert all((ROOT / path).exists() for path in copied)
    values = dict(dockerfile)
    spec = pod(objects, "hello")
    (container,) = spec["containers"]
    assert values["USER"] == str(spec["securityContext"]["runAsUser"])
    assert values["EXPOSE"] == str(container["ports"][0]["containerPort"])
    assert "command" not in container and "args" not in container  # the image's
    command = json.loads(values["CMD"])
    assert int(command[command.index("--timeout-graceful-shutdown") + 1]) == 10  # as the manifests reckon


# --- the program ---------------------------------------------------------------------------------------------------

POD = {
    "metadata.name": "hello-5d4f-abcde",
    "metadata.uid": "6f2c9d0e-0000-4000-8000-000000000001",
    "metadata.namespace": "hello",
    "spec.nodeName": "node-1",
    "metadata.labels['app.kubernetes.io/version']": "1.0.0",
}


def variables(objects: list[Object]) -> dict[str, str]:
    """What the kubelet gives the container: `$(NAME)` is replaced where NAME is defined above."""
    (container,) = pod(objects, "hello")["containers"]
    found: dict[str, str] = dict(one(objects, "ConfigMap", container["envFrom"][0]["configMapRef"]["name"])["data"])
    for variable in container["env"]:
        value = variable["value"] if "value" in variable else POD[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        found[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found.get(match[1], match[0]), value)
    return found


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=FOLDER / "app", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def test_the_program_runs_as_the_manifest_says_and_ends_without_a_loss(
    objects: list[Object], dockerfile: list[tuple[str, str]]
) -> None:
    (port,) = free_ports(1)
    (container,) = pod(objects, "hello")["containers"]
    with Sink() as sink:
        environment = {
            **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
            **variables(objects),
            "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",  # nothing is sent before the end
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [*json.loads(dict(dockerfile)["CMD"]), "--host", "127.0.0.1", "--port", str(port)]
        with running(command, environment) as process:
            until = time.monotonic() + 60
            while True:
                try:
                    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                        assert get(port, container[probe]["httpGet"]["path"]) == {"status": "ok"}
                    break
                except (urllib.error.URLError, ConnectionError):
                    assert process.poll() is None and time.monotonic() < until
                    time.sleep(0.05)
            assert get(port, "/hello/world") == {"hello": "world"}
            assert sink.span_count == 0
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
        assert process.returncode in {0, -signal.SIGTERM}, said
        assert "Traceback" not in said
        (trace,) = sink.traces()  # of the probes there is none
    assert {span.name for span in trace.spans} >= {"GET /hello/{name}", "greet"}
    for span in trace.spans:
        resource = dict(span.resource_attributes)
        assert {name: value for name, value in resource.items() if not name.startswith("telemetry.")} == {
            "service.name": "hello",
            "service.version": "1.0.0",
            "service.namespace": "hello",
            "service.instance.id": POD["metadata.uid"],
            "k8s.namespace.name": "hello",
            "k8s.deployment.name": "hello",
            "k8s.pod.name": POD["metadata.name"],
            "k8s.pod.uid": POD["metadata.uid"],
            "k8s.node.name": "node-1",
            "k8s.container.name": "hello",
        }
