"""Scanners that others wrote find nothing that is not explained, and no explanation outlives its finding."""

import re

import pytest

from . import scanners
from .forms import deployed, forms, settled
from .stack import ROOT

# Each scanner must notice its part of it, in the same run: that it runs proves nothing.
WRONG = {
    "Parameters": {},
    "Resources": {
        "OpenBucket": {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}},
        "PlainQueue": {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": False}},
        "WideRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [
                    {
                        "PolicyName": "wide",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
                                {"Effect": "Allow", "Action": "s3:PutObjekt", "Resource": "arn:aws:s3:::bucket/*"},
                            ],
                        },
                    }
                ],
            },
        },
    },
}
NOTICED = [
    ("checkov", "CKV_AWS_20", "OpenBucket"),
    ("checkov", "CKV_AWS_53", "OpenBucket"),
    ("cfn-guard", "CT.S3.PR.1", "OpenBucket"),
    ("cfn-guard", "CT.SQS.PR.2", "PlainQueue"),
    ("parliament", "RESOURCE_STAR", "WideRole"),
    ("parliament", "UNKNOWN_ACTION", "WideRole"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> set[scanners.Finding]:
    folder = tmp_path_factory.mktemp("scan")
    wrong = {"wrong": WRONG}
    return (
        scanners.checkov(forms(settled) | wrong, folder / "checkov")
        | scanners.cfn_guard(forms(deployed) | wrong, folder / "guard")
        | scanners.parliament(forms(deployed) | wrong)
    )


def test_every_finding_is_explained(found):
    known = {(scanner, rule, resource) for scanner, rule, resource, _ in scanners.explained()}
    unexplained = sorted(f for f in found if f.form != "wrong" and (f.scanner, f.rule, f.resource) not in known)
    assert not unexplained


def test_every_explanation_explains_a_finding(found):
    present = {(f.scanner, f.rule, f.resource) for f in found if f.form != "wrong"}
    assert sorted({(scanner, rule, resource) for scanner, rule, resource, _ in scanners.explained()} - present) == []


@pytest.mark.parametrize(("scanner", "rule", "resource"), NOTICED)
def test_a_wrong_template_is_noticed(found, scanner, rule, resource):
    assert scanners.Finding(scanner, rule, resource, "wrong") in found


def test_an_explanation_is_a_row_of_the_table_or_says_what_is_wrong():
    document = (ROOT / "docs" / "SECURITY.md").read_text()
    table = document.split("## Left out on purpose\n")[1].split("\n## ")[0]
    rows = set(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE))
    for scanner, rule, _, entry in scanners.explained():
        assert ("row" in entry) != ("wrong" in entry), f"{scanner} {rule}: a row or what is wrong, one of both"
        assert entry.get("row", "") in rows | {""}, f"{scanner} {rule}: docs/SECURITY.md has no row {entry['row']!r}"
        assert "row" in entry or len(entry["wrong"]) > 20, f"{scanner} {rule}: that is no explanation"


def test_nothing_is_explained_twice():
    keys = [(scanner, rule, resource) for scanner, rule, resource, _ in scanners.explained()]
    assert len(keys) == len(set(keys))
