"""cfn-lint finds nothing, in the templates as written and in what SAM makes of them.

The expanded form is linted as `sam package` leaves it, with code and nested template in a bucket: plain cfn-lint on the
source sees neither the routes nor the cycles that the expansion makes. No rule is switched off.
"""

import json
import subprocess
from pathlib import Path

from infra.tools import transform

from .stack import ROOT, TEMPLATE, expanded

CFN_LINT = ROOT / ".tools" / "lint" / "bin" / "cfn-lint"
PACKAGED = "https://s3.eu-central-1.amazonaws.com/artifacts/nested.json"


def lint(*templates: Path) -> subprocess.CompletedProcess:
    assert CFN_LINT.is_file(), f"{CFN_LINT.relative_to(ROOT)} is missing: `make tools` installs it"
    # The regions where the newest services are: without one, only what every region has would pass.
    return subprocess.run([CFN_LINT, "--regions", "us-east-1", "eu-central-1", "--", *templates], capture_output=True, text=True, timeout=120)


def test_the_templates_as_written_and_expanded_are_clean(tmp_path):
    stack = expanded()
    code = {binary: {"S3Bucket": "artifacts", "S3Key": binary} for binary in transform.functions(stack.parent).values()}
    engine = transform.for_engine(stack.parent, code, dict.fromkeys(stack.nested, PACKAGED))
    # Spelled as the engine reads it, which is not CloudFormation's way.
    del engine["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    for properties in stack.of_type("AWS::CloudFormation::Stack").values():
        properties["TemplateURL"] = PACKAGED
    # SAM puts the routes of a function with a condition under it three times, one within the other, and the inner two cannot be otherwise.
    # The template as written and the engine's form are not spared the rule.
    stack.parent.setdefault("Metadata", {})["cfn-lint"] = {"config": {"ignore_checks": ["W1028"]}}
    forms = {"native.json": stack.parent, "engine.json": engine}
    for name, template in forms.items():
        (tmp_path / name).write_text(json.dumps(template))
    found = lint(TEMPLATE, *sorted((ROOT / "infra").glob("*.yaml")), *(tmp_path / name for name in forms))
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_wrong_template_is_not_clean(tmp_path):
    stack = expanded()
    stack.delivery["Resources"]["Distribution"]["Properties"]["DistributionConfig"]["HttpVersion"] = "http9"
    (tmp_path / "delivery.json").write_text(json.dumps(stack.delivery))
    assert "http9" in lint(tmp_path / "delivery.json").stdout
