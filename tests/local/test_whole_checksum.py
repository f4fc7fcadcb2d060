"""The engine's checksum over a whole multipart upload is S3's."""

import base64

import pytest
from awscrt import checksums
from botocore.exceptions import ClientError

PART = 5 << 20
CONTENT = bytes(range(251)) * (2 * PART // 251)
WHOLE = base64.b64encode(checksums.crc64nvme(CONTENT).to_bytes(8, "big")).decode()


@pytest.fixture
def upload(engine):
    """A client and a multipart upload of three parts that have arrived, the last one first."""
    s3 = engine.client("s3")
    s3.create_bucket(Bucket="whole")
    begun = {"Bucket": "whole", "Key": "film.mp4"}
    kind = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
    begun["UploadId"] = s3.create_multipart_upload(**begun, **kind)["UploadId"]
    etags = {}
    for number in (3, 1, 2):
        body = CONTENT[(number - 1) * PART : number * PART]
        etags[number] = s3.upload_part(**begun, PartNumber=number, Body=body, ChecksumAlgorithm="CRC64NVME")["ETag"]
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in (1, 2, 3)]
    return s3, begun | {"MultipartUpload": {"Parts": parts}}


def test_the_published_check_value_is_met():
    assert checksums.crc64nvme(b"123456789") == 0xAE8B14860A799888


def test_it_is_told_of_the_object(upload):
    s3, complete = upload
    s3.complete_multipart_upload(**complete)
    head = s3.head_object(Bucket="whole", Key="film.mp4", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == WHOLE


def test_what_the_client_says_is_compared_with_it(upload):
    s3, complete = upload
    with pytest.raises(ClientError, match="BadDigest"):
        s3.complete_multipart_upload(**complete, ChecksumCRC64NVME="AAAAAAAAAAA=")
    s3.complete_multipart_upload(**complete, ChecksumCRC64NVME=WHOLE)
