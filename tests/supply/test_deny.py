"""cargo-deny lets the workspace pass, and each of its rules refuses what it is there for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DENY = ROOT / ".tools" / "deny" / "bin" / "cargo-deny"
CHECKS = ["bans", "licenses", "sources"]


def deny(manifest: Path, *checks: str, offline: bool = True) -> subprocess.CompletedProcess[str]:
    # The advisories need a database that a test may not fetch; the workflow checks them every day.
    command = [DENY, *(["--offline"] if offline else []), "--config", ROOT / "deny.toml", "--manifest-path", manifest, "check", *(checks or CHECKS)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_workspace_passes_without_a_warning():
    done = deny(ROOT / "Cargo.toml")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The workspace's manifests over empty sources: what cargo resolves is what is resolved here."""
    for source in [ROOT / "Cargo.toml", ROOT / "Cargo.lock", *ROOT.glob("crates/*/Cargo.toml"), *ROOT.glob("functions/*/Cargo.toml")]:
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        if source.parent != ROOT:
            for kind in ("src", "benches", "examples", "tests"):
                for file in (source.parent / kind).glob("*.rs"):
                    (target.parent / kind).mkdir(exist_ok=True)
                    (target.parent / kind / file.name).touch()
    return tmp_path


def change(workspace: Path, file: str, old: str, new: str) -> None:
    path = workspace / file
    text = path.read_text()
    assert old in text, f"{file} does not say {old!r} any more"
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "check", "word"),
    [
        ("functions/issue-upload/Cargo.toml", "[dependencies]\n", "[dependencies]\naws-sdk-s3.workspace = true\n", "bans", "aws-sdk-s3"),
        ("functions/issue-upload/Cargo.toml", "[dependencies]\n", "[dependencies]\naws-sdk-dynamodb.workspace = true\n", "bans", "aws-sdk-dynamodb"),
        ("crates/core/Cargo.toml", "[dependencies]\n", "[dependencies]\naws-sdk-sqs.workspace = true\n", "bans", "aws-sdk-sqs"),
        ("crates/http/Cargo.toml", "[dependencies]\n", "[dependencies]\naws-sdk-cloudfront.workspace = true\n", "bans", "aws-sdk-cloudfront"),
        ("Cargo.toml", 'time = { version = "0.3.55"', 'time = { version = "*"', "bans", "wildcard"),
        ("crates/core/Cargo.toml", "license.workspace = true", 'license = "GPL-3.0-only"', "licenses", "GPL-3.0"),
        ("crates/core/Cargo.toml", "license.workspace = true", "", "licenses", "unlicensed"),
    ],
)
def test_what_must_not_be_is_refused(workspace, file, old, new, check, word):
    assert deny(workspace / "Cargo.toml", check).returncode == 0, "the copy alone must pass"
    change(workspace, file, old, new)
    done = deny(workspace / "Cargo.toml", check)
    assert done.returncode != 0 and word in done.stderr, done.stderr


def test_another_source_than_the_registry_is_refused(workspace, tmp_path_factory):
    (version,) = re.findall(r'name = "fastrand"\nversion = "(.+)"', (ROOT / "Cargo.lock").read_text())
    fork = tmp_path_factory.mktemp("fork")
    (fork / "src").mkdir()
    (fork / "src" / "lib.rs").touch()
    features = "[features]\ndefault = []\nalloc = []\nstd = []\n"
    (fork / "Cargo.toml").write_text(f'[package]\nname = "fastrand"\nversion = "{version}"\nlicense = "MIT"\n{features}')
    git = ["git", "-C", fork, "-c", "user.name=fork", "-c", "user.email=fork@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=fork"]):
        subprocess.run([*git, *command], check=True)
    patch = f'[patch.crates-io]\nfastrand = {{ git = "{fork.as_uri()}" }}\n\n[workspace.package]'
    change(workspace, "Cargo.toml", "[workspace.package]", patch)
    done = deny(workspace / "Cargo.toml", "sources", offline=False)
    assert done.returncode != 0 and "source-not-allowed" in done.stderr and "fastrand" in done.stderr, done.stderr


@pytest.mark.parametrize("banned", ["aws-config", "openssl-sys", "aws-lc-sys"])
def test_what_is_banned_altogether_is_nowhere(banned):
    assert f'name = "{banned}"' not in (ROOT / "Cargo.lock").read_text()
    assert f'crate = "{banned}"' in (ROOT / "deny.toml").read_text()
