"""What Uppy does, without Uppy: its calls as they were recorded, replayed against a stack.

`uppy_recordings.json` holds what unmodified clients sent in Chromium, in order, reduced to what matters: the API's calls with
their bodies, the requests to S3 by kind and part, faults included. It must never send what no client would.
"""

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from .samples import MP4, PNG
from .web import Reply, send

RECORDINGS: dict[str, list[dict]] = json.loads(Path(__file__).with_name("uppy_recordings.json").read_text())
PART = 5 << 20
BIG = (MP4.content + bytes(range(256)) * (6 * PART // 256))[: 6 * PART + 123]
"""30 MiB and 123 bytes, of the type that the recorded file had: seven parts of Uppy's cut."""
SMALL = PNG.content


def part_of(content: bytes, number: int) -> bytes:
    """A part as Uppy cuts it."""
    return content[(number - 1) * PART : number * PART]


def post_form(url: str, fields: dict[str, str], content: bytes, *, headers: dict[str, str] | None = None) -> Reply:
    """A form as a browser sends it, the file last."""
    boundary = f"----WebKitFormBoundary{uuid.uuid4().hex}"
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    head = 'Content-Disposition: form-data; name="file"; filename="small photo.png"\r\nContent-Type: application/octet-stream\r\n\r\n'
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in [*parts, head.encode() + content])
    sent = {"content-type": f"multipart/form-data; boundary={boundary}"} | (headers or {})
    return send("POST", url, sent, body + f"--{boundary}--\r\n".encode())


def call(endpoint: str, request: str, headers: dict[str, str], body: object = None) -> Reply:
    """A call of Uppy's: method and path, and what it was given to authorize itself with."""
    method, path = request.split(" ", 1)
    if body is not None:
        headers = headers | {"content-type": "application/json"}
    return send(method, endpoint + path, headers, None if body is None else json.dumps(body).encode())


def key_query(key: str) -> str:
    """A key as it stands in a query."""
    return f"key={quote(key, safe='')}"


@dataclass
class Replay:
    """A recording under way."""

    endpoint: str
    headers: dict[str, str]
    form: dict = field(default_factory=dict)
    key: str = ""
    upload_id: str = ""
    signed: dict[int, dict] = field(default_factory=dict)
    create: dict = field(default_factory=dict)
    own: dict = field(default_factory=dict)
    etags: dict[int, str] = field(default_factory=dict)
    completed: dict = field(default_factory=dict)
    listed: list[dict] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def run(self, name: str) -> None:
        """Every step of a recording; each must succeed, but those that were made to fail."""
        for step in RECORDINGS[name]:
            reply = self.api(step) if "api" in step else self.s3(step)
            if reply is not None:
                assert reply.status < 300, (step, reply)
                self.replies.append(reply)

    def api(self, step: dict) -> Reply:
        request = step["api"].replace("key={key}", key_query(self.key)).replace("{uploadId}", self.upload_id)
        body = json.loads(json.dumps(step.get("body")).replace("{uploadId}", self.upload_id).replace("{key}", self.key))
        if body and isinstance(body.get("parts"), str):
            body = {"parts": self.parts(body["parts"])}
        reply = call(self.endpoint, request, self.headers, body)
        if reply.status < 300:
            self.note(request, body or {}, reply.json())
        return reply

    def parts(self, spelling: str) -> list[dict]:
        """What is said of the parts: 3 to 5 send the ETag as it came, 3 a second time in lower case, 6 without quotes."""
        if spelling == "bare":
            return [{"PartNumber": number, "ETag": etag.strip('"')} for number, etag in sorted(self.etags.items())]
        return [{"ETag": etag, "etag": etag, "PartNumber": number} for number, etag in sorted(self.etags.items())]

    def note(self, request: str, body: dict, answer: dict | list) -> None:
        path = request.split(" ", 1)[1].split("?")[0].removeprefix("/s3/")
        match path.split("/"), body:
            case ["params"], _:
                self.form = answer
            case ["multipart"], _:
                self.key, self.upload_id = answer["key"], answer["uploadId"]
            case ["multipart", _, "complete"], _:
                self.completed = answer
            case ["multipart", _, number], _:
                self.signed[int(number)] = answer
            case ["multipart", _], _ if request.startswith("GET"):
                self.listed = answer
            case ["sign"], {"partNumber": number}:
                self.signed[number] = answer
            case ["sign"], {"uploadId": _}:
                self.own = answer
            case ["sign"], {"method": "PUT"}:
                self.form = answer
            case ["sign"], {"method": "POST"}:
                self.create, self.key = answer, answer["key"]

    def s3(self, step: dict) -> Reply | None:
        if step["s3"] == "whole":
            return post_form(self.form["url"], self.form["fields"], SMALL)
        if step.get("failed"):
            return None  # It never came through.
        if "part" in step:
            number = step["part"]
            signed = self.signed[number]
            reply = send("PUT", signed["url"], signed.get("headers", {}), part_of(BIG, number))
            self.etags[number] = reply.headers.get("etag", "")
            return reply
        # What the signer names goes over what the client would send.
        signed = self.create if step.get("begins") else self.own
        headers = step.get("headers", {}) | signed.get("headers", {})
        if step.get("begins"):
            reply = send(step["s3"], signed["url"], headers, b"")
            self.upload_id = reply.body.decode().split("<UploadId>")[1].split("<")[0]
            return reply
        return send(step["s3"], signed["url"], headers, self.xml())

    def xml(self) -> bytes:
        """What a client that completes its own parts sends."""
        parts = (f"<Part><PartNumber>{n}</PartNumber><ETag>{e.strip(chr(34))}</ETag></Part>" for n, e in sorted(self.etags.items()))
        return f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()
