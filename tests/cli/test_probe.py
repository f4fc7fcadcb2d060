"""The probe on a stack as it is deployed, and on one with a control taken away."""

import json
import subprocess
import time

import pytest

from tests.e2e.polling import eventually

from .conftest import URL_LIFETIME_SECONDS

# What README.md of infra/local says the engine lets through.
NOT_ENFORCED = {"https-api"}
# What the engine may refuse or not, by its version: part checksums.
EITHER = {"part-hash"}


def rows(report: dict) -> dict[str, dict]:
    return {row["id"]: row for row in report["checks"]}


@pytest.fixture(scope="module")
def whole(new_valet):
    """The whole probe, begun before the other tests: at its end it waits until a URL has ended."""
    one, other = new_valet(), new_valet()
    one.extra = {"VALET_OTHER_TOKEN": other.token}
    process = one.start("probe", "--json")
    began = time.monotonic()
    yield one, process, began
    process.kill()
    process.communicate()


@pytest.fixture(autouse=True)
def _begun(whole):
    """Every test of this file runs beside it."""


def test_a_quick_probe_needs_one_user_and_says_what_it_left_out(valet):
    done = valet.run("probe", "--json", "--quick")
    assert done.code == 0, done.out
    found = rows(json.loads(done.out))
    left_out = {name for name, row in found.items() if row["verdict"] == "not tried"}
    assert {"user-pending", "user-ready", "expired"} <= left_out
    # A stack without these says so; see the last test for one with them.
    assert all(name.startswith(("part", "delete", "user", "expired")) for name in left_out)


def test_the_table_is_for_people(valet):
    done = valet.run("probe", "--quick")
    assert done.code == 0, done.out
    line = next(line for line in done.out.splitlines() if "PUT of one byte more" in line)
    assert line.split() == ["PUT", "of", "one", "byte", "more", "403", "held", "403", "SignatureDoesNotMatch"]
    assert "HOLE" not in done.out


def test_a_policy_that_lets_everybody_read_is_found(stack, valet):
    """The bucket's own policy with one statement more."""
    policy = json.loads(stack.s3.get_bucket_policy(Bucket=stack.bucket)["Policy"])
    hole = {
        "Sid": "Hole", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"],
        "Resource": [f"arn:aws:s3:::{stack.bucket}", f"arn:aws:s3:::{stack.bucket}/*"],
    }
    stack.s3.put_public_access_block(
        Bucket=stack.bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
        ),
    )
    opened = policy | {"Statement": [*policy["Statement"], hole]}
    stack.s3.put_bucket_policy(Bucket=stack.bucket, Policy=json.dumps(opened))
    try:
        done = valet.run("probe", "--json", "--quick")
    finally:
        stack.s3.put_bucket_policy(Bucket=stack.bucket, Policy=json.dumps(policy))
        stack.s3.put_public_access_block(
            Bucket=stack.bucket,
            PublicAccessBlockConfiguration=dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            ),
        )
    holes = {name for name, row in rows(json.loads(done.out)).items() if row["verdict"] == "HOLE"}
    assert {"s3-read", "s3-list"} & holes, done.out
    assert done.code == 1


def test_ctrl_c_ends_it_and_still_removes_what_was_made(stack, valet):
    process = valet.start("probe", stdout=subprocess.PIPE)
    for line in process.stdout:
        if "PUT of one byte more" in line:
            break
    process.send_signal(2)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in out
    assert "may stay" not in out


def test_a_token_that_is_not_accepted_ends_it_at_once(valet):
    valet.token = "none.at.all"
    done = valet.run("probe")
    assert (done.code, done.out) == (3, "")


def test_every_control_of_the_stack_holds(whole):
    """Collected last, as it was begun first."""
    valet, process, began = whole
    out, err = process.communicate(timeout=300)
    report = json.loads(out)
    found = rows(report)
    by_verdict = {name: row["verdict"] for name, row in found.items()}
    assert {name for name, verdict in by_verdict.items() if verdict in ("HOLE", "no answer")} == set(), out
    assert {name for name, verdict in by_verdict.items() if verdict == "not enforced here"} - EITHER == NOT_ENFORCED
    assert process.returncode == report["exitCode"] == 0
    assert by_verdict["expired"] == "held"
    assert time.monotonic() - began > URL_LIFETIME_SECONDS
    assert valet.token not in out + err


def objects(stack) -> set[str]:
    """Every version in the bucket."""
    found = stack.s3.list_object_versions(Bucket=stack.bucket)
    return {version["VersionId"] for kind in ("Versions", "DeleteMarkers") for version in found.get(kind, [])}


# ---- What follows needs parts and /v1/files -------------------------------------------------------------------------


def test_with_parts_and_files_nothing_is_left_untried_and_nothing_stays(whole, stack, new_valet):
    one, other = new_valet(), new_valet()
    one.extra = {"VALET_OTHER_TOKEN": other.token}
    before = objects(stack)
    report = json.loads(one.run("probe", "--json", "--quick").out)
    assert [name for name, row in rows(report).items() if row["verdict"] == "not tried"] == ["expired"]
    assert report["left"] == []
    # What was late for its cancel is removed by its event.
    eventually(lambda: objects(stack) <= before, "what the probe made is gone from the bucket")
