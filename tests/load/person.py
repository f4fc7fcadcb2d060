"""One person after another: a grant, the file, its thumbnail, a look at the list and at the CDN, for some a deletion; and the hostile, who
want what nobody granted, and those who vanish on the way. It must never wait for ever, nor take an answer it did not expect for one.
"""

import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.local.stack import Stack
from tests.e2e.samples import GIF, MP4, PHOTO, PNG, WEBP
from tests.e2e.user import sha256
from tests.e2e.web import Reply, send
from tests.load.figures import Figures

KIB, MIB = 1 << 10, 1 << 20
PART = 5 * MIB
HOSTILE = 0.05
VANISHING = 0.05
# What the rest do.
UNCONFIRMED = 0.3
DELETED = 0.3
WITH_CHECKSUM = 0.5
LARGE, FILM = 0.05, 0.15
# Longer than a message stays hidden that has to come again: the queue's VisibilityTimeout, and what the function then takes.
SETTLING_SECONDS = 420
# From here on it is worth a line.
SLOW_SECONDS = 60
POLL_SECONDS = 0.3
STEPS = 6


class Vanished(Exception):
    """The person has closed the tab."""


class Unexpected(Exception):
    """An answer that is not one of those that belong here."""


@dataclass
class Known:
    """What all persons know of each other: ids to be tried by those they do not belong to, and secrets to be looked for in logs."""

    ids: list[str] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)


@dataclass
class File:
    """What a person uploads."""

    content: bytes
    content_type: str
    has_thumbnail: bool
    part_size: int | None = None


def some_file(dice: random.Random) -> File:
    """10 kB to 40 MB: most are pictures, some films, a few go up in parts. No two are the same."""
    unique = dice.randbytes(16)
    drawn = dice.random()
    if drawn < LARGE:
        size = dice.randint(6 * MIB, 40_000_000)
        return File(MP4.content.ljust(size - 16, b"\0") + unique, "video/mp4", has_thumbnail=False, part_size=PART)
    if drawn < LARGE + FILM:
        return File(MP4.content.ljust(dice.randint(200_000, 2_000_000), b"\0") + unique, "video/mp4", has_thumbnail=False)
    sample = dice.choice([PHOTO, PHOTO, PNG, WEBP, GIF])
    # A picture ends where its format says; what follows makes it larger.
    size = int(10_000 * 100 ** dice.random())
    return File(sample.content.ljust(size, b"\0") + unique, sample.content_type, has_thumbnail=True)


class Person:
    """Somebody with a token."""

    def __init__(self, stack: Stack, figures: Figures, known: Known, dice: random.Random) -> None:
        self._stack = stack
        self._figures = figures
        self._known = known
        self._dice = dice
        sub = f"{uuid.UUID(bytes=dice.randbytes(16))}@example.com"
        self.owner = hashlib.sha256(sub.encode()).hexdigest()[:32]
        self._token = stack.token(sub=sub)
        known.owners.add(self.owner)
        known.secrets.update((sub, self._token))
        self._left = dice.randint(1, STEPS) if dice.random() < VANISHING else None

    def live(self) -> None:
        """From the grant to the end, whatever that is."""
        try:
            if self._dice.random() < HOSTILE:
                attack = self._dice.choice(ATTACKS)
                attack(self)
                self._figures.count(f"hostile: {attack.__name__.strip('_').replace('_', ' ')}")
            else:
                self._upload(some_file(self._dice))
        except Vanished:
            self._figures.count("vanished")
        except Unexpected as told:
            self._figures.wrong(str(told))
        except OSError as error:
            self._figures.wrong(f"no answer: {error!r}")

    def _upload(self, file: File) -> None:
        began = time.monotonic()
        grant = self._granted(file)
        self._step()
        self._send(grant, file)
        self._step()
        # Parts become a file only when somebody says so.
        if file.part_size or self._dice.random() >= UNCONFIRMED:
            self._confirm(grant)
            self._step()
        record = self._settled(grant, file)
        self._figures.count("uploaded", len(file.content))
        self._figures.answered("from the grant to the thumbnail" if file.has_thumbnail else "from the grant to ready", time.monotonic() - began, "done")
        self._step()
        listed = self._api("GET", "/v1/files", "/v1/files?limit=20", expect=(200,)).json()["items"]
        if [item["id"] for item in listed] != [grant["id"]]:
            raise Unexpected("a list that is not one's own")
        self._step()
        self._served(record, file)
        if file.part_size or self._dice.random() < DELETED:
            self._step()
            self._api("DELETE", "/v1/files/{id}", f"/v1/files/{grant['id']}", expect=(204,))
            if self._cdn(record["fileUrl"], 403).status != 403:
                raise Unexpected("a deleted file was served")
            self._figures.count("deleted")
        elif len(self._known.ids) < 1000:
            self._known.ids.append(grant["id"])

    def _wanted(self, file: File) -> dict:
        name = f"Geheim äöü {uuid.UUID(bytes=self._dice.randbytes(16))}"
        self._known.secrets.add(name)
        said: dict = {"filename": name, "contentType": file.content_type, "size": len(file.content)}
        if file.part_size:
            said["partSize"] = file.part_size
        elif self._dice.random() < WITH_CHECKSUM:
            said["checksum"] = {"sha256": sha256(file.content)}
        return said

    def _granted(self, file: File) -> dict:
        headers = {"idempotency-key": str(uuid.UUID(bytes=self._dice.randbytes(16)))} if self._dice.random() < 0.5 else {}
        return self._api("POST", "/v1/uploads", "/v1/uploads", self._wanted(file), headers, expect=(201,)).json()

    def _send(self, grant: dict, file: File) -> None:
        if "request" in grant:
            self._put(grant, file.content, expect=(200,))
            return
        parts = grant["multipart"]
        for part in parts["parts"]:
            begin = (part["partNumber"] - 1) * parts["partSize"]
            content = file.content[begin : begin + part["size"]]
            self._timed("PUT a part", lambda part=part, content=content: send(part["method"], part["url"], part["headers"], content), (200,))
            self._step()

    def _put(self, grant: dict, content: bytes, *, expect: tuple[int, ...], headers: dict[str, str] | None = None) -> Reply:
        request = grant["request"]
        given = request["headers"] if headers is None else headers
        return self._timed("PUT", lambda: send(request["method"], request["url"], given, content), expect)

    def _confirm(self, grant: dict, *, expect: int = 200) -> Reply:
        deadline = time.monotonic() + SETTLING_SECONDS
        while True:
            reply = self._api("POST", "/v1/uploads/{id}/confirm", grant["confirm"]["href"], expect=(expect, 202))
            if reply.status != 202:
                return reply
            if time.monotonic() > deadline:
                raise Unexpected("a confirm that never ends")
            time.sleep(POLL_SECONDS)

    def _settled(self, grant: dict, file: File) -> dict:
        """The file once it is ready, with its thumbnails."""
        began = time.monotonic()
        while time.monotonic() < began + SETTLING_SECONDS:
            upload = self._api("GET", "/v1/uploads/{id}", f"/v1/uploads/{grant['id']}", expect=(200,)).json()
            if upload["status"] not in ("pending", "ready"):
                raise Unexpected(f"a good file became {upload['status']}: {upload.get('reason')}")
            if upload["status"] == "ready" and upload["file"]["thumbnails"]["status"] != "pending":
                wanted = "ready" if file.has_thumbnail else "none"
                if upload["file"]["thumbnails"]["status"] != wanted:
                    raise Unexpected(f"thumbnails of {file.content_type} are {upload['file']['thumbnails']}")
                if time.monotonic() > began + SLOW_SECONDS:
                    self._figures.slow.append(grant["id"])
                return upload["file"]
            time.sleep(POLL_SECONDS)
        raise Unexpected(f"{grant['id']} is not settled after {SETTLING_SECONDS} seconds")

    def _served(self, record: dict, file: File) -> None:
        if self._cdn(record["fileUrl"], 200).body != file.content:
            raise Unexpected("other bytes were served than were sent")
        for thumbnail in record["thumbnails"]["items"]:
            if len(self._cdn(thumbnail["url"], 200).body) != thumbnail["size"]:
                raise Unexpected("another thumbnail was served than is recorded")

    def _cdn(self, url: str, expect: int) -> Reply:
        return self._timed("GET from the CDN", lambda: send("GET", url), (expect,))

    def _api(self, method: str, route: str, path: str, body: dict | None = None, headers: dict[str, str] | None = None, *, expect: tuple[int, ...], token: str | None = None) -> Reply:
        given = {"authorization": f"Bearer {token or self._token}"} | (headers or {})
        content = None
        if body is not None:
            given["content-type"], content = "application/json", json.dumps(body).encode()
        return self._timed(f"{method} {route}", lambda: send(method, self._stack.api_url + path, given, content), expect)

    def _timed(self, route: str, call: Callable[[], Reply], expect: tuple[int, ...]) -> Reply:
        began = time.monotonic()
        reply = call()
        problem = reply.headers.get("content-type") == "application/problem+json"
        what = f"{reply.status} {reply.json()['code']}" if problem else str(reply.status)
        self._figures.answered(route, time.monotonic() - began, what)
        if reply.status not in expect:
            raise Unexpected(f"{route} answered {what} and not {expect}")
        return reply

    def _step(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise Vanished

    # The hostile.

    def _more_bytes_than_granted(self) -> None:
        file = some_picture(self._dice)
        self._put(self._granted(file), file.content + b"x", expect=(403,))

    def _another_type_than_granted(self) -> None:
        file = some_picture(self._dice)
        grant = self._granted(file)
        self._put(grant, file.content, headers=grant["request"]["headers"] | {"content-type": "text/html"}, expect=(403,))

    def _a_type_nobody_takes(self) -> None:
        self._api("POST", "/v1/uploads", "/v1/uploads", {"filename": "x.html", "contentType": "text/html", "size": 5}, expect=(415,))

    def _a_page_as_a_picture(self) -> None:
        file = File(b"<!doctype html><script>".ljust(2000) + self._dice.randbytes(16), "image/png", has_thumbnail=False)
        grant = self._granted(file)
        self._put(grant, file.content, expect=(200,))
        self._confirm(grant, expect=422)

    def _somebody_elses_file(self) -> None:
        theirs = self._dice.choice(self._known.ids) if self._known.ids else "01936f2e-8b5a-7c3d-9e4f-0123456789ab"
        self._api("GET", "/v1/files/{id}", f"/v1/files/{theirs}", expect=(404,))
        self._api("GET", "/v1/uploads/{id}", f"/v1/uploads/{theirs}", expect=(404,))
        self._api("POST", "/v1/uploads/{id}/confirm", f"/v1/uploads/{theirs}/confirm", expect=(404,))
        self._api("DELETE", "/v1/uploads/{id}", f"/v1/uploads/{theirs}", expect=(404,))
        self._api("DELETE", "/v1/files/{id}", f"/v1/files/{theirs}", expect=(404,))

    def _a_url_used_again(self) -> None:
        file = some_picture(self._dice)
        grant = self._granted(file)
        self._put(grant, file.content, expect=(200,))
        self._put(grant, file.content, expect=(412,))
        self._confirm(grant)
        self._api("DELETE", "/v1/files/{id}", f"/v1/files/{grant['id']}", expect=(204,))
        # S3 stores it; its event finds the tombstone.
        self._put(grant, file.content, expect=(200,))

    def _a_token_of_nobody(self) -> None:
        self._api("GET", "/v1/files", "/v1/files", expect=(401,), token=self._token[:-6] + "AAAAAA")

    def _more_than_anybody_may(self) -> None:
        self._api("POST", "/v1/uploads", "/v1/uploads", {"filename": "x", "contentType": "image/jpeg", "size": 1 << 42}, expect=(413,))


def some_picture(dice: random.Random) -> File:
    """A small one."""
    return File(PHOTO.content + dice.randbytes(16), PHOTO.content_type, has_thumbnail=True)


ATTACKS = [
    Person._more_bytes_than_granted,
    Person._another_type_than_granted,
    Person._a_type_nobody_takes,
    Person._a_page_as_a_picture,
    Person._somebody_elses_file,
    Person._a_url_used_again,
    Person._a_token_of_nobody,
    Person._more_than_anybody_may,
]
