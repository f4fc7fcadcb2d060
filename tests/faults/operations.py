"""Which AWS operation a request is: by its method, its path and its `X-Amz-Target`. It must never need the body."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

S3, DYNAMODB, SQS, CLOUDFRONT = "S3", "DynamoDB", "SQS", "CloudFront"
TARGETS = {"DynamoDB_20120810": DYNAMODB, "AmazonSQS": SQS}
# What changes nothing: an effect whose answer is lost is no effect.
READS = {"GetObject", "GetObjectTagging", "HeadObject", "ListParts", "ListObjectVersions", "ListMultipartUploads", "GetItem", "Query"}


@dataclass(frozen=True, order=True)
class Operation:
    """A service and the name that AWS gives one of its calls."""

    service: str
    name: str

    @property
    def has_effect(self) -> bool:
        """Whether it changes something."""
        return self.name not in READS

    def __str__(self) -> str:
        return self.name


def recognised(method: str, target: str, headers: dict[str, str]) -> Operation | None:
    """The operation of a request whose header names are lower case; None for one a presigned URL made, or nobody knows."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "X-Amz-Signature" in query:
        return None
    if named := headers.get("x-amz-target"):
        service, _, name = named.partition(".")
        return Operation(TARGETS[service], name) if service in TARGETS else None
    if parts.path.startswith("/2020-05-31/"):
        return Operation(CLOUDFRONT, "CreateInvalidation") if method == "POST" and parts.path.endswith("/invalidation") else None
    name = _of_s3(method, query, has_key="/" in parts.path.strip("/"))
    return Operation(S3, name) if name else None


def _of_s3(method: str, query: dict[str, str], *, has_key: bool) -> str | None:
    if not has_key:
        return {("GET", True, False): "ListMultipartUploads", ("GET", False, True): "ListObjectVersions"}.get((method, "uploads" in query, "versions" in query))
    match method:
        case "GET":
            return "ListParts" if "uploadId" in query else "GetObjectTagging" if "tagging" in query else "GetObject"
        case "HEAD":
            return "HeadObject"
        case "PUT":
            return "PutObjectTagging" if "tagging" in query else "UploadPart" if "partNumber" in query else "PutObject"
        case "POST":
            return "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload" if "uploadId" in query else None
        case "DELETE":
            return "AbortMultipartUpload" if "uploadId" in query else "DeleteObject"
    return None
