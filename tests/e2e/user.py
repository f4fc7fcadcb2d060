"""One user of the API, by HTTP alone."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, field

from .polling import eventually
from .samples import Sample
from .web import Reply, send


@dataclass
class Secrets:
    """What must never reach a log; every user adds theirs."""

    texts: set[str] = field(default_factory=set)


class User:
    """A subject with a token. What it is given to upload it names after itself, so that a log that repeats the name shows."""

    def __init__(self, api_url: str, token: str, sub: str, secrets: Secrets) -> None:
        self.api_url = api_url
        self.token = token
        self.sub = sub
        self.owner = hashlib.sha256(sub.encode()).hexdigest()[:32]
        self.secrets = secrets
        # A subject may be an e-mail address.
        secrets.texts.update((token, sub))

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None, token: str | None = None
    ) -> Reply:
        """One call of the API. `body` is sent as JSON unless it is bytes already."""
        sent = {"authorization": f"Bearer {token or self.token}"}
        if body is not None:
            sent["content-type"] = "application/json"
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return send(method, self.api_url + path, sent | (headers or {}), content)

    def issue(self, wanted: dict, headers: dict[str, str] | None = None) -> Reply:
        """Asks for a grant."""
        if isinstance(name := wanted.get("filename"), str) and len(name) > 8:
            self.secrets.texts.add(name)
        return self.call("POST", "/v1/uploads", wanted, headers)

    def grant(self, sample: Sample, *, checksum: bool = False) -> dict:
        """A grant for a sample."""
        return self.grant_for(sample.content, sample.content_type, sample.extension, checksum=checksum)

    def grant_for(self, content: bytes, content_type: str, extension: str, *, checksum: bool = False) -> dict:
        """A grant for these bytes."""
        reply = self.issue(wanted(content, content_type, extension, checksum=checksum))
        assert reply.status == 201, reply
        return reply.json()

    def put(self, grant: dict, content: bytes, headers: dict[str, str] | None = None) -> Reply:
        """Sends the bytes to S3 as the grant says, or with other headers."""
        request = grant["request"]
        return send(request["method"], request["url"], request["headers"] if headers is None else headers, content)

    def confirm(self, grant: dict) -> Reply:
        """Says that the file has arrived."""
        return self.call(grant["confirm"]["method"], grant["confirm"]["href"])

    def read(self, grant: dict) -> Reply:
        """Asks for the state of an upload."""
        return self.call("GET", f"/v1/uploads/{grant['id']}")

    def resign(self, grant: dict) -> Reply:
        """Asks for another URL."""
        return self.call("POST", f"/v1/uploads/{grant['id']}/url")

    def cancel(self, grant: dict) -> Reply:
        """Gives the grant back."""
        return self.call("DELETE", f"/v1/uploads/{grant['id']}")

    def files(self, query: str = "") -> Reply:
        """Asks for a page of files."""
        return self.call("GET", f"/v1/files{query}")

    def file(self, upload: dict) -> Reply:
        """Asks for one file."""
        return self.call("GET", f"/v1/files/{upload['id']}")

    def delete(self, upload: dict) -> Reply:
        """Deletes a file."""
        return self.call("DELETE", f"/v1/files/{upload['id']}")

    def upload(self, sample: Sample, *, checksum: bool = False) -> dict:
        """The grant of a sample whose bytes have arrived."""
        return self.upload_of(sample.content, sample.content_type, sample.extension, checksum=checksum)

    def upload_of(self, content: bytes, content_type: str, extension: str, *, checksum: bool = False) -> dict:
        """The grant of bytes that have arrived."""
        grant = self.grant_for(content, content_type, extension, checksum=checksum)
        reply = self.put(grant, content)
        assert reply.status == 200, reply
        return grant

    def settled(self, grant: dict) -> dict:
        """The upload once it is neither pending nor waiting for its thumbnails."""

        def look() -> dict | None:
            reply = self.read(grant)
            assert reply.status == 200, reply
            upload = reply.json()
            waits = upload["status"] == "pending" or upload.get("file", {}).get("thumbnails", {}).get("status") == "pending"
            return None if waits else upload

        return eventually(look, f"upload {grant['id']} is settled")


def wanted(content: bytes, content_type: str, extension: str, *, checksum: bool = False) -> dict:
    """What a client says about these bytes, under a name nobody else uses."""
    said = {"filename": f"Geheim äöü {uuid.uuid4()}.{extension}", "contentType": content_type, "size": len(content)}
    if checksum:
        said["checksum"] = {"sha256": sha256(content)}
    return said


def sha256(content: bytes) -> str:
    """A digest as S3 writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
