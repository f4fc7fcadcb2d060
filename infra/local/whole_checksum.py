"""Gives the engine S3's checksum over a whole multipart upload.

The engine (1.5.33) makes a checksum of the parts' checksums, for CRC-64/NVME too, of which S3 has no such thing: it computes
one over the whole object and compares the client's with it. And it computes byte by byte in Python, 16 MiB in four seconds;
the AWS runtime's C does it at the speed of memory. This must never decide anything itself: it computes what S3 would.
"""

import base64
from contextvars import ContextVar

from awscrt import checksums
from ministack.services import s3

ALGORITHM = "CRC64NVME"

# Over the parts of the upload that is being completed right now; None while none is.
_whole: ContextVar[str | None] = ContextVar("checksum over the parts being put together", default=None)


def install() -> None:
    """Wraps the completion of multipart uploads and the engine's own checksum."""
    complete, composite = s3._complete_multipart_upload, s3._composite_checksum

    def complete_multipart_upload(bucket, key, body, query, *rest, **options):
        token = _whole.set(_over_all_parts(s3._qp(query, "uploadId")))
        try:
            return complete(bucket, key, body, query, *rest, **options)
        finally:
            _whole.reset(token)

    def composite_checksum(algorithm, parts):
        return _whole.get() if algorithm == ALGORITHM else composite(algorithm, parts)

    s3._complete_multipart_upload = complete_multipart_upload
    s3._composite_checksum = composite_checksum
    s3._crc64nvme = checksums.crc64nvme


def _over_all_parts(upload_id: str) -> str | None:
    if upload_id not in s3._multipart_uploads:
        return None
    crc = 0
    for _, part in sorted(s3._multipart_uploads[upload_id]["parts"].items()):
        crc = checksums.crc64nvme(part["body"], crc)
    return base64.b64encode(crc.to_bytes(8, "big")).decode()
