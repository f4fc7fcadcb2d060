"""Guards the direction of dependency: functions → {http, aws, lambda, thumbnail} → core, thumbnail → {scaled-jpeg, webp}, never upward, never sideways. What runs
at a user's stands alone: valet-cli → valet-client → nothing of ours. What runs at an operator's stands on the adapters: valet-reindex → aws → core.

It reads manifests, sources and `cargo tree`, and must never build anything.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What core must do without: a cloud, a wire, a clock of its own, pixels.
FOREIGN_TO_CORE = re.compile(r"^(aws.*|lambda.*|http|hyper|tokio|image)$")
SDK = re.compile(r"^(aws-sdk-.*|aws-smithy-.*|aws-credential-types)$")
ENVIRONMENT = re.compile(r"functions/[^/]+/src/(main|config)\.rs|crates/lambda/.*|crates/cli/.*|crates/reindex/src/main\.rs")
CODECS = {"scaled-jpeg", "valet-webp"}
# What runs at a user's: of ours, each may depend on these alone, and nothing on the server's side on any of it.
CLIENT_SIDE: dict[str, set[str]] = {"valet-client": set(), "valet-cli": {"valet-client"}}
# What runs at an operator's, with rights that no function has. Nothing of ours may depend on it.
OPERATOR_SIDE: dict[str, set[str]] = {"valet-reindex": {"valet-aws", "valet-core"}}
TESTS = re.compile(r"(.*/)?(tests|benches|examples)/.*")


def check(root: Path, core_tree: Iterable[str]) -> list[str]:
    """Every breach, one sentence each. `core_tree` names the packages core brings along."""
    manifests = {
        path.parent.relative_to(root).as_posix(): tomllib.loads(path.read_text())
        for path in sorted([*root.glob("crates/*/Cargo.toml"), *root.glob("functions/*/Cargo.toml")])
    }
    return [
        *(f"valet-core depends on {name}" for name in sorted(set(core_tree)) if FOREIGN_TO_CORE.match(name)),
        *_manifests(manifests),
        *_sources(root),
    ]


def _manifests(manifests: dict[str, dict]) -> Iterable[str]:
    ours = {manifest["package"]["name"]: where for where, manifest in manifests.items()}
    for where, manifest in manifests.items():
        for name, wanted, table in _dependencies(manifest):
            # A crate's tests may want another feature of the crate itself.
            itself = name == manifest["package"]["name"] and table == "dev-dependencies"
            if not itself and not (isinstance(wanted, dict) and wanted.get("workspace") is True):
                yield f"{where}/Cargo.toml says which {name} it wants; `{name}.workspace = true` keeps one version"
            if SDK.match(name) and where != "crates/aws":
                yield f"{where}/Cargo.toml names {name}, which belongs to crates/aws alone"
            if table == "dev-dependencies":
                continue
            if where == "crates/thumbnail" and name in ours and name not in CODECS:
                yield f"crates/thumbnail depends on {name}; it knows bytes and pixels alone"
            if manifest["package"]["name"] in CODECS and name in ours:
                yield f"{where} depends on {name}; a codec is of use to others and knows nothing of us"
            who = manifest["package"]["name"]
            if who in CLIENT_SIDE and name in ours and name not in CLIENT_SIDE[who]:
                yield f"{where} depends on {name}; the client's side knows the HTTP contract alone"
                continue
            if who in OPERATOR_SIDE and name in ours and name not in OPERATOR_SIDE[who]:
                yield f"{where} depends on {name}; an operator's program knows the rules and the adapters alone"
                continue
            if name in OPERATOR_SIDE:
                yield f"{where} depends on {name}, which is an operator's program"
            if who not in CLIENT_SIDE and name in CLIENT_SIDE:
                yield f"{where} depends on {name}, which belongs to the client's side"
            if where == "crates/core" and name in ours:
                yield f"crates/core depends on {name}, which lies above it"
            if ours.get(name, "").startswith("functions/"):
                yield f"{where} depends on the function {name}"


def _dependencies(manifest: dict) -> Iterable[tuple[str, object, str]]:
    for part in [manifest, *manifest.get("target", {}).values()]:
        for table in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, wanted in part.get(table, {}).items():
                yield name, wanted, table


def _sources(root: Path) -> Iterable[str]:
    for path in sorted([*root.glob("crates/**/*.rs"), *root.glob("functions/**/*.rs")]):
        where = path.relative_to(root).as_posix()
        code = "\n".join(line.split("//", 1)[0] for line in path.read_text().splitlines())
        if "aws_sdk_" in code and not where.startswith("crates/aws/"):
            yield f"{where} speaks to an SDK; only crates/aws does"
        if "lambda_http" in code and not where.startswith(("crates/http/", "functions/")):
            yield f"{where} uses lambda_http; only crates/http and the functions do"
        if re.search(r"\bstd::env\b|\benv::vars?(_os)?\(", code) and not (ENVIRONMENT.fullmatch(where) or TESTS.fullmatch(where)):
            yield f"{where} reads the environment; only a function's main.rs and config.rs, crates/lambda, crates/cli and the main.rs of crates/reindex do"


def core_tree(root: Path) -> list[str]:
    """The names of all packages core is built from."""
    command = ["cargo", "tree", "--package", "valet-core", "--edges", "normal", "--prefix", "none", "--format", "{p}"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"valet: cargo tree failed: {done.stderr.strip().splitlines()[-1]}")
    return [line.split()[0] for line in done.stdout.splitlines() if line]


def main() -> None:
    """Prints the breaches and fails if there are any."""
    breaches = check(ROOT, core_tree(ROOT))
    for breach in breaches:
        print(breach, file=sys.stderr)
    if breaches:
        sys.exit(1)
    print("Every dependency points downwards.")


if __name__ == "__main__":
    main()
