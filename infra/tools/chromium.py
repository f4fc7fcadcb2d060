"""Finds a Chromium for the browser tests, or gets Debian's: prints its path, or says loudly which suite is left out and why.

It must never end in silence: without a browser the line on standard error and the one in `make test`'s summary name the suite.
Runs on the system Python, so it must never import what is not in the standard library.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge")
# A page without any font is a page without text.
PACKAGES = ("chromium", "fonts-dejavu-core")
OS_RELEASE = Path("/etc/os-release")


def main(suite: str) -> None:
    """Prints the path of a Chromium; nothing if there is none and none can be had, which ends well but not in silence."""
    browser = named() or found() or installed()
    if browser:
        print(browser)
        return
    reason = f"{suite} SKIPPED: there is no Chromium on this machine and none could be installed"
    print(
        f"\nvalet: {'=' * 100}\nvalet: {reason}.\n"
        "valet: Install one (Debian: `apt install chromium fonts-dejavu-core`; others: Google Chrome or Chromium), or name one:\n"
        f"valet: `make {suite} VALET_CHROMIUM=/path/to/chrome`.\nvalet: {'=' * 100}",
        file=sys.stderr,
        flush=True,
    )
    # parts.py reads it: a summary that said "passed" would be a lie.
    if skipped := os.environ.get("VALET_SKIPPED"):
        with Path(skipped).open("a") as file:
            file.write(f"{reason}\n")


def named() -> str | None:
    """The one VALET_CHROMIUM names. If that does not run, it is a mistake and not a reason to take another."""
    path = os.environ.get("VALET_CHROMIUM")
    if path and not runs(path):
        sys.exit(f"valet: VALET_CHROMIUM is {path}, which does not run.")
    return path or None


def found() -> str | None:
    """One that is installed and runs: on some systems the name leads to a hint how to install it."""
    places = [shutil.which(name) for name in NAMES] + [f"/Applications/{name}.app/Contents/MacOS/{name}" for name in APPLICATIONS]
    return next((place for place in places if place and runs(place)), None)


def installed() -> str | None:
    """Debian's, installed now. Ubuntu's package of that name is a snap, which no container starts."""
    if not shutil.which("apt-get") or os.geteuid() != 0 or not is_debian(OS_RELEASE.read_text() if OS_RELEASE.is_file() else ""):
        return None
    print(f"Installing {' and '.join(PACKAGES)} with apt-get …", file=sys.stderr, flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            print(f"valet: apt-get {command[0]} failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}", file=sys.stderr)
    return found()


def is_debian(os_release: str) -> bool:
    """Whether apt's `chromium` is a package that holds Chromium."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    names = {word for key in ("ID", "ID_LIKE") for word in fields.get(key, "").strip('"').split()}
    return "debian" in names and "ubuntu" not in names


def runs(path: str) -> bool:
    """Whether it says its version."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and any(character.isdigit() for character in said.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
