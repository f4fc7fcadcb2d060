"""One upload by boto3's transfer manager: `boto3_worker.py FILE BUCKET KEY ENDPOINT PART_SIZE PARALLEL [unsigned]`.

`unsigned` leaves out the SHA-256 of the payload that a signature over plain HTTP has by default. It must never do anything but that
one upload: its process is what is measured.
"""

import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

path, bucket, key, endpoint, part_size, parallel, *rest = sys.argv[1:]
s3 = {"addressing_style": "path"} | ({"payload_signing_enabled": False} if rest else {})
client = boto3.client("s3", endpoint_url=endpoint, config=Config(s3=s3))
transfer = TransferConfig(
    multipart_threshold=int(part_size), multipart_chunksize=int(part_size), max_concurrency=int(parallel)
)
client.upload_file(path, bucket, key, Config=transfer)
