"""Where there is little: a file system that cannot be written to, and 128 MiB of memory."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.sink import Fault, Sink
from tests.books import total
from tests.integration.processes.programs import HOUR, INSTALLED, finish, run, start

MEMORY = 128 << 20

READ_ONLY = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,ro,bind /
for place in /tmp /dev/shm /var /root /home; do
    if mountpoint -q "$place"; then mount -o remount,ro,bind "$place"; fi
done
shift
exec "$@"
"""


def _may_unshare() -> bool:
    command = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount --make-rprivate / && mount --bind /usr /usr && mount -o remount,ro,bind /",
    ]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def test_nothing_is_written_to_a_read_only_file_system(tmp_path: Path) -> None:
    if not _may_unshare():
        pytest.skip("not applicable: mounting is not permitted here")
    program = f"""
{INSTALLED}
for place in ("/", "/tmp", "/dev/shm", os.path.expanduser("~")):
    try:
        open(os.path.join(place, "written"), "w")
    except OSError:
        pass
    else:
        raise AssertionError(place)
make(tracer, 100)
if os.fork() == 0:
    make(tracer, 100)
    sys.exit(0)
os.wait()
"""
    command = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(tmp_path), sys.executable, "-c", program]
    with Sink() as sink:
        ended = run(command, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        ended.check(sink)
        assert sink.span_count == 200
    assert ended.errors == ""


LITTLE = f"""
import resource
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))
{INSTALLED}
SPANS = int(os.environ["SPANS"])
text = "x" * 1000
for number in range(SPANS // 100):
    make(tracer, 100, text=text, number=number)
print("made", flush=True)
sys.stdin.readline()
assert installation.force_flush(30_000)
with open("/proc/self/status") as status:
    kib = {{line.split(":")[0]: int(line.split()[1]) for line in status if line.endswith("kB\\n")}}
print((kib["VmHWM"] - kib["RssFile"]) * 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "spans"),
    [
        (Fault(delay=60), 150_000),
        (Fault(status=503), 150_000),
        pytest.param(Fault(disconnect="reset"), 1_000_000, marks=pytest.mark.full),
    ],
    ids=["hangs", "is unavailable", "resets"],
)
def test_far_more_spans_than_fit_into_128_mib_while_the_backend_is_dead(
    trouble: Fault, spans: int, tmp_path: Path
) -> None:
    """The limit is on memory that is written to (RLIMIT_DATA); what was resident of it must stay below too."""
    with Sink() as sink:
        sink.inject(trouble, times=None)
        process = start(LITTLE, tmp_path, sink.http_endpoint, SPANS=str(spans), OTEL_EXPORTER_OTLP_TIMEOUT="2")
        assert process.stdout is not None
        said = process.stdout.readline()
        sink.clear_faults()
        ended = finish(process, tmp_path)
        assert said == "made\n", ended.errors
        ended.check(sink)
    assert int(ended.output) < MEMORY
    assert total(ended.accounts, "accepted") == spans
    (account,) = ended.accounts[0].values()
    assert account["dropped"]["queue_full"] > spans // 3
    assert account["exported"] > 10_000, "the newest are kept until the backend is back"
