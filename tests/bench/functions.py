"""`make bench-functions`: what a function's start and its calls cost, measured from outside on the binaries as they are deployed.

CPU time is the kernel's per-process clock, user and system, in nanoseconds; the Runtime API, S3 and DynamoDB are other
processes. It must never be a test: figures depend on the machine and on what else it does.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local import sorry
from infra.local.sorry import Sorry
from tests.bench import certificates, fake_aws
from tests.bench.runtime_api import Failed, RuntimeApi

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ROOT / "target" / "lambda"
EVENTS = ROOT / "events"
FAKE_AWS = Path(__file__).with_name("fake_aws.py")

# The bounds that `--check` holds medians to.
INIT_MS = 5.0
ISSUE_MS = 0.8
# The URLs of 10,000 parts, in 20 calls, take less than a second.
SIGNED_AT_ONCE = 500
SIGN_MS = 1000 / (fake_aws.PARTS / SIGNED_AT_ONCE)
ZIP_BYTES = 5_000_000

ASLEEP_SECONDS = 0.1

SETTINGS = {
    "SERVICE": "valet-example",
    "BUCKET": "valet-example",
    "BUCKET_OWNER": "123456789012",
    "TABLE": "valet-uploads",
    "CDN_URL": "https://d111111abcdef8.cloudfront.net",
    "ACCEPTED_TYPES": "image/jpeg=50MiB,image/png=50MiB,image/webp=50MiB,image/gif=50MiB,image/avif=50MiB,"
    "video/mp4=5GiB,video/webm=5GiB,video/quicktime=5GiB,application/pdf=200MiB",
    "URL_LIFETIME_SECONDS": "900",
    "GRANT_LIFETIME_SECONDS": "3600",
    "MULTIPART_LIFETIME_SECONDS": "259200",
    "OWNER_MAX_FILES": "10000",
    "OWNER_MAX_BYTES": "100GiB",
    "OWNER_MAX_PENDING": "100",
    "OWNER_GRANTS_PER_MINUTE": "600",
    "MALWARE_SCAN": "false",
    "THUMBNAIL_VARIANTS": "small:200x200:fit:jpeg:85",
    "MAX_MEGAPIXELS": "50",
}


@dataclass(frozen=True)
class Call:
    """An event that is sent again and again, and the status it is answered with. `parts` are asked for in the place of the event's own."""

    name: str
    file: str
    status: int
    without_header: str | None = None
    bound_ms: float | None = None
    parts: range | None = None

    def event(self) -> bytes:
        """The event as Lambda sends it."""
        event = json.loads((EVENTS / self.file).read_text())
        event["headers"].pop(self.without_header, None)
        if self.parts:
            event = json.loads(json.dumps(event).replace(fake_aws.UPLOAD, fake_aws.UPLOAD_IN_PARTS))
            event["body"] = json.dumps({"parts": [{"partNumber": number} for number in self.parts]})
        return json.dumps(event, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Function:
    """A function, what it is called with, and the memory the template gives it. The first call is also measured cold."""

    name: str
    memory_mb: int
    init_bound_ms: float | None
    calls: tuple[Call, ...]


FUNCTIONS = (
    Function(
        "issue-upload",
        256,
        INIT_MS,
        (
            Call("issue", "issue-upload.json", 201, without_header="idempotency-key", bound_ms=ISSUE_MS),
            Call("issue with a key", "issue-upload.json", 201, bound_ms=ISSUE_MS),
            Call(
                f"sign {SIGNED_AT_ONCE} parts",
                "sign-parts.json",
                200,
                bound_ms=SIGN_MS,
                # The last ones, whose numbers are the longest.
                parts=range(fake_aws.PARTS - SIGNED_AT_ONCE + 1, fake_aws.PARTS + 1),
            ),
            Call("limits", "limits.json", 200),
        ),
    ),
    Function("confirm-upload", 256, INIT_MS, (Call("confirm", "confirm-upload.json", 200),)),
    Function("generate-thumbnails", 1769, None, ()),
)


@dataclass(frozen=True)
class Row:
    """One measure of one function."""

    function: str
    measure: str
    endpoint: str
    unit: str
    values: list[float]
    bound: float | None = None

    @property
    def median(self) -> float:
        """What the bound holds."""
        return statistics.median(self.values)

    def json(self) -> dict:
        """For machines."""
        return {
            "function": self.function,
            "measure": self.measure,
            "endpoint": self.endpoint,
            "unit": self.unit,
            "samples": len(self.values),
            "min": min(self.values),
            "median": self.median,
            "mean": statistics.fmean(self.values),
            "max": max(self.values),
            "bound": self.bound,
        }


@dataclass(frozen=True)
class Endpoint:
    """Where the functions find AWS."""

    name: str
    environment: dict[str, str]


class Process:
    """A running function that has asked for its first event."""

    def __init__(self, function: Function, binary: Path, endpoint: Endpoint) -> None:
        self.function = function
        self._api = RuntimeApi()
        self._log = tempfile.TemporaryFile()
        environment = _environment(function, self._api.address) | endpoint.environment
        began = time.perf_counter()
        # Python opens its descriptors close-on-exec. Asked to close them as well it would fork instead of posix_spawn.
        self._process = subprocess.Popen(
            [str(binary)], env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, close_fds=False
        )
        try:
            with self._excused():
                self.init_wall_ms = (self._api.wait_for_next(self._process) - began) * 1e3
            self.init_cpu_ms = self.cpu_ms()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def cpu_ms(self) -> float:
        """The CPU time of all its threads so far, once it has gone to sleep."""
        deadline = time.monotonic() + ASLEEP_SECONDS
        while _state(self._process.pid) == "R" and time.monotonic() < deadline:
            pass
        return _cpu_ms(self._process.pid)

    def peak_mb(self) -> float:
        """The most memory it has had resident, in MB of 10^6 bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    def call_ms(self, call: Call, event: bytes) -> float:
        """The CPU time of one call, from its event to its request for the next."""
        before = _cpu_ms(self._process.pid)
        with self._excused():
            answer = json.loads(self._api.invoke(self._process, event))
        if answer.get("statusCode") != call.status:
            raise Sorry(f"{call.name} was answered with {answer.get('statusCode')} and not {call.status}: {answer.get('body')}")
        return self.cpu_ms() - before

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        self._api.close()
        self._log.close()

    @contextlib.contextmanager
    def _excused(self) -> Iterator[None]:
        try:
            yield
        except Failed as failed:
            self._log.seek(0)
            lines = self._log.read().decode(errors="replace").strip().splitlines()
            raise Sorry(f"{self.function.name}: {failed}; its last words: {lines[-1][:300] if lines else 'none'}") from None


def _environment(function: Function, runtime_api: str) -> dict[str, str]:
    """What Lambda and the template set."""
    return SETTINGS | {
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "example/example/example/example/example0",
        # As long as Lambda's.
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjE" + "x" * 1000,
        "_HANDLER": "bootstrap",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    }


def _state(pid: int) -> str:
    """R while it runs, S while it sleeps."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def _cpu_ms(pid: int) -> float:
    """What clock_getcpuclockid(3) would read: user and system time of every thread there was."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e6


def floor_ms() -> float:
    """The CPU time of a process that does nothing, from exec to exit."""
    process = subprocess.Popen(["/bin/true"], close_fds=False)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    cpu = _cpu_ms(process.pid)
    process.wait()
    return cpu


@contextlib.contextmanager
def endpoints(folder: Path, *, is_plain: bool) -> Iterator[list[Endpoint]]:
    """The fake AWS over HTTPS by name, as in production, and over HTTP by address, which leaves TLS and the resolver out."""
    with contextlib.ExitStack() as running:
        found = []
        if not is_plain:
            root, server = certificates.make(folder)
            port = running.enter_context(_fake_aws("--certificate", str(server)))
            found.append(Endpoint("https", {"AWS_ENDPOINT_URL": f"https://localhost:{port}", "AWS_CA_BUNDLE": str(root)}))
        port = running.enter_context(_fake_aws())
        found.append(Endpoint("http", {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}))
        yield found


@contextlib.contextmanager
def _fake_aws(*options: str) -> Iterator[int]:
    command = [sys.executable, "-I", str(FAKE_AWS), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.stdin.close()


def measure(function: Function, binary: Path, endpoint: Endpoint, starts: int, calls: int, warm_ups: int) -> Iterator[Row]:
    """Every row of a function against one endpoint."""

    def row(measure: str, unit: str, values: list[float], bound: float | None = None) -> Row:
        return Row(function.name, measure, endpoint.name, unit, values, bound)

    # The first start brings the file into memory.
    Process(function, binary, endpoint).stop()
    init, wall, peak, first, second = [], [], [], [], []
    for _ in range(starts):
        with Process(function, binary, endpoint) as process:
            init.append(process.init_cpu_ms)
            wall.append(process.init_wall_ms)
            peak.append(process.peak_mb())
            for call in function.calls[:1]:
                event = call.event()
                first.append(process.call_ms(call, event))
                second.append(process.call_ms(call, event))
    yield row("init CPU", "ms", init, function.init_bound_ms)
    yield row("init wall", "ms", wall)
    yield row("init peak memory", "MB", peak)
    for call in function.calls[:1]:
        yield row(f"first {call.name} CPU", "ms", first)
        yield row(f"second {call.name} CPU", "ms", second)
    for call in function.calls:
        with Process(function, binary, endpoint) as process:
            event = call.event()
            for _ in range(warm_ups):
                process.call_ms(call, event)
            warm = [process.call_ms(call, event) for _ in range(calls)]
            yield row(f"warm {call.name} CPU", "ms", warm, call.bound_ms)
            yield row(f"warm {call.name} peak memory", "MB", [process.peak_mb()])


def find_binary(function: Function, given: dict[str, Path], folder: Path) -> tuple[Path, int | None]:
    """The binary to measure, and the size of its zip where it comes from one."""
    if function.name in given:
        return given[function.name], None
    package = PACKAGED / function.name / "bootstrap.zip"
    if not package.is_file():
        raise Sorry(f"{package.relative_to(ROOT)} is missing; `make build-release` makes it.")
    target = folder / function.name
    with zipfile.ZipFile(package) as files:
        target.write_bytes(files.read("bootstrap"))
    target.chmod(0o755)
    return target, package.stat().st_size


def given_binary(text: str) -> tuple[str, Path]:
    """A `--binary`."""
    name, _, path = text.partition("=")
    if name not in {function.name for function in FUNCTIONS}:
        raise argparse.ArgumentTypeError(f"`{name}` is not one of the functions")
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"`{path}` is not an executable file")
    return name, Path(path).resolve()


def table(rows: list[Row]) -> str:
    """For people. Medians are what the bounds hold."""
    lines = [f"{'function':<20} {'measure':<38} {'endpoint':<8} {'n':>4} {'min':>8} {'median':>8} {'mean':>8} {'max':>8}  bound"]
    for row in rows:
        figures = (min(row.values), row.median, statistics.fmean(row.values), max(row.values))
        bound = f"  {row.bound:g} {'held' if row.median < row.bound else 'MISSED'}" if row.bound else ""
        lines.append(
            f"{row.function:<20} {row.measure + ', ' + row.unit:<38} {row.endpoint:<8} {len(row.values):>4} "
            + " ".join(f"{figure:>8.3f}" for figure in figures)
            + bound
        )
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, and with `--check` ends with 1 if a median misses its bound."""
    parser = argparse.ArgumentParser(prog="make bench-functions")
    parser.add_argument("--binary", action="append", default=[], type=given_binary, metavar="NAME=PATH", help="measure this binary, not the packaged one")
    parser.add_argument("--only", choices=[function.name for function in FUNCTIONS], help="measure one function")
    parser.add_argument("--starts", type=int, default=30, help="fresh processes a function (30)")
    parser.add_argument("--calls", type=int, default=500, help="measured warm calls (500)")
    parser.add_argument("--warm-ups", type=int, default=50, help="calls before them (50)")
    parser.add_argument("--plain", action="store_true", help="leave HTTPS out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="end with 1 if a median misses its bound")
    options = parser.parse_args()
    if sys.platform != "linux":
        raise Sorry("the benchmark reads Linux's process clocks and runs nowhere else.")
    rows = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="valet-bench-") as name, endpoints(Path(name), is_plain=options.plain) as found:
        rows.append(Row("/bin/true", "exec to exit CPU", "", "ms", [floor_ms() for _ in range(options.starts)]))
        for function in FUNCTIONS:
            if options.only in (None, function.name):
                binary, zipped = find_binary(function, dict(options.binary), Path(name))
                if zipped:
                    rows.append(Row(function.name, "zip", "", "MB", [zipped / 1e6], ZIP_BYTES / 1e6))
                rows.append(Row(function.name, "binary", "", "MB", [binary.stat().st_size / 1e6]))
                for endpoint in found:
                    rows.extend(measure(function, binary, endpoint, options.starts, options.calls, options.warm_ups))
    if options.json:
        machine = {"system": platform.platform(), "cores": os.cpu_count(), "load": load}
        print(json.dumps({"machine": machine, "rows": [row.json() for row in rows]}, indent=1))
    else:
        print(table(rows))
        print(f"{os.cpu_count()} cores, load average {load:.2f} before; other work on the machine makes every figure larger")
    missed = [row for row in rows if row.bound and row.median >= row.bound]
    if options.check and missed:
        raise Sorry("missed: " + "; ".join(f"{row.function} {row.measure} {row.endpoint} {row.median:.3f} {row.unit}, bound {row.bound:g}" for row in missed))


if __name__ == "__main__":
    sorry.run(main)
