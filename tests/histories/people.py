"""Two people who upload, and what they hold of their uploads. They speak HTTP alone, once: nothing is repeated behind a history's back."""

import hashlib
import http.client
import json
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_plus, urlsplit

from tests.e2e.samples import MP4, PDF, PHOTO, PNG
from tests.e2e.uppy import key_query, post_form
from tests.e2e.user import User, sha256
from tests.e2e.web import Reply, send
from tests.faults.client import describe, faults_of
from tests.faults.invariants import EXTENSIONS
from tests.histories.life import IN_PARTS, OF_THE_API, Body, Found, Kind, Life, Op, Seen

PART = 5 << 20
TYPES = {
    Kind.PHOTO: "image/jpeg",
    Kind.BOUND: "image/jpeg",
    Kind.DAMAGED: "image/jpeg",
    Kind.PAPER: "application/pdf",
    Kind.FILM: "video/mp4",
    Kind.FORM: "image/png",
    Kind.LOOSE: "image/png",
}
# What a gateway says for a function that died.
DIED = "its function died"
# How often somebody asks whether S3 has put parts together.
ASKED = 40
ASKED_SECONDS = 0.25


class Person(User):
    """A user who keeps what was wrong with an answer, whatever it was for. `may_die` says that a function may be killed."""

    def __init__(self, *known: object) -> None:
        super().__init__(*known)
        self.may_die = False
        self.wrong: list[str] = []

    def call(self, *what: object, **how: object) -> Reply:
        """One call of the API, and the contract's word on its answer."""
        reply = super().call(*what, **how)
        self.wrong += [f"{what[0]} {what[1]}: {fault}" for fault in faults_of(reply, may_die=self.may_die)]
        return reply


@dataclass
class Upload:
    """An upload as whoever asked for it holds it, and as the model sees it."""

    number: int
    person: Person
    kind: Kind
    content: bytes
    said: dict
    id: str = ""
    key: str = ""
    # What is to be sent, as it was granted first and as it was signed last.
    requests: list[dict] = field(default_factory=list)
    etags: dict[int, str] = field(default_factory=dict)
    parts: dict[int, Body] = field(default_factory=dict)
    # In milliseconds since 1970, set back with the rows.
    ends: int = 0
    ready_since: int = 0
    life: Life = field(default_factory=Life)
    found: Found = field(default_factory=Found)
    # A fault came between a tag and its row, or between a tombstone and what is removed for it.
    may_be_served: bool = False

    @property
    def seen(self) -> Seen:
        """What the model goes by."""
        now = now_milliseconds()
        return Seen(self.kind, self.life, self.found, self.ends - now, now - self.ready_since)

    def bytes_of(self, body: Body) -> bytes:
        """What somebody sends for it."""
        match body:
            case Body.WRONG:
                return page(len(self.content))
            case Body.FOREIGN:
                return page(len(self.content) + 1)
            case Body.SHORT:
                return self.content[:-1]
        return self.content

    def body_of(self, etag: str) -> Body:
        """What lies in the bucket, by the `ETag` it has."""
        etag = etag.strip('"')
        if "-" in etag:
            return self.parts.get(1, Body.RIGHT)
        return next((body for body in (Body.RIGHT, Body.WRONG, Body.FOREIGN) if etag == hashlib.md5(self.bytes_of(body)).hexdigest()), Body.FOREIGN)

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def now_milliseconds() -> int:
    """By this machine's clock, which is the functions' too."""
    return int(time.time() * 1000)


def page(size: int) -> bytes:
    """What is no picture, no film and no paper."""
    return b"<!doctype html><script>alert(1)</script>".ljust(size)[:size]


def wanted(person: Person, number: int, kind: Kind) -> Upload:
    """Something that nobody else has, and what is said of it."""
    tail = hashlib.sha256(f"{person.owner} {number}".encode()).digest()
    content = {
        Kind.PHOTO: PHOTO.content,
        Kind.BOUND: PHOTO.content,
        Kind.DAMAGED: PHOTO.content[:3000],
        Kind.PAPER: PDF.content,
        Kind.FILM: MP4.content.ljust(PART + 1 - len(tail), b"\0"),
        Kind.FORM: PNG.content,
        Kind.LOOSE: PNG.content,
    }[kind] + tail
    said: dict = {"filename": f"Geheim äöü {uuid.uuid4()}.{EXTENSIONS[TYPES[kind]]}", "contentType": TYPES[kind], "size": len(content)}
    if kind is Kind.BOUND:
        said["checksum"] = {"sha256": sha256(content)}
    if kind is Kind.FILM:
        said["partSize"] = PART
    person.secrets.texts.add(said["filename"])
    return Upload(number, person, kind, content, said)


def ask(upload: Upload, key: str | None = None) -> Reply:
    """Asks for a grant, by the route of its kind."""
    person = upload.person
    match upload.kind:
        case Kind.FORM:
            return person.call("GET", f"/s3/params?filename=picture.png&type={upload.said['contentType']}")
        case Kind.LOOSE:
            said = {"filename": upload.said["filename"], "type": upload.said["contentType"], "metadata": {"size": upload.said["size"]}}
            return person.call("POST", "/s3/multipart", said)
    return person.issue(upload.said, {"idempotency-key": key} if key else None)


def take(upload: Upload, granted: dict) -> None:
    """Keeps what an answer grants."""
    person = upload.person
    if upload.kind in OF_THE_API:
        upload.id = granted["id"]
        upload.key = f"uploads/{person.owner}/{upload.id}.{EXTENSIONS[TYPES[upload.kind]]}"
        if given := granted.get("request") or granted.get("multipart"):
            upload.requests.append(given)
    elif upload.kind is Kind.FORM:
        upload.key = granted["fields"]["key"]
        upload.requests.append(granted)
    else:
        upload.key = granted["key"]
        upload.id = granted["uploadId"]
    upload.id = upload.id or upload.key.rsplit("/", 1)[1].split(".")[0]


def sign(upload: Upload) -> Reply:
    """Has what is to be sent signed once more."""
    person, path = upload.person, f"/v1/uploads/{upload.id}"
    match upload.kind:
        case Kind.FILM:
            reply = person.call("POST", f"{path}/parts", {"parts": [{"partNumber": 1}, {"partNumber": 2}]})
        case Kind.LOOSE:
            reply = person.call("GET", f"/s3/multipart/{upload.id}/1?{key_query(upload.key)}")
        case _:
            reply = person.call("POST", f"{path}/url")
    if reply.status == 200:
        said = reply.json()
        signed = {Kind.FILM: lambda: said, Kind.LOOSE: lambda: {"parts": [{"partNumber": 1, "method": "PUT", "headers": {}} | said]}}
        upload.requests.append(signed.get(upload.kind, lambda: said["request"])())
    return reply


def act(op: Op, upload: Upload, person: Person | None = None) -> Reply:
    """A call about an upload, by its owner or by somebody else."""
    who = person or upload.person
    path, query = f"/v1/uploads/{upload.id}", key_query(upload.key)
    match op, upload.kind:
        case Op.CONFIRM, Kind.LOOSE:
            named = [{"PartNumber": 1, "ETag": upload.etags.get(1, "never sent")}]
            return who.call("POST", f"/s3/multipart/{upload.id}/complete?{query}", {"parts": named})
        case Op.CONFIRM, _:
            for _ in range(ASKED):
                reply = who.call("POST", f"{path}/confirm")
                if reply.status != 202:
                    break
                # S3 is at it: a client asks again.
                time.sleep(ASKED_SECONDS)
            return reply
        case Op.CANCEL, Kind.LOOSE:
            return who.call("DELETE", f"/s3/multipart/{upload.id}?{query}")
        case Op.CANCEL, _:
            return who.call("DELETE", path)
        case Op.DELETE, _:
            return who.call("DELETE", f"/v1/files/{upload.id}")
        case Op.SIGN, _:
            assert who is upload.person, "what is signed for others is nobody's to keep"
            return sign(upload)
    raise AssertionError(op)


def answer_of(reply: Reply) -> str:
    """Status and code; what Uppy is told of a cancellation is ours with another status."""
    said = describe(reply)
    if reply.status == 200 and reply.body == b"{}":
        return "204"
    return DIED if said in ("500", "502", "503", "504") else said


def put(upload: Upload, body: Body, *, first: bool, parts: tuple[int, ...] = (1, 2)) -> list[str]:
    """Sends something as it was granted first, or signed last; what S3 says."""
    if not upload.requests:
        return []
    request = upload.requests[0 if first else -1]
    if upload.kind in IN_PARTS:
        return [_put_part(upload, part, body) for part in request["parts"] if part["partNumber"] in parts]
    if upload.kind is Kind.FORM:
        return [_put_form(upload, request, body)]
    headers = dict(request["headers"])
    if body is Body.MISTYPED:
        headers["content-type"] = "text/html"
    return [_sent(body, request["method"], request["url"], headers, upload.bytes_of(body))]


def _put_part(upload: Upload, part: dict, body: Body) -> str:
    number = part["partNumber"]
    begin = (number - 1) * PART
    content = upload.content[begin : begin + PART]
    if body is Body.WRONG and number == 1:
        content = page(len(content))
    elif body is Body.SHORT:
        content = content[:-1]
    if body is Body.CUT_OFF:
        return _sent(body, part["method"], part["url"], part["headers"], content)
    reply = send(part["method"], part["url"], part["headers"], content)
    if reply.status == 200:
        upload.etags[number] = reply.headers["etag"]
        upload.parts[number] = Body.WRONG if body is Body.WRONG and number == 1 else Body.RIGHT
    return str(reply.status)


def _put_form(upload: Upload, form: dict, body: Body) -> str:
    fields = form["fields"] | ({"Content-Type": "text/html"} if body is Body.MISTYPED else {})
    # Its policy admits any size but none at all.
    content = b"" if body is Body.SHORT else upload.bytes_of(body)
    if body is Body.CUT_OFF:
        return _sent(body, "POST", form["url"], {"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n" + content)
    return str(post_form(form["url"], fields, content).status)


def _sent(body: Body, method: str, url: str, headers: dict[str, str], content: bytes) -> str:
    if body is not Body.CUT_OFF:
        return str(send(method, url, headers, content).status)
    # As many bytes are announced as were granted, half of them come, and the line is dead.
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    with suppress(OSError):
        connection.putrequest(method, f"{parts.path}?{parts.query}")
        for name, value in (headers | {"content-length": str(len(content))}).items():
            connection.putheader(name, value)
        connection.endheaders(content[: len(content) // 2])
        connection.sock.shutdown(socket.SHUT_WR)
        connection.sock.recv(1)
    connection.close()
    return Body.CUT_OFF


def at_once(*what: Callable[[], str]) -> list[str]:
    """All of these at the same moment."""
    with ThreadPoolExecutor(len(what)) as pool:
        return [done.result() for done in [pool.submit(one) for one in what]]


@dataclass
class Message:
    """What S3 or the sweep tells of a version that has arrived."""

    upload: Upload
    version: str | None
    body: str
    is_lost: bool = False


def read_message(body: str) -> tuple[str, str | None]:
    """The key and the version that it names."""
    told = json.loads(body)["Records"][0]["s3"]["object"]
    return unquote_plus(told["key"]), told.get("versionId")
