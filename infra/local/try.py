"""`make try FILE=photo.jpg`: one upload from grant to thumbnail with nothing but HTTP, as any client would do it.

It must never print the query of a signed URL: whoever reads it may upload.
"""

import argparse
import base64
import hashlib
import http.client
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from infra.local import outputs, sorry
from infra.local.issuer import mint, read_key
from infra.local.places import ISSUER_KEY
from infra.local.sorry import Sorry

# What the extension of a file says about it. The server looks at the bytes.
TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".pdf": "application/pdf",
}
REPLY_SECONDS = 60
THUMBNAIL_SECONDS = 60
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Reply:
    """What came back, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    milliseconds: float

    def json(self) -> dict:
        """The body as an object."""
        return json.loads(self.body)


def main() -> None:
    """Walks the flow and prints each step."""
    parser = argparse.ArgumentParser(prog="make try")
    parser.add_argument("file", type=Path, help="a photo, a video or a PDF")
    path = parser.parse_args().file
    content_type = TYPES.get(path.suffix.lower())
    if not path.is_file():
        raise Sorry(f"{path} is not a file.")
    if content_type is None:
        raise Sorry(f"{path.name} has an extension nobody accepts here; try one of {' '.join(TYPES)}.")
    running = outputs.read()
    token = mint(running.issuer, read_key(ISSUER_KEY))
    api = Api(running.api_url, {"Authorization": f"Bearer {token}"})

    size = path.stat().st_size
    with path.open("rb") as file:
        checksum = base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()
        wanted = {"filename": path.name, "contentType": content_type, "size": size, "checksum": {"sha256": checksum}}
        grant = api.call("POST", "/v1/uploads", wanted)
        request = grant["request"]
        file.seek(0)
        # The length is signed as well; http.client would chunk a file without it.
        send(request["method"], request["url"], request["headers"] | {"content-length": str(size)}, file)
    record = api.call(grant["confirm"]["method"], grant["confirm"]["href"])
    record = _with_thumbnails(api, record)
    send("GET", record["fileUrl"])
    for thumbnail in record["thumbnails"]["items"]:
        send("GET", thumbnail["url"])

    print(f"\nFile       {record['fileUrl']}")
    for thumbnail in record["thumbnails"]["items"]:
        print(f"Thumbnail  {thumbnail['url']}  ({thumbnail['width']}×{thumbnail['height']}, {thumbnail['size']} bytes)")
    if not record["thumbnails"]["items"]:
        reason = record["thumbnails"].get("reason")
        print(f"Thumbnail  {record['thumbnails']['status']}{f': {reason}' if reason else ''}")


@dataclass(frozen=True)
class Api:
    """The API as one user."""

    url: str
    headers: dict[str, str]

    def call(self, method: str, href: str, body: dict | None = None, *, quiet: bool = False) -> dict:
        """One JSON call; the step is printed unless it is one of many."""
        headers = self.headers | ({"Content-Type": "application/json"} if body else {})
        return send(method, self.url + href, headers, json.dumps(body).encode() if body else None, quiet=quiet).json()


def send(
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    body: bytes | BinaryIO | None = None,
    *,
    quiet: bool = False,
) -> Reply:
    """One request, printed as one line; anything but success is printed in any case and ends the walk."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
    began = time.monotonic()
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=REPLY_SECONDS)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Sorry(f"{method} {shown} got no answer ({error}); is `make dev` still running?") from error
    finally:
        connection.close()
    names = {name.lower(): value for name, value in answer.getheaders()}
    reply = Reply(answer.status, names, content, (time.monotonic() - began) * 1000)
    good = 200 <= reply.status < 300
    if not (quiet and good):
        print(f"{method:<5} {shown}  {reply.status}  {reply.milliseconds:.0f} ms", flush=True)
    if not good:
        raise Sorry(f"that was refused: {_why(reply)}")
    return reply


def _why(reply: Reply) -> str:
    if reply.headers.get("content-type", "").startswith("application/problem+json"):
        problem = reply.json()
        errors = "".join(f"; {error['pointer']} {error['detail']}" for error in problem.get("errors", []))
        return f"{problem['code']}: {problem['detail']}{errors} (request {problem['requestId']})"
    # S3 and CloudFront speak XML.
    if code := re.search(rb"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?", reply.body):
        return ": ".join(part.decode(errors="replace") for part in code.groups() if part)
    return reply.body.decode(errors="replace")[:300] or f"status {reply.status} without a word"


def _with_thumbnails(api: Api, record: dict) -> dict:
    """Polls, which is one step however often it takes."""
    if record["thumbnails"]["status"] != "pending":
        return record
    href = f"/v1/uploads/{record['id']}"
    began, looks = time.monotonic(), 0
    while record["thumbnails"]["status"] == "pending":
        if time.monotonic() - began > THUMBNAIL_SECONDS:
            raise Sorry(f"there was no thumbnail after {THUMBNAIL_SECONDS} seconds; the log of `make dev` may say why.")
        time.sleep(POLL_SECONDS if looks else 0)
        record, looks = api.call("GET", href, quiet=True)["file"], looks + 1
    waited = (time.monotonic() - began) * 1000
    print(f"GET   {api.url}{href}  200  {waited:.0f} ms, thumbnails {record['thumbnails']['status']} at look {looks}", flush=True)
    return record


if __name__ == "__main__":
    sorry.run(main)
