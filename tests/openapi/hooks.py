"""What Schemathesis cannot know of this API, in its own process: what a schema cannot say, what files look like, and what was seen.

It must never hide an answer: what it leaves out are requests, each kind by name and with its reason, and a kind that has not come up is listed.
"""

import atexit
import json
import os
import threading
from collections import Counter

import requests
import schemathesis

MIB = 1 << 20
# What each type's files begin with, for files that pass verification.
BEGINS = {
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "application/pdf": b"%PDF-1.7\n",
}
# What a schema cannot say. Requests of these kinds are not sent.
EXPLAINED = {
    "a part size too small for 10,000 parts": "depends on another member, the size",
    "a SHA-256 of a file in parts": "depends on two other members, size and part size",
}
_seen: Counter = Counter()
_lock = threading.Lock()


def _count(what: str) -> None:
    with _lock:
        _seen[what] += 1


def _reason(new: object) -> str | None:
    """Why a body that its schema allows asks for no grant."""
    if not isinstance(new, dict):
        return None
    size, part = new.get("size"), new.get("partSize")
    # 5.0 is an integer to JSON.
    if not isinstance(size, int | float) or isinstance(part, bool | str | list | dict):
        return None
    cut = part or max(16 * MIB, -(-size // 10_000))
    if part and size > part * 10_000:
        return "a part size too small for 10,000 parts"
    checksum = new.get("checksum")
    if isinstance(checksum, dict) and isinstance(checksum.get("sha256"), str) and size > cut:
        return "a SHA-256 of a file in parts"
    return None


@schemathesis.hook
def filter_body(context, body) -> bool:
    """Whether a generated body is sent."""
    reason = _reason(body) if context.operation.path in ("/v1/uploads", "/get-upload-url") else None
    if reason:
        _count(reason)
    return reason is None


@schemathesis.hook
def after_call(context, case, response) -> None:
    """Notes the answer, and has the file of a small grant arrive, so that what comes after a confirm is reached too."""
    operation = case.operation.definition.raw["operationId"]
    _count(f"{operation} {response.status_code}")
    if operation == "readUpload" and response.status_code == 200 and response.json()["status"] in ("cancelled", "deleted"):
        _count("readUpload ended")
    if operation not in ("issueUpload", "getUploadUrl") or response.status_code not in (200, 201):
        return
    told, asked = response.json(), case.body
    begins = BEGINS.get(asked["contentType"])
    if begins is None or not len(begins) <= asked["size"] <= MIB:
        return
    put = told.get("request") or {"url": told.get("uploadUrl"), "headers": told.get("headers")}
    if put["url"] and not asked.get("checksum"):
        content = begins + bytes(int(asked["size"]) - len(begins))
        _count(f"PUT {requests.put(put['url'], content, headers=put['headers'], timeout=30).status_code}")


@schemathesis.check
def each_item_of_a_batch_is_answered(context, response, case) -> None:
    """Every item has its own status, and a problem only if that is one."""
    if case.operation.definition.raw["operationId"] != "issueUploads" or response.status_code != 200:
        return
    items = response.json()["items"]
    assert len(items) == len(case.body["items"]), "some items have no answer"
    for item in items:
        assert ("problem" in item) == (item["status"] >= 400), f"an item's status is {item['status']}"
        assert item.get("problem", item)["status"] == item["status"]


@atexit.register
def _write() -> None:
    if where := os.environ.get("VALET_SEEN"):
        with open(where, "w") as file:
            json.dump(_seen, file, indent=1, sort_keys=True)
