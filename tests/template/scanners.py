"""Runs checkov, cfn-guard and parliament over forms of the templates, and reads what they say in one shape.

Nothing is switched off in a scanner: what it finds comes out here, and explained.toml says what is left.
"""

import json
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .forms import policies
from .stack import ROOT

SCAN = ROOT / ".tools" / "scan" / "bin"
GUARD = ROOT / ".tools" / "guard" / "node_modules" / "@cdklabs" / "cdk-validator-cfnguard"
EXPLAINED = Path(__file__).with_name("explained.toml")

ASK_PARLIAMENT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import parliament
found = {name: parliament.analyze_policy_string(json.dumps(policy)).findings for name, policy in json.load(sys.stdin).items()}
json.dump([[name, finding.issue] for name, findings in found.items() for finding in findings], sys.stdout)
"""


@dataclass(frozen=True, order=True)
class Finding:
    """One rule that one resource of one form breaks."""

    scanner: str
    rule: str
    resource: str
    form: str


def checkov(forms: Mapping[str, dict], folder: Path) -> set[Finding]:
    """What checkov fails; of every rule for CloudFormation that it brings."""
    _write(forms, folder)
    command = [SCAN / "checkov", "--framework", "cloudformation", "--directory", folder, "--output", "json", "--compact", "--skip-download"]
    said = json.loads(_run(command, succeeds_with=(0, 1)))
    assert not said["results"]["parsing_errors"] and said["summary"]["resource_count"] > 0
    return {
        Finding("checkov", check["check_id"], check["resource"].split(".")[-1], Path(check["file_path"]).stem)
        for check in said["results"]["failed_checks"]
    }


def cfn_guard(forms: Mapping[str, dict], folder: Path) -> set[Finding]:
    """What breaks a rule of AWS Control Tower."""
    data = [part for file in _write(forms, folder) for part in ("--data", file)]
    system = "macos" if platform.system() == "Darwin" else "ubuntu"
    processor = "aarch64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    rules = GUARD / "rules" / "control-tower" / "cfn-guard"
    command = [GUARD / "bin" / system / processor / "cfn-guard", "validate", "--rules", rules, *data, "--output-format", "json"]
    # 19: the rules ran, and something breaks one.
    said = json.loads(_run([*command, "--structured", "--show-summary", "none"], succeeds_with=(0, 19)))
    assert {Path(report["name"]).stem for report in said} == set(forms)
    return {
        Finding("cfn-guard", re.search(r"\[(CT\.[\w.]+)\]", broken)[1], resource, Path(report["name"]).stem)
        for report in said
        for broken in map(json.dumps, report["not_compliant"])
        for resource in re.findall(r"/Resources/(\w+)", broken)
    }


def parliament(forms: Mapping[str, dict]) -> set[Finding]:
    """What is wrong with a policy as such."""
    asked = {f"{form} {resource}": policy for form, template in forms.items() for resource, policy in policies(template).items()}
    said = json.loads(_run([SCAN / "python", "-c", ASK_PARLIAMENT], json.dumps(asked)))
    return {Finding("parliament", issue, *reversed(name.split(" "))) for name, issue in said}


def explained() -> Iterable[tuple[str, str, str, dict]]:
    """Scanner, rule, resource and the entry that explains it."""
    for entry in tomllib.loads(EXPLAINED.read_text())["finding"]:
        for resource in entry["resources"]:
            yield entry["scanner"], entry["rule"], resource, entry


def _write(forms: Mapping[str, dict], folder: Path) -> list[Path]:
    folder.mkdir()
    files = [folder / f"{name}.json" for name in forms]
    for file, template in zip(files, forms.values(), strict=True):
        file.write_text(json.dumps(template))
    return files


def _run(command: list[object], said: str = "", succeeds_with: tuple[int, ...] = (0,)) -> str:
    tool = Path(str(command[0]))
    assert tool.is_file(), f"{tool.relative_to(ROOT)} is missing: `make tools` installs it"
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=300)
    assert done.returncode in succeeds_with, f"{tool.name} failed: {done.stderr}"
    return done.stdout
