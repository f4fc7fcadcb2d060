"""Makes a release: the template with its functions already built, so that `sam deploy` alone installs it.

    release.py arm64            builds the functions and packs target/release-artifacts/valet-<version>-arm64.tar.gz, its SHA-256 beside it
    release.py arm64 --twice    does it in two fresh copies of what is committed, in folders of different names, and compares the bytes

The archive holds the templates, one zip a function, the runbook with its script, the bill of materials, licences and a README. No clock, no user, no folder's name and no order of a directory gets
in. It must never change what the template deploys but for where the code comes from, and checks that it has not.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

from infra.tools import sbom, transform

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
# What cargo-lambda builds for: Graviton2, and the oldest Intel processor that Lambda runs on.
PROCESSORS = {"arm64": "neoverse-n1", "x86_64": "haswell"}
# The first day a zip can name.
EPOCH = (1980, 1, 1, 0, 0, 0)
EPOCH_SECONDS = 315532800
AS_THEY_ARE = [
    "infra/delivery.yaml",
    "infra/edge.yaml",
    "infra/malware.yaml",
    "infra/monitoring.yaml",
    "infra/sign-in.yaml",
    # What whoever is called needs: the runbook and its one script.
    "docs/OPERATIONS.md",
    "infra/tools/redrive.py",
    "samconfig.toml",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
]

README = """# Valet {version} for {architecture}

The functions are built; what is left is

    sam deploy --guided --config-env dev

with the SAM CLI and AWS credentials; nothing is built. It asks for the parameters, keeps the answers in `samconfig.toml`, and makes the stack. Answer yes to the creation
of IAM roles, and leave `LocalEngine` `false`. Keep this folder: a later change is `sam deploy --config-env dev` in it.

`docs/OPERATIONS.md` says what every alarm means and how to change a parameter or go back to another version; its script, `infra/tools/redrive.py`, needs Python 3.11
or newer and boto3. `valet.cdx.json` lists what is in the binaries (CycloneDX). The source, and the documents that this one names: see the repository.
"""


class NotReleasable(Exception):
    """The text says in one sentence what is missing or has changed."""


def main() -> None:
    """Builds and packs one architecture."""
    parser = argparse.ArgumentParser(prog="release.py", description=main.__doc__)
    parser.add_argument("architecture", choices=sorted(ARCHITECTURES))
    parser.add_argument("--twice", action="store_true", help="build what is committed in two folders and compare")
    options = parser.parse_args()
    if options.twice:
        compare(options.architecture)
        return
    build(ROOT, ROOT / "target", options.architecture)
    bill = ROOT / "target" / "valet.cdx.json"
    sbom.main(ARCHITECTURES[options.architecture], bill)
    print(pack(options.architecture, ROOT / "target" / "lambda", bill, ROOT / "target" / "release-artifacts"))


def build(tree: Path, target: Path, architecture: str) -> None:
    """The functions of a tree, each as `target/lambda/NAME/bootstrap`, without a folder's name in them."""
    cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    flags = [f"--remap-path-prefix={tree}=/valet", f"--remap-path-prefix={cargo_home}=/cargo"]
    # cargo-lambda sets it by itself, but not where there are flags.
    flags.append(f"-Ctarget-cpu={PROCESSORS[architecture]}")
    environment = os.environ | {
        "PATH": f"{ROOT / '.tools' / 'lambda' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RUSTFLAGS": " ".join(flags),
        "CFLAGS": f"-ffile-prefix-map={cargo_home}=/cargo",
        "CARGO_TARGET_DIR": str(target),
        "CARGO_INCREMENTAL": "0",
    }
    wanted = [part for name in functions(tree / "template.yaml") for part in ("--bin", name)]
    shortcut = f"--{architecture.replace('_', '-')}"
    command = ["cargo", "lambda", "build", "--release", "--locked", "--output-format", "binary", "--skip-target-check", shortcut, *wanted]
    if subprocess.run([*command, "--lambda-dir", str(target / "lambda")], cwd=tree, env=environment).returncode != 0:
        raise NotReleasable("the functions do not build; cargo says why above.")


def compare(architecture: str) -> None:
    """Builds twice from nothing, and says whether the binaries are the same."""
    digests = []
    for name in ("first", "the-second-of-two"):
        with tempfile.TemporaryDirectory(prefix="valet-release-") as folder:
            tree = Path(folder) / name
            tree.mkdir()
            committed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
            with tarfile.open(fileobj=io.BytesIO(committed)) as archive:
                archive.extractall(tree, filter="data")
            build(tree, tree / "target", architecture)
            digests.append(
                {each: hashlib.sha256(_read(tree / "target" / "lambda" / each / "bootstrap")).hexdigest() for each in functions(tree / "template.yaml")}
            )
    differing = [name for name, digest in digests[0].items() if digests[1][name] != digest]
    for name, digest in digests[0].items():
        print(f"{name:<22} {digest}  {'DIFFERS' if name in differing else 'the same twice'}")
    if differing:
        raise NotReleasable(f"two builds of the same commit differ: {', '.join(differing)}")


def pack(architecture: str, binaries: Path, bill: Path, out: Path) -> Path:
    """The archive; its checksum lies beside it, as `sha256sum --check` reads it."""
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    template = prebuilt((ROOT / "template.yaml").read_text(), architecture)
    files = {
        "template.yaml": template.encode(),
        "README.md": README.format(version=version, architecture=architecture).encode(),
        "valet.cdx.json": _read(bill),
    }
    files |= {name: (ROOT / name).read_bytes() for name in AS_THEY_ARE}
    for name in functions(ROOT / "template.yaml"):
        files[f"functions/{name}.zip"] = zipped(_read(binaries / name / "bootstrap"))
    folder = f"valet-{version}-{architecture}"
    archive = _tar(folder, files)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{folder}.tar.gz"
    path.write_bytes(archive)
    # Also beside it, for who only wants to know what is inside.
    (out / f"{folder}.cdx.json").write_bytes(files["valet.cdx.json"])
    path.with_name(path.name + ".sha256").write_text(f"{hashlib.sha256(archive).hexdigest()}  {path.name}\n")
    return path


def functions(template: Path) -> list[str]:
    """The binaries that a template deploys."""
    resources = transform.load(template)["Resources"].values()
    return sorted(each["Metadata"]["BuildProperties"]["Binary"] for each in resources if each["Type"] == "AWS::Serverless::Function")


def prebuilt(text: str, architecture: str) -> str:
    """The template with built code instead of how to build it, its comments kept."""
    changed, count = re.subn(
        r"^    Metadata:\n      BuildMethod: rust-cargolambda\n      BuildProperties:\n        Binary: (\S+)\n    Properties:\n",
        r"    Properties:\n      CodeUri: functions/\1.zip\n",
        text,
        flags=re.MULTILINE,
    )
    changed = re.sub(r"^    # The workspace root: .*\n    CodeUri: \.\n", "", changed, flags=re.MULTILINE)
    changed = re.sub(
        r"^    Default: \S+\n    AllowedValues: \[arm64, x86_64\]$",
        f"    Default: {architecture}\n    AllowedValues: [{architecture}]",
        changed,
        flags=re.MULTILINE,
    )
    before, after = transform.parse(text), transform.parse(changed)
    if count == 0 or _deployed(before, architecture) != after:
        raise NotReleasable("template.yaml has changed its layout, and this tool does not find where the functions' code is named.")
    return changed


def _deployed(template: dict, architecture: str) -> dict:
    """What the released template must say, made from the parsed one and not from its text."""
    wanted = copy.deepcopy(template)
    del wanted["Globals"]["Function"]["CodeUri"]
    wanted["Parameters"]["Architecture"] |= {"Default": architecture, "AllowedValues": [architecture]}
    for resource in wanted["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = resource.pop("Metadata")["BuildProperties"]["Binary"]
            resource["Properties"]["CodeUri"] = f"functions/{binary}.zip"
    return wanted


def zipped(binary: bytes) -> bytes:
    """A deployment package of one binary."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        entry = zipfile.ZipInfo("bootstrap", EPOCH)
        entry.create_system = 3
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(entry, binary, compresslevel=9)
    return archive.getvalue()


def _tar(folder: str, files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    # The zips are compressed already; a gzip header would name the time.
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as zipped_file:
        with tarfile.open(fileobj=zipped_file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in sorted(files.items()):
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size, entry.mtime, entry.mode = len(content), EPOCH_SECONDS, 0o644
                archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise NotReleasable(f"{path} is missing; `make release` builds it.")
    return path.read_bytes()


if __name__ == "__main__":
    try:
        main()
    except (NotReleasable, sbom.Unknown) as problem:
        sys.exit(f"valet: {problem}")
