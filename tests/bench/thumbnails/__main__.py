"""`make bench-thumbnails`: our thumbnails, sharp's and Pillow's of the same inputs, side by side.

CPU time is the kernel's per-process clock, user and system, of one long-lived process for each; peak memory is that of a
fresh process for each input. It must never be a test: figures depend on the machine and on what else it does.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from infra.local import sorry
from infra.local.sorry import Sorry
from tests.bench.thumbnails import bounds, inputs, race, tables
from tests.bench.thumbnails.processes import Contestant, Process, Refused

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
SHARP = ROOT / ".tools" / "sharp"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = ROOT / "target" / "bench-thumbnails"
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
READABLE = {".jpg", ".jpeg", ".png", ".webp", ".gif"}

SMALL = "small:200x200:fit:jpeg:85"
SET = f"large:1600x1600:fit:jpeg:85,medium:800x800:fit:jpeg:85,{SMALL}"


def ours() -> Contestant:
    """This project, built as it is deployed."""
    return Contestant("ours", (str(TARGET / "bench-thumbnails" / "build" / "release" / "examples" / "thumbnails"),))


def pillow() -> Contestant:
    """Pillow with draft mode, a reducing gap of two and Lanczos."""
    return Contestant("Pillow", (sys.executable, "-I", str(HERE / "pillow_worker.py")))


def sharp(name: str, threads: int = 1, way: str = "pipelines") -> Contestant:
    """sharp in one of its settings."""
    return Contestant(name, ("node", str(HERE / "sharp_worker.mjs"), str(SHARP), str(threads)), way)


def measured(paths: list[Path], options: argparse.Namespace) -> tuple[str, list[bounds.Verdict]]:
    """Everything about these inputs, as Markdown and as verdicts."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    in_small = [ours(), sharp("sharp, 1 thread"), sharp(f"sharp, {cores} threads", cores), pillow()]
    laps = race.run(paths, in_small, SMALL, options.rounds, WORK / "made" / "200", say)
    peaks = {}
    for contestant in (ours(), sharp("sharp"), pillow()):
        for path in paths:
            say(f"memory of {contestant.name}: {path.name}")
            peak = race.peak_mb(contestant, path, SMALL)
            if peak:
                peaks[path, contestant.name] = peak
    idle = {contestant.name: race.idle_mb(contestant) for contestant in (ours(), sharp("sharp"), pillow())}
    say("likeness")
    names = {"ours": ("ours",), "sharp": tuple(c.name for c in in_small[1:3]), "Pillow": ("Pillow",)}
    small = race.rows(paths, laps, names, SMALL, peaks)
    in_sets = [ours(), sharp("pipelines"), sharp("clones", way="clones"), sharp("cascade", way="cascade"), pillow()]
    sets = []
    if options.set_rounds:
        of_set = race.run(paths, in_sets, SET, options.set_rounds, WORK / "made" / "set", say)
        say("likeness")
        names = {"ours": ("ours",), "sharp": ("pipelines", "clones"), "sharp, cascaded by hand": ("cascade",), "Pillow": ("Pillow",)}
        sets = race.rows(paths, of_set, names, SET, {})
    verdicts = list(bounds.verdicts(small, sets))
    parts = [
        machine(options, load),
        tables.bounds(verdicts),
        "### 200 pixels, JPEG q85\n\nBest round, median in brackets; peak memory of a fresh process, the file included.\n\n" + tables.cpu(small, idle),
        "SSIM against the reference:\n\n" + tables.output(small),
        "### By class\n\n" + tables.classes(small, sets),
    ]
    if sets:
        parts.append("### 1600 + 800 + 200 pixels of one input\n\n" + tables.sets(sets))
    refused = [f"- {path.name}: {name}: {why}" for (path, name), why in laps.refused.items()]
    if refused:
        parts.append("Refused:\n\n" + "\n".join(refused))
    parts.append(arrived(paths))
    return "\n\n".join(parts), verdicts


def machine(options: argparse.Namespace, load: float) -> str:
    """When and where."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    return (
        f"{date.today()}, {os.cpu_count()} cores ({model}), load average {load:.1f} before; {options.rounds} rounds at 200 px, "
        f"{options.set_rounds} of the set; {versions()}."
    )


def versions() -> str:
    """The peers' versions."""
    from PIL import __version__, features

    libraries = json.loads(subprocess.run(["node", "-p", "JSON.stringify(require('sharp').versions)"], cwd=SHARP, capture_output=True, text=True, check=True).stdout)
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"sharp {libraries['sharp']} (libvips {libraries['vips']}, Node {node}), Pillow {__version__} (libjpeg-turbo {features.version('libjpeg_turbo')})"


def arrived(paths: list[Path]) -> str:
    """What must be downloaded of the progressive inputs."""
    found = []
    with Process(ours()) as process:
        for path in paths:
            if race.described(path)[0] == "progressive":
                try:
                    process.ask("read", path.absolute())
                    found.append((path.name, path.stat().st_size, int(process.ask("arrive", SMALL))))
                except Refused as refused:
                    say(f"{path.name}: {refused}")
    return "### Bytes needed of a progressive JPEG\n\nPushed in chunks of 64 KiB until nothing further is needed for 200 pixels.\n\n" + tables.arrivals(found)


def say(text: str) -> None:
    """Tells on standard error what goes on."""
    print(f"valet: {text}", file=sys.stderr, flush=True)


def chosen(options: argparse.Namespace) -> list[Path]:
    """The inputs: a folder's, or our own."""
    if options.images is None:
        paths = inputs.make_all(WORK / "inputs", say)
    elif options.images.is_dir():
        paths = sorted(path for path in options.images.iterdir() if path.suffix.lower() in READABLE)
    else:
        raise Sorry(f"{options.images} is not a folder.")
    paths = [path for path in paths if options.only in path.name]
    if not paths:
        raise Sorry("there is no image to measure with.")
    return paths


def main() -> None:
    """Measures, prints, and with `--check` ends with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(prog="make bench-thumbnails")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="measure with the images in this folder")
    parser.add_argument("--only", default="", metavar="TEXT", help="only inputs with this in their name")
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds at 200 px (7)")
    parser.add_argument("--set-rounds", type=int, default=5, help="measured rounds of 1600 + 800 + 200; 0 leaves them out (5)")
    parser.add_argument("--report", choices=["bytes"], help="only what must be downloaded of progressive inputs")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    parser.add_argument("--check", action="store_true", help="end with 1 if a bound is missed")
    options = parser.parse_args()
    if sys.platform != "linux":
        raise Sorry("the benchmark reads Linux's process clocks and runs nowhere else.")
    if options.rounds < 1:
        raise Sorry("at least one round is needed.")
    if options.write and (options.images or options.only):
        raise Sorry("docs/PERFORMANCE.md is for all of the benchmark's own inputs.")
    if not shutil.which("node"):
        raise Sorry("sharp needs Node 20.9 or newer.")
    paths = chosen(options)
    if options.report:
        print(arrived(paths))
        return
    shutil.rmtree(WORK / "made", ignore_errors=True)
    text, verdicts = measured(paths, options)
    print(text)
    if options.write:
        tables.write(DOCUMENT, text)
    missed = [verdict for verdict in verdicts if not verdict.is_held]
    if options.check and missed:
        raise Sorry("missed: " + "; ".join(f"{verdict.text}: {verdict.measured:.3g}, bound {verdict.bound:g}" for verdict in missed))


if __name__ == "__main__":
    sorry.run(main)
