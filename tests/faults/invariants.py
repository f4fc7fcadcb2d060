"""What must hold of table and bucket whatever has happened: nothing is lost, nobody is in who should not be.

Every row is final, or leads to an end that lies ahead; every version, thumbnail and multipart upload is accounted for by a row; every
ready row's file is there, whole and tagged; nothing else is served; what an owner's counters say is what its rows hold. It must never write, nor believe the API about what lies behind it.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from infra.local.stack import Stack
from tests.e2e.storage import plain
from tests.e2e.web import send

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
}
UPLOAD = re.compile(r"uploads/(?:open/)?(?P<owner>[0-9a-f]{32})/(?P<id>[0-9a-f-]{36})\.[a-z0-9]+")
OWNER = re.compile(r"[0-9a-f]{32}")
THUMBNAIL = re.compile(r"thumbnails/(?P<owner>[0-9a-f]{32})/(?P<id>[0-9a-f-]{36})/(?P<name>[^/]+)\.(?P<extension>[a-z]+)")
TOMBSTONES = {"rejected", "expired", "cancelled", "deleted"}
STATES = TOMBSTONES | {"pending", "ready"}
# Sweeps run every quarter of an hour, and leave a pending upload an hour of grace.
PATIENCE_MILLISECONDS = (3600 + 2 * 900) * 1000
AT_ONCE = 8

Name = tuple[str, str]


@dataclass
class Seen:
    """Table and bucket as they are."""

    rows: dict[Name, dict] = field(default_factory=dict)
    keys: list[dict] = field(default_factory=list)
    versions: list[dict] = field(default_factory=list)
    markers: list[dict] = field(default_factory=list)
    multiparts: list[dict] = field(default_factory=list)
    usage: dict[str, dict] = field(default_factory=dict)

    def of(self, owners: set[str]) -> "Seen":
        """What these owners have."""
        return Seen(
            {name: row for name, row in self.rows.items() if name[0] in owners},
            [key for key in self.keys if key["owner"] in owners],
            *([entry for entry in entries if owner_of(entry["Key"]) in owners] for entries in (self.versions, self.markers, self.multiparts)),
            {owner: counters for owner, counters in self.usage.items() if owner in owners},
        )


def look(stack: Stack) -> Seen:
    """Reads all there is, as the account's owner."""
    seen = Seen()
    for item in _items(stack):
        owner, (kind, _, name) = item["pk"].removeprefix("OWNER#"), item["sk"].partition("#")
        if kind == "UPLOAD":
            seen.rows[owner, name] = item
        elif kind == "IDEMPOTENCY":
            seen.keys.append(item | {"owner": owner})
        elif kind == "USAGE":
            seen.usage[owner] = item
    for page in stack.s3.get_paginator("list_object_versions").paginate(Bucket=stack.bucket):
        seen.versions += page.get("Versions", [])
        seen.markers += page.get("DeleteMarkers", [])
    for page in stack.s3.get_paginator("list_multipart_uploads").paginate(Bucket=stack.bucket):
        seen.multiparts += page.get("Uploads", [])
    return seen


def violations(stack: Stack, seen: Seen, *, now: float | None = None, at_rest: bool) -> list[str]:
    """Every sentence that does not hold. `at_rest` says that time enough has passed and all sweeps and events are through."""
    milliseconds = int((time.time() if now is None else now) * 1000)
    found = [f"{_named(name)}: {what}" for name, row in seen.rows.items() for what in _row(row, milliseconds, at_rest=at_rest)]
    found += _keys(seen)
    found += _quotas(seen, milliseconds, at_rest=at_rest)
    found += _objects(seen, at_rest=at_rest)
    found += _multiparts(seen, milliseconds)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for some in pool.map(lambda entry: list(_file(stack, *entry)), [(name, row) for name, row in seen.rows.items() if row["status"] == "ready"]):
            found += some
        found += [what for what in pool.map(lambda entry: _served(stack, seen, entry), _latest(seen)) if what]
    return found


def _row(row: dict, now: int, *, at_rest: bool) -> Iterator[str]:
    """A row alone: final, or on its way to an end that lies ahead."""
    status, due = row["status"], row.get("due_at")
    if status not in STATES:
        yield f"no such status: {status}"
    if (due is None) != ("due_shard" not in row):
        yield "it is due and the index does not know it, or the other way round"
    if (status != "ready") != ("ttl" in row):
        yield f"{status} and its time to live is {row.get('ttl')}"
    waits = status == "pending" or (status == "ready" and row["thumbnails"]["status"] == "pending")
    if waits and due is None:
        yield f"{status} and never looked at again"
    if status == "ready" and not waits and due is not None:
        yield "nothing is left to do and it is due"
    if due is not None and due + PATIENCE_MILLISECONDS < now:
        yield f"{status} and stuck for {(now - due) // 60_000} minutes"
    if not at_rest:
        return
    if status == "pending" and row["expires_at"] <= now:
        yield "pending after its grant, its grace and a sweep"
    if due is not None and due <= now:
        yield f"{status}, and a sweep has left it due"


def _keys(seen: Seen) -> Iterator[str]:
    """A remembered key has its upload: they are written together."""
    for key in seen.keys:
        if (key["owner"], key["upload_id"]) not in seen.rows:
            yield f"an idempotency key of {key['owner']} without its upload {key['upload_id']}"


def _quotas(seen: Seen, now: int, *, at_rest: bool) -> Iterator[str]:
    """An owner's counters say exactly what its rows hold, no byte twice and none forgotten, and somebody will count again."""
    held = {owner: {"files": 0, "bytes": 0, "pending": 0} for owner in {*seen.usage, *(owner for owner, _ in seen.rows)}}
    for (owner, _), row in seen.rows.items():
        if row["status"] in ("pending", "ready"):
            held[owner]["files"] += 1
            held[owner]["bytes"] += row.get("size_bytes", row.get("max_bytes"))
            held[owner]["pending"] += row["status"] == "pending"
    for owner, there in held.items():
        usage = seen.usage.get(owner, {})
        said = {name: usage.get(name, 0) for name in there}
        if said != there:
            yield f"the counters of {owner} say {said} and its rows hold {there}"
        due = usage.get("due_at")
        if due is not None and "due_shard" not in usage:
            yield f"the counters of {owner} are due and the index does not know it"
        if due is not None and (due <= now if at_rest else due + PATIENCE_MILLISECONDS < now):
            yield f"the counters of {owner} are not counted again"


def _objects(seen: Seen, *, at_rest: bool) -> Iterator[str]:
    """Every version and every thumbnail is accounted for by a row."""
    for version in seen.versions:
        if match := UPLOAD.fullmatch(version["Key"]):
            row = seen.rows.get((match["owner"], match["id"]))
            if row is None or key_of(row) != version["Key"]:
                yield f"{version['Key']}: an object without a row"
            elif row["status"] == "ready" and row["version_id"] != version["VersionId"]:
                yield f"{version['Key']}: a version beside the verified one"
            elif row["status"] in TOMBSTONES and at_rest:
                yield f"{version['Key']}: an object of an upload that is {row['status']}"
        elif match := THUMBNAIL.fullmatch(version["Key"]):
            row = seen.rows.get((match["owner"], match["id"]))
            if not version["IsLatest"]:
                # Hidden or written over: they leave by the lifecycle, or with their file.
                if at_rest and row is not None and row["status"] == "deleted":
                    yield f"{version['Key']}: an older thumbnail of a file that is deleted"
            elif row is None or row["status"] != "ready":
                if at_rest:
                    yield f"{version['Key']}: a thumbnail of an upload that is {row and row['status']}"
            elif row["thumbnails"]["status"] != "pending" and version["Key"] not in _thumbnails(row):
                yield f"{version['Key']}: a thumbnail that its row does not name"
        else:
            yield f"{version['Key']}: no key of ours"
    for marker in seen.markers:
        if marker["Key"].startswith("uploads/"):
            yield f"{marker['Key']}: a delete marker, where versions are removed"


def _multiparts(seen: Seen, now: int) -> Iterator[str]:
    """Every open multipart upload is named by a row that is still pending."""
    for upload in seen.multiparts:
        match = UPLOAD.fullmatch(upload["Key"])
        row = seen.rows.get((match["owner"], match["id"])) if match else None
        if row is None or row["status"] != "pending" or row.get("multipart_id") != upload["UploadId"]:
            yield f"{upload['Key']}: parts of an upload that is {row and row['status']}"
        elif row["expires_at"] + PATIENCE_MILLISECONDS < now:
            yield f"{upload['Key']}: parts of a grant that has long ended"


def _file(stack: Stack, name: Name, row: dict) -> Iterator[str]:
    """A ready row's version is there, as it was granted, and tagged; so are its thumbnails, which need no tag."""
    key, what = key_of(row), _named(name)
    try:
        head = stack.s3.head_object(Bucket=stack.bucket, Key=key, VersionId=row["version_id"])
        tags = stack.s3.get_object_tagging(Bucket=stack.bucket, Key=key, VersionId=row["version_id"])["TagSet"]
    except ClientError as error:
        yield f"{what}: ready and its file is lost: {error.response['Error']['Code']}"
        return
    if (head["ContentLength"], head["ContentType"]) != (row["size_bytes"], row["content_type"]):
        yield f"{what}: granted {row['size_bytes']} bytes of {row['content_type']}, stored {head['ContentLength']} of {head['ContentType']}"
    if {"Key": "verified", "Value": "true"} not in tags:
        yield f"{what}: ready and not tagged"
    for thumbnail, item in _thumbnails(row).items():
        try:
            head = stack.s3.head_object(Bucket=stack.bucket, Key=thumbnail)
        except ClientError as error:
            yield f"{what}: {thumbnail} is lost: {error.response['Error']['Code']}"
            continue
        if (head["ContentLength"], head["ContentType"]) != (item["size_bytes"], item.get("content_type", "image/jpeg")):
            yield f"{what}: {thumbnail} is not the one that is recorded"


def _latest(seen: Seen) -> list[str]:
    """Every key that there is or was something under."""
    lying = {version["Key"] for version in seen.versions}
    return sorted(lying | {key_of(row) for row in seen.rows.values()})


def _served(stack: Stack, seen: Seen, key: str) -> str | None:
    """The CDN gives out verified files and thumbnails, and nothing else."""
    status = send("HEAD", f"{stack.cdn_url}/{key}").status
    match = UPLOAD.fullmatch(key)
    if not match:
        return None
    row = seen.rows.get((match["owner"], match["id"]))
    is_ready = row is not None and row["status"] == "ready" and key_of(row) == key
    if is_ready and status != 200:
        return f"{key}: ready and answered with {status}"
    if not is_ready and status == 200:
        return f"{key}: served, and its row is {row and row['status']}"
    return None


def owner_of(key: str) -> str | None:
    """Whose object this is, by its key; None for one that is nobody's."""
    return next((name for name in key.split("/")[1:3] if OWNER.fullmatch(name)), None)


def key_of(row: dict) -> str:
    """Where an upload's object lies."""
    owner, upload_id = row["pk"].removeprefix("OWNER#"), row["sk"].removeprefix("UPLOAD#")
    area = "uploads/open" if row.get("transfer") == "form" else "uploads"
    return f"{area}/{owner}/{upload_id}.{EXTENSIONS[row['content_type']]}"


def _thumbnails(row: dict) -> dict[str, dict]:
    owner, upload_id = row["pk"].removeprefix("OWNER#"), row["sk"].removeprefix("UPLOAD#")
    items = row.get("thumbnails", {}).get("items", [])
    extension = {"image/jpeg": "jpg", "image/webp": "webp"}
    return {f"thumbnails/{owner}/{upload_id}/{item['name']}.{extension[item.get('content_type', 'image/jpeg')]}": item for item in items}


def _items(stack: Stack) -> Iterable[dict]:
    deserializer = TypeDeserializer()
    for page in stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table, ConsistentRead=True):
        for item in page["Items"]:
            yield plain(deserializer.deserialize({"M": item}))


def _named(name: Name) -> str:
    return "/".join(name)


def counted(seen: Seen) -> dict[str, int]:
    """Rows by status, for a line of a report."""
    found: dict[str, int] = defaultdict(int)
    for row in seen.rows.values():
        found[row["status"]] += 1
    return dict(sorted(found.items()))
