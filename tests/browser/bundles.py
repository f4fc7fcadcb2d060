"""Every major of Uppy as it is published, bundled for the browser by esbuild. Nothing of Uppy may be changed on the way.

Kept beside the packages and made again when the packages or this file change.
"""

import hashlib
import platform
import subprocess
from pathlib import Path

from infra.local.places import ROOT, TOOLS
from infra.local.sorry import Sorry

PACKAGES = TOOLS / "browser-packages"
LOCK = ROOT / "infra" / "tools" / "requirements" / "browser-packages" / "package-lock.json"
# Those whose package for resuming after a reload is tried as well.
MAJORS = {3: False, 4: False, 5: True, 6: True}


def uppy(major: int) -> Path:
    """The module with `Uppy`, `AwsS3` and, from 5 on, `GoldenRetriever`."""
    entry = f'export {{ default as Uppy }} from "@uppy/core";\nexport {{ default as AwsS3 }} from "uppy-{major}-aws-s3";\n'
    if MAJORS[major]:
        entry += f'export {{ default as GoldenRetriever }} from "uppy-{major}-golden-retriever";\n'
    # Four majors side by side have four cores: each plugin gets its own.
    options = ["--bundle", "--format=esm", f"--alias:@uppy/core=uppy-{major}-core", '--define:process.env.NODE_ENV="production"']
    made_from = "\n".join([entry, *options, LOCK.read_text()])
    bundle = PACKAGES / "bundles" / f"uppy-{major}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}.js"
    if not bundle.is_file():
        bundle.parent.mkdir(exist_ok=True)
        command = [_esbuild(), *options, "--log-level=warning", f"--outfile={bundle}"]
        done = subprocess.run(command, input=entry, cwd=PACKAGES, capture_output=True, text=True)
        if done.returncode != 0:
            raise Sorry(f"esbuild could not bundle Uppy {major}: {done.stderr.strip()}")
    return bundle


def axe() -> Path:
    """The script that checks a page's accessibility."""
    return PACKAGES / "node_modules" / "axe-core" / "axe.min.js"


def _esbuild() -> Path:
    """The binary itself: its launcher would want Node."""
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x64"
    return PACKAGES / "node_modules" / "@esbuild" / f"{platform.system().lower()}-{machine}" / "bin" / "esbuild"
