"""Builds the functions with plain cargo, in the profile `make test` uses too. It must never build anything else."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from infra.local.places import FUNCTIONS, ROOT
from infra.local.sorry import Sorry


def build() -> dict[str, Path]:
    """Shows cargo's output and returns the binary of each function."""
    if shutil.which("cargo") is None:
        raise Sorry("cargo is missing; https://rustup.rs installs Rust.")
    # By --bin from the root: -p would unify features differently and compile shared dependencies again.
    wanted = [part for name in FUNCTIONS for part in ("--bin", name)]
    # A group of its own, so that an interrupted build ends with all its compilers.
    cargo = subprocess.Popen(["cargo", "build", *wanted], cwd=ROOT, stdin=subprocess.DEVNULL, process_group=0)
    try:
        status = cargo.wait()
    except BaseException:
        os.killpg(cargo.pid, signal.SIGTERM)
        cargo.wait()
        raise
    if status != 0:
        raise Sorry("the functions do not build; cargo says why above.")
    return binaries()


def binaries() -> dict[str, Path]:
    """The debug binaries as they lie there now."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = {name: ROOT / folder / "debug" / name for name in FUNCTIONS}
    for path in found.values():
        if not path.is_file():
            raise Sorry(f"{path} is missing; `cargo build` makes it.")
    return found
