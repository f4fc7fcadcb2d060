"""A release holds what `sam deploy` needs and deploys what the tree deploys; the same binaries give the same bytes."""

import hashlib
import os
import re
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from infra.tools import release, transform

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for name in release.functions(ROOT / "template.yaml"):
        (tmp_path / "lambda" / name).mkdir(parents=True)
        (tmp_path / "lambda" / name / "bootstrap").write_bytes(name.encode() * 1000)
    (tmp_path / "bill.json").write_text("{}")
    return tmp_path


def pack(built: Path, out: str, architecture: str = "arm64") -> Path:
    return release.pack(architecture, built / "lambda", built / "bill.json", built / out)


def test_the_archive_has_every_file_that_its_templates_name(built):
    path = pack(built, "out")
    with tarfile.open(path) as archive:
        files = {member.name.split("/", 1)[1]: archive.extractfile(member).read() for member in archive.getmembers()}
    template = transform.parse(files["template.yaml"].decode())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            with zipfile.ZipFile(BytesIO(files[resource["Properties"]["CodeUri"]])) as code:
                (entry,) = code.infolist()
                assert entry.filename == "bootstrap" and entry.external_attr >> 16 & 0o111 == 0o111
            assert "Metadata" not in resource, "sam build would want the sources"
        if resource["Type"] == "AWS::CloudFormation::Stack":
            assert files[resource["Properties"]["TemplateURL"]] == (ROOT / resource["Properties"]["TemplateURL"]).read_bytes()
    assert {"README.md", "valet.cdx.json", "LICENSE-MIT", "LICENSE-APACHE", "samconfig.toml"} <= set(files)


def test_the_runbook_comes_with_its_script_and_the_script_needs_boto3_alone(built, tmp_path):
    with tarfile.open(pack(built, "out")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (folder,) = (tmp_path / "unpacked").iterdir()
    runbook = (folder / "docs" / "OPERATIONS.md").read_text()
    scripts = set(re.findall(r"infra/tools/\w+\.py", runbook))
    assert scripts == {"infra/tools/redrive.py"}
    imported = re.findall(r"^(?:import|from) (\w+)", (folder / "infra/tools/redrive.py").read_text(), re.MULTILINE)
    assert set(imported) - sys.stdlib_module_names == {"boto3"}


def test_its_readme_says_what_to_do_with_what_is_in_it(built):
    with tarfile.open(pack(built, "out")) as archive:
        files = {member.name.split("/", 1)[1]: archive.extractfile(member).read() for member in archive.getmembers()}
    readme = files["README.md"].decode()
    for name in re.findall(r"`([\w./-]+\.(?:md|py|toml|json))`", readme):
        assert name in files
    assert "sam build" not in readme and "sam deploy --guided --config-env dev" in readme


@pytest.mark.parametrize("architecture", sorted(release.ARCHITECTURES))
def test_it_is_for_its_own_processor_alone(architecture):
    template = transform.parse(release.prebuilt((ROOT / "template.yaml").read_text(), architecture))
    assert template["Parameters"]["Architecture"]["Default"] == architecture
    assert template["Parameters"]["Architecture"]["AllowedValues"] == [architecture]


def test_a_template_with_another_layout_is_refused_rather_than_half_changed():
    text = (ROOT / "template.yaml").read_text()
    for old, new in [
        ("      BuildMethod: rust-cargolambda\n", "      BuildMethod: makefile\n"),
        ("    CodeUri: .\n", "    CodeUri: ./\n"),
        ("    AllowedValues: [arm64, x86_64]\n", "    AllowedValues: [x86_64, arm64]\n"),
    ]:
        assert old in text
        with pytest.raises((release.NotReleasable, KeyError)):
            release.prebuilt(text.replace(old, new, 1), "arm64")


def test_the_same_binaries_give_the_same_bytes(built):
    first = pack(built, "one").read_bytes()
    for path in built.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    os.chmod(built / "bill.json", 0o600)
    assert pack(built, "two").read_bytes() == first


def test_the_checksum_beside_it_is_that_of_the_archive(built):
    path = pack(built, "out")
    digest, name = path.with_name(path.name + ".sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def test_a_missing_binary_is_said_by_name(built):
    (built / "lambda" / "issue-upload" / "bootstrap").unlink()
    with pytest.raises(release.NotReleasable, match="issue-upload/bootstrap is missing"):
        pack(built, "out")


def test_the_workflow_builds_twice_signs_and_caches_nothing():
    steps = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    built, compared, signed = (
        steps.index(step) for step in ("- run: make release ARCH=", "- run: make reproducible ARCH=", "- uses: actions/attest-build-provenance@")
    )
    assert built < compared < signed, "what is signed was compared first"
    assert "attestations: write" in steps and "id-token: write" in steps
    assert "cache" not in steps.replace("Nothing cached", ""), "what is released is built from what is committed"
