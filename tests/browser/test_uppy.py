"""Uppy as it is published uploads to Valet: small and large, paused, reloaded, interrupted, cancelled, refused."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.e2e.user import User

from .bundles import uppy
from .conftest import LARGE, MEDIUM, SMALL
from .polling import eventually
from .site import JAVASCRIPT, Site
from .watch import Watch, opened, part_number

DRIVER = Path(__file__).with_name("uppy_page.js")
# What the bucket answers to a page of the origin.
CORS = {"access-control-allow-origin": "*", "access-control-expose-headers": "etag"}


@dataclass(frozen=True)
class Client:
    """A major of Uppy and how it is pointed at us."""

    major: int
    mode: str

    def __str__(self) -> str:
        return f"{self.major}-{self.mode}"


ENDPOINT, COMPANION, SIGN = Client(5, "endpoint"), Client(6, "companion"), Client(6, "sign")
NEW = [ENDPOINT, COMPANION, SIGN]
OLD = [Client(3, "endpoint"), Client(4, "endpoint")]


@dataclass
class Uppy:
    """A page with Uppy in it, and its user."""

    page: Page
    site: Site
    user: User
    client: Client
    watch: Watch

    def begin(self, **options: object) -> None:
        """Loads the page and makes the uploader."""
        self.site.files["/uppy_page.js"] = (JAVASCRIPT, DRIVER)
        module = self.site.script(f"/uppy-{self.client.major}.js", uppy(self.client.major))
        opened(self.page, self.site.origin)
        given = {"module": module, "major": self.client.major, "mode": self.client.mode, "api": self.user.api_url, "token": self.user.token}
        self.page.evaluate("async (options) => (await import('/uppy_page.js')).begin(options)", given | options)

    def choose(self, file: Path) -> None:
        """Chooses a file, which starts its upload."""
        self.page.set_input_files("input", file)

    def noted(self, what: str) -> list:
        """What the page has noted so far."""
        return self.page.evaluate("(what) => window.notes[what]", what)

    def is_through(self) -> None:
        """Waits until the upload succeeded; an error ends the waiting."""
        eventually(self.page, lambda: self.noted("succeeded") or self.noted("failed"), "Uppy is done")
        assert self.noted("failed") == []

    def do(self, method: str) -> None:
        """Calls Uppy."""
        self.page.evaluate("(method) => { window.uppy[method]() }", method)

    def puts(self) -> Counter[int]:
        """How often each part was sent."""
        return Counter(part_number(request) for request in self.watch.sent("PUT"))


@pytest.fixture
def use(page, site, user, watch):
    """Makes a page with a client in it."""

    def make(client: Client, **options: object) -> Uppy:
        made = Uppy(page, site, user, client, watch)
        made.begin(**options)
        return made

    return make


def arrives(at: Uppy, file: Path, storage) -> dict:
    """The one file of the user: ready, listed, and byte for byte what was chosen."""

    def listed() -> list[dict]:
        return at.user.files().json()["items"]

    (record,) = eventually(at.page, listed, "the file is listed")
    key = record["fileUrl"].split("/", 3)[3]
    assert (record["status"], record["size"], record["filename"]) == ("ready", file.stat().st_size, file.name)
    assert hashlib.sha256(storage.content(key)).digest() == hashlib.sha256(file.read_bytes()).digest()
    assert storage.tags(key) == {"verified": "true"}
    return record


def begun(at: Uppy, storage) -> list[dict]:
    """The user's multipart uploads that S3 still keeps."""
    found = storage.s3.list_multipart_uploads(Bucket=storage.bucket).get("Uploads", [])
    return [upload for upload in found if at.user.owner in upload["Key"]]


def hold(page: Page, first: int) -> None:
    """Keeps parts from `first` on from arriving, without an answer, until the routes are removed."""
    page.route(re.compile(rf"[?&]partNumber=([{first}-9])\b"), lambda route: None)


@pytest.mark.parametrize("client", NEW + OLD, ids=str)
def test_a_small_file_arrives(use, client, films, storage):
    at = use(client)
    at.choose(films[SMALL])
    at.is_through()
    arrives(at, films[SMALL], storage)


@pytest.mark.parametrize("client", NEW + OLD, ids=str)
def test_a_large_file_arrives_in_parts(use, client, films, storage):
    at = use(client)
    at.choose(films[LARGE])
    at.is_through()
    arrives(at, films[LARGE], storage)
    assert set(at.puts()) == {1, 2, 3, 4, 5, 6} and set(at.puts().values()) == {1}
    assert begun(at, storage) == []
    assert any(0 < bytes_sent < LARGE for bytes_sent in at.noted("progress"))


@pytest.mark.parametrize("client", NEW, ids=str)
def test_pausing_stops_and_resuming_sends_only_what_is_missing(use, client, films, storage):
    at = use(client, parallel=1)
    hold(at.page, first=2)
    at.choose(films[MEDIUM])
    eventually(at.page, lambda: at.noted("parts") == [1] and at.puts()[2], "the first part has arrived and the second is under way")
    at.do("pauseAll")
    at.page.unroute_all(behavior="ignoreErrors")
    at.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    at.do("resumeAll")
    at.is_through()
    arrives(at, films[MEDIUM], storage)
    assert at.puts()[1] == 1


@pytest.mark.parametrize("client", NEW, ids=str)
def test_an_upload_goes_on_after_a_reload(use, client, films, storage):
    at = use(client, retriever=True, parallel=1)
    hold(at.page, first=2)
    at.choose(films[MEDIUM])
    eventually(at.page, lambda: at.noted("parts") == [1] and at.puts()[2], "the first part has arrived and the second is under way")
    # The package writes down what it knows twice a second, and nothing tells when it has.
    eventually(at.page, lambda: "s3Multipart" in remembered(at), "the upload is remembered")
    at.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    at.begin(retriever=True, parallel=1)
    # Not before: what is held would go on its way.
    at.page.unroute_all(behavior="ignoreErrors")
    eventually(at.page, lambda: at.noted("restored"), "the file is restored")
    # What Uppy's own dashboard does when its user says go on.
    at.page.evaluate("() => { uppy.emit('restore-confirmed') }")
    at.is_through()
    arrives(at, films[MEDIUM], storage)
    assert at.puts()[1] == 1


@pytest.mark.parametrize("client", NEW, ids=str)
def test_a_part_that_fails_is_sent_again(use, client, films, storage):
    at = use(client)
    failures = []

    def fail_once(route: Route) -> None:
        if not failures:
            failures.append(route.request.url)
            route.fulfill(status=503, headers=CORS, body="<Error><Code>SlowDown</Code></Error>")
        else:
            route.fallback()

    at.page.route(re.compile(r"[?&]partNumber=2\b"), fail_once)
    at.watch.expects(r"console error: Failed to load resource: .* 503")
    at.choose(films[MEDIUM])
    at.is_through()
    arrives(at, films[MEDIUM], storage)
    assert failures and at.puts()[1] == 1


@pytest.mark.parametrize("client", NEW, ids=str)
def test_cancelling_leaves_nothing_in_the_bucket(use, client, films, storage):
    at = use(client, parallel=1)
    hold(at.page, first=2)
    at.choose(films[MEDIUM])
    eventually(at.page, lambda: at.noted("parts") == [1] and at.puts()[2], "the first part has arrived and the second is under way")
    assert len(begun(at, storage)) == 1
    at.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    if client is SIGN:
        # The parts are gone as soon as the call is signed; Uppy logs that there are none and goes on.
        at.watch.expects(r"console error: Failed to load resource: .* 404")
        at.watch.expects(r'console error: Refused to get unsafe header "x-amz-error-code"')
    at.do("cancelAll")
    eventually(at.page, lambda: begun(at, storage) == [], "the multipart upload is aborted")
    assert at.user.files().json()["items"] == []


@pytest.mark.parametrize(
    ("client", "says"),
    # In companion mode Uppy 6 shows the status alone.
    [(ENDPOINT, "this content type is not accepted"), (COMPANION, "Companion request failed"), (SIGN, "this content type is not accepted")],
    ids=str,
)
def test_a_type_that_is_not_accepted_is_explained(use, client, says, tmp_path):
    at = use(client)
    at.watch.expects(r"console error: Failed to load resource: .* 415", r"console (error|warning): \[Uppy\]")
    file = tmp_path / "notes.txt"
    file.write_text("plain")
    at.choose(file)
    eventually(at.page, lambda: at.noted("failed"), "Uppy has failed")
    assert says in at.noted("failed")[0]
    assert at.user.files().json()["items"] == []


def remembered(at: Uppy) -> str:
    """What the package that resumes has written down."""
    return at.page.evaluate("""async () => {
        const texts = [JSON.stringify(Object.values(localStorage))];
        for (const { name } of await indexedDB.databases()) {
            const db = await new Promise((done) => { indexedDB.open(name).onsuccess = (event) => done(event.target.result) });
            for (const store of db.objectStoreNames) {
                const all = await new Promise((done) => { db.transaction(store).objectStore(store).getAll().onsuccess = (event) => done(event.target.result) });
                texts.push(JSON.stringify(all));
            }
            db.close();
        }
        return texts.join();
    }""")
