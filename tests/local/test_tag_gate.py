"""CloudFront on the patched engine reads what the bucket policy says: the distribution's own, tagged objects, over TLS."""

import json
import uuid

import pytest

from .http import request


@pytest.fixture(scope="module")
def gate(engine):
    """A bucket behind a distribution, with the two statements that matter here."""
    s3, cloudfront = engine.client("s3"), engine.client("cloudfront")
    bucket = f"gate-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    control = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": bucket,
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )["OriginAccessControl"]["Id"]
    distribution = cloudfront.create_distribution(DistributionConfig=_distribution(bucket, control))["Distribution"]
    served = {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject", "Effect": "Allow"}
    from_here = {"AWS:SourceArn": distribution["ARN"]}
    tagged = {"AWS:SourceArn": distribution["ARN"], "s3:ExistingObjectTag/verified": "true"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            served | {"Resource": f"arn:aws:s3:::{bucket}/thumbnails/*", "Condition": {"StringEquals": from_here}},
            served | {"Resource": f"arn:aws:s3:::{bucket}/uploads/*", "Condition": {"StringEquals": tagged}},
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    def get(key: str) -> int:
        # Straight at the engine's port, as the CDN's door would do it.
        headers = {"Host": distribution["DomainName"], "X-Forwarded-Proto": "https"}
        return request("GET", f"{engine.endpoint}/{key}", headers=headers).status

    def put(key: str, tags: dict[str, str] | None = None) -> str:
        tagging = "&".join(f"{name}={value}" for name, value in (tags or {}).items())
        s3.put_object(Bucket=bucket, Key=key, Body=b"bytes", **({"Tagging": tagging} if tags else {}))
        return key

    return get, put, s3, bucket


def test_an_untagged_object_is_refused(gate):
    get, put, *_ = gate
    assert get(put("uploads/untagged.jpg")) == 403


def test_a_tagged_object_is_served(gate):
    get, put, *_ = gate
    assert get(put("uploads/tagged.jpg", {"verified": "true"})) == 200


def test_another_value_or_name_does_not_open_the_gate(gate):
    get, put, *_ = gate
    assert get(put("uploads/value.jpg", {"verified": "false"})) == 403
    assert get(put("uploads/name.jpg", {"checked": "true"})) == 403


def test_a_tag_set_on_the_version_opens_the_gate_and_its_removal_closes_it(gate):
    get, put, s3, bucket = gate
    key = put("uploads/later.jpg")
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    s3.put_object_tagging(
        Bucket=bucket, Key=key, VersionId=version, Tagging={"TagSet": [{"Key": "verified", "Value": "true"}]}
    )
    assert get(key) == 200
    s3.delete_object_tagging(Bucket=bucket, Key=key)
    assert get(key) == 403


def test_a_newer_untagged_version_closes_the_gate(gate):
    get, put, *_ = gate
    key = put("uploads/overwritten.jpg", {"verified": "true"})
    assert get(put(key)) == 403


def test_thumbnails_need_no_tag(gate):
    get, put, *_ = gate
    assert get(put("thumbnails/small.jpg")) == 200


def test_one_objects_tag_does_not_open_the_gate_for_another(gate):
    get, put, *_ = gate
    assert get(put("uploads/first.jpg", {"verified": "true"})) == 200
    assert get(put("uploads/second.jpg")) == 403


def _distribution(bucket: str, control: str) -> dict:
    return {
        "CallerReference": bucket,
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "bucket",
                    "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
                    "OriginAccessControlId": control,
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "bucket",
            "ViewerProtocolPolicy": "redirect-to-https",
            # AWS's managed CachingOptimized.
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
    }
