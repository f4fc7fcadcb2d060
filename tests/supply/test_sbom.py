"""The bill of materials names everything that is in the binaries, and the same tree gives the same bytes."""

import copy
import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from infra.tools import release, sbom

ROOT = Path(__file__).resolve().parents[2]
TARGET = "aarch64-unknown-linux-gnu"


@pytest.fixture(scope="module")
def metadata() -> dict:
    command = ["cargo", "metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", TARGET]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


@pytest.fixture(scope="module")
def lock() -> dict:
    return tomllib.loads((ROOT / "Cargo.lock").read_text())


@pytest.fixture(scope="module")
def bill(metadata, lock) -> dict:
    return json.loads(sbom.write(metadata, lock, TARGET))


def names(bill: dict, scope: str) -> set[str]:
    return {f"{each['name']} v{each['version']}" for each in bill["components"] if each.get("scope") == scope}


def test_it_is_cyclonedx(bill):
    assert sbom.check(json.dumps(bill)) is None
    broken = copy.deepcopy(bill)
    broken["components"][0]["type"] = "thing"
    assert sbom.check(json.dumps(broken)) is not None


def test_it_holds_what_cargo_links_into_the_functions_and_what_builds_them(bill):
    linked = names(bill, "required")
    for function in release.functions(ROOT / "template.yaml"):
        command = ["cargo", "tree", "--offline", "--locked", "-p", function, "--target", TARGET, "--prefix", "none", "--format", "{p}"]
        tree = subprocess.run([*command, "-e", "normal,no-proc-macro"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        wanted = {" ".join(line.split()[:2]) for line in tree.splitlines()}
        assert wanted - linked == set(), f"{function} links more than the bill says"
        tree = subprocess.run([*command, "-e", "normal,build"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        built_with = {" ".join(line.split()[:2]) for line in tree.splitlines()}
        assert built_with - linked - names(bill, "excluded") == set(), f"{function} is built with more than the bill says"
    assert not any(name.startswith(("ureq ", "clap ", "proptest ")) for name in linked), "neither the client nor the tests are deployed"


def test_every_crate_has_its_checksum_and_its_licence(bill):
    for each in bill["components"]:
        if each.get("purl", "").startswith("pkg:cargo/"):
            assert each["hashes"] and each["licenses"], each["name"]


def test_foreign_code_in_crates_is_named(bill):
    assert {("libwebp", "1.6.0")} <= {(each["name"], each["version"]) for each in bill["components"]}


def test_a_crate_that_may_carry_foreign_code_is_looked_at_first(metadata, lock):
    changed = copy.deepcopy(metadata)
    (crate,) = [package for package in changed["packages"] if package["name"] == "bytes"]
    crate["links"] = "z"
    with pytest.raises(sbom.Unknown, match="does bytes .* carry foreign code"):
        sbom.write(changed, lock, TARGET)


def test_the_carried_versions_are_those_of_the_sources(metadata):
    (crate,) = [package for package in metadata["packages"] if package["name"] == "libwebp-sys"]
    source = Path(crate["manifest_path"]).parent / "vendor" / "src" / "enc" / "vp8i_enc.h"
    numbers = [line.split()[2] for line in source.read_text().splitlines() if line.startswith("#define ENC_M") or line.startswith("#define ENC_REV")]
    assert ".".join(numbers) == sbom.CARRIED[("libwebp-sys", crate["version"])][1]


def test_the_same_tree_gives_the_same_bytes(metadata, lock):
    assert sbom.write(metadata, lock, TARGET) == sbom.write(copy.deepcopy(metadata), copy.deepcopy(lock), TARGET)
