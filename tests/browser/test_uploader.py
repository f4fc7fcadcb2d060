"""uploader.js in a real browser: what only its XMLHttpRequest, CORS and files can show. The module's own tests cover the rest."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.e2e.storage import Storage
from tests.e2e.user import User

from .conftest import LARGE, MEDIUM, SMALL
from .network import throttle
from .polling import eventually
from .site import JAVASCRIPT, Site
from .watch import Watch, opened, part_number

DRIVER = Path(__file__).with_name("uploader_page.js")
PAGE = b"<!doctype html><html lang=en><meta charset=utf-8><title>Test</title><link rel=icon href=data:,><body><script type=module src=/uploader_page.js></script></body></html>"
MIB = 1 << 20
# The film of 12 MB in three parts, and one after the other, so that a test knows which is under way.
PART = 5 * MIB
ONE_BY_ONE = {"partSize": PART, "parallel": 1}


@dataclass
class Uploads:
    """A page with the module in it, and its user."""

    page: Page
    user: User
    watch: Watch
    storage: Storage

    def load(self, site: Site) -> None:
        """Opens the page, or opens it again."""
        site.files["/uploader_page.js"] = (JAVASCRIPT, DRIVER)
        site.files["/uploads"] = ("text/html; charset=utf-8", PAGE)
        opened(self.page, f"{site.origin}/uploads")
        self.page.wait_for_function("() => window.isLoaded")

    def begin(self, *files: Path, **options: object) -> None:
        """Chooses files and uploads them."""
        self.page.set_input_files("input", files)
        self.page.evaluate("(options) => begin(options)", {"api": self.user.api_url, "token": self.user.token} | options)

    def noted(self, what: str) -> list:
        """What the page has noted so far."""
        return self.page.evaluate("(what) => notes[what]", what)

    def results(self, count: int = 1) -> list[dict]:
        """The records of all files, once they are there; an error ends the waiting."""
        eventually(self.page, lambda: len(self.noted("results")) == count or self.noted("errors"), "the uploads are done")
        assert self.noted("errors") == []
        return self.noted("results")

    def error(self) -> dict:
        """The error, once there is one."""
        (error,) = eventually(self.page, lambda: self.noted("errors"), "the upload has failed")
        assert error["isOurs"] and error["name"] == "UploadError"
        return error

    def puts(self) -> Counter[int]:
        """How often each part was sent; a whole file is number 0."""
        return Counter(part_number(request) for request in self.watch.sent("PUT"))

    def arrived(self, file: Path, record: dict) -> None:
        """The record is of this file, and the bucket holds its bytes."""
        assert (record["status"], record["size"], record["filename"]) == ("ready", file.stat().st_size, file.name)
        key = record["fileUrl"].split("/", 3)[3]
        assert hashlib.sha256(self.storage.content(key)).digest() == hashlib.sha256(file.read_bytes()).digest()


@pytest.fixture
def uploads(page, site, user, watch, storage) -> Uploads:
    made = Uploads(page, user, watch, storage)
    made.load(site)
    return made


@pytest.mark.parametrize("checksum", [False, True], ids=["without a checksum", "with a checksum"])
def test_a_small_file_is_one_put(uploads, films, checksum):
    uploads.begin(films[SMALL], checksum=checksum)
    (record,) = uploads.results()
    uploads.arrived(films[SMALL], record)
    assert uploads.puts() == {0: 1}
    sent = uploads.watch.sent("PUT")[0].headers.get("x-amz-checksum-sha256")
    assert (sent is not None) == checksum


def test_a_large_file_goes_up_in_parts_and_says_how_far_it_is(uploads, films):
    throttle(uploads.page, bytes_per_second=20 * MIB)
    uploads.begin(films[LARGE])
    (record,) = uploads.results()
    uploads.arrived(films[LARGE], record)
    assert len(uploads.puts()) > 1 and set(uploads.puts().values()) == {1}
    progress = uploads.noted("progress")
    phases = list(dict.fromkeys(said["phase"] for said in progress))
    assert phases == ["granting", "uploading", "confirming", "done"]
    loaded = [said["loaded"] for said in progress]
    assert loaded == sorted(loaded) and loaded[-1] == LARGE
    assert len({bytes_sent for bytes_sent in loaded if 0 < bytes_sent < LARGE}) >= 5, "the browser told of too few steps"
    assert {said["total"] for said in progress} == {LARGE}


def test_many_files_ask_for_their_grants_at_once(uploads, tmp_path):
    files = [tmp_path / f"film-{number}.mp4" for number in range(8)]
    for number, file in enumerate(files):
        file.write_bytes(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes([number]) * 1000)
    bad = tmp_path / "notes.txt"
    bad.write_text("plain")
    with uploads.watch.during("POST", "/v1/uploads/batch") as batches, uploads.watch.during("POST") as calls:
        uploads.begin(*files[:4], bad, *files[4:])
        eventually(uploads.page, lambda: len(uploads.noted("results")) == 8 and uploads.noted("errors"), "all have ended")
    assert len(batches) == 1
    assert len(calls) == 1 + len(files), "one call for all grants, and one confirm a file"
    assert uploads.error()["code"] == "type_not_allowed"
    records = {record["filename"]: record for record in uploads.noted("results")}
    for file in files:
        uploads.arrived(file, records[file.name])


def test_resuming_sends_only_what_storage_does_not_hold(uploads, site, films):
    uploads.page.route(re.compile(r"[?&]partNumber=2\b"), lambda route: None)
    uploads.begin(films[MEDIUM], **ONE_BY_ONE)
    eventually(uploads.page, lambda: uploads.puts()[2], "the second part is under way")
    (upload_id,) = uploads.noted("grants")
    uploads.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    uploads.load(site)
    # Not before: what is held would go on its way.
    uploads.page.unroute_all(behavior="ignoreErrors")
    uploads.begin(films[MEDIUM], resume=upload_id, **ONE_BY_ONE)
    (record,) = uploads.results()
    assert record["id"] == upload_id
    uploads.arrived(films[MEDIUM], record)
    assert uploads.puts() == {1: 1, 2: 2, 3: 1}


def test_another_file_is_not_mixed_into_an_upload(uploads, films):
    grant = uploads.user.grant_for(films[SMALL].read_bytes(), "video/mp4", "mp4")
    uploads.begin(films[MEDIUM], resume=grant["id"])
    assert uploads.error()["code"] == "different_file"
    assert uploads.puts() == {}


def test_pausing_stops_the_bytes_and_resuming_ends_the_upload(uploads, films):
    uploads.page.route(re.compile(r"[?&]partNumber=2\b"), lambda route: None)
    uploads.begin(films[MEDIUM], **ONE_BY_ONE)
    eventually(uploads.page, lambda: uploads.puts()[2], "the second part is under way")
    uploads.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    uploads.page.evaluate("() => tasks[0].pause()")
    uploads.page.unroute_all(behavior="ignoreErrors")
    eventually(uploads.page, lambda: uploads.watch.problems, "the part under way is stopped")
    uploads.page.evaluate("() => tasks[0].resume()")
    (record,) = uploads.results()
    uploads.arrived(films[MEDIUM], record)
    assert uploads.puts()[1] == 1


def test_cancelling_takes_the_grant_back(uploads, films):
    uploads.page.route(re.compile(r"[?&]partNumber=2\b"), lambda route: None)
    uploads.begin(films[MEDIUM], **ONE_BY_ONE)
    eventually(uploads.page, lambda: uploads.puts()[2], "the second part is under way")
    uploads.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    uploads.page.evaluate("() => tasks[0].cancel()")
    assert uploads.error()["code"] == "cancelled"
    (upload_id,) = uploads.noted("grants")
    eventually(uploads.page, lambda: uploads.user.read({"id": upload_id}).json()["status"] == "cancelled", "the grant is cancelled")


def test_a_network_that_is_gone_for_a_while_costs_one_part(uploads, films, watch):
    network = throttle(uploads.page, bytes_per_second=6 * MIB)
    watch.expects("net::ERR_INTERNET_DISCONNECTED")
    uploads.begin(films[MEDIUM], **ONE_BY_ONE)
    eventually(uploads.page, lambda: any(said["loaded"] > PART for said in uploads.noted("progress")), "the second part is under way")
    network(is_offline=True)
    eventually(uploads.page, lambda: watch.problems, "the connection is lost")
    network()
    (record,) = uploads.results()
    uploads.arrived(films[MEDIUM], record)
    assert uploads.puts()[1] == 1


def test_a_connection_that_breaks_is_tried_again(uploads, films):
    broken: list[str] = []

    def break_once(route: Route) -> None:
        if broken:
            route.fallback()
        else:
            broken.append(route.request.url)
            route.abort("connectionreset")

    uploads.page.route(re.compile(r"[?&]partNumber=2\b"), break_once)
    uploads.watch.expects("net::ERR_CONNECTION_RESET")
    uploads.begin(films[MEDIUM], partSize=PART)
    (record,) = uploads.results()
    uploads.arrived(films[MEDIUM], record)
    assert uploads.puts() == {1: 1, 2: 2, 3: 1}


def test_urls_that_have_ended_are_signed_again(uploads, films, short_urls):
    uploads.page.route(re.compile(r"[?&]partNumber="), lambda route: None)
    uploads.begin(films[MEDIUM], partSize=PART)
    eventually(uploads.page, lambda: uploads.puts()[1] and uploads.puts()[2], "both parts are under way")
    uploads.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED", r"Failed to load resource: .* 403")
    uploads.page.evaluate("() => tasks[0].pause()")
    uploads.page.unroute_all(behavior="ignoreErrors")
    uploads.page.wait_for_timeout(1000 * (short_urls + 1))
    uploads.page.evaluate("() => tasks[0].resume()")
    (record,) = uploads.results()
    uploads.arrived(films[MEDIUM], record)
    assert uploads.watch.sent("POST", "/parts")


def test_a_refusal_of_storage_is_answered_with_a_new_url(uploads, films):
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.fallback()
        else:
            refused.append(route.request.url)
            route.fulfill(status=403, headers={"access-control-allow-origin": "*"}, body="<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")

    uploads.page.route(re.compile(r"/uploads/.*X-Amz-Signature="), refuse_once)
    uploads.watch.expects("403")
    uploads.begin(films[SMALL])
    (record,) = uploads.results()
    uploads.arrived(films[SMALL], record)
    assert len(uploads.watch.sent("POST", "/url")) == 1


def test_an_etag_the_bucket_hides_is_explained(uploads, films):
    def hide(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(status=answer.status, headers={"access-control-allow-origin": "*"})

    uploads.watch.expects('Refused to get unsafe header "etag"', "request failed: PUT .*: net::ERR_ABORTED")
    uploads.page.route(re.compile(r"X-Amz-Signature="), hide)
    uploads.begin(films[SMALL])
    error = uploads.error()
    assert error["code"] == "cors"
    assert "ETag" in error["message"]


def test_a_bucket_that_refuses_the_origin_is_explained(uploads, films, storage):
    rules = storage.s3.get_bucket_cors(Bucket=storage.bucket)["CORSRules"]
    storage.s3.delete_bucket_cors(Bucket=storage.bucket)
    try:
        uploads.watch.expects("blocked by CORS policy", "net::ERR_FAILED", r"request failed: GET [^ ]*/: net::ERR_ABORTED")
        uploads.begin(films[SMALL], retries=0)
        error = uploads.error()
    finally:
        storage.s3.put_bucket_cors(Bucket=storage.bucket, CORSConfiguration={"CORSRules": rules})
    # To a page both look the same, so the sentence names both.
    assert error["code"] == "network"
    assert "CORS rules keep this page out" in error["message"]


def test_a_file_that_changed_after_it_was_chosen_is_said(uploads, tmp_path):
    file = tmp_path / "film.mp4"
    file.write_bytes(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(1000))
    uploads.page.set_input_files("input", file)
    file.write_bytes(b"other bytes, of another length")
    uploads.watch.expects("net::ERR_UPLOAD_FILE_CHANGED", "net::ERR_FILE_NOT_FOUND")
    uploads.page.evaluate("(options) => begin(options)", {"api": uploads.user.api_url, "token": uploads.user.token})
    assert uploads.error()["code"] == "unreadable"


def test_every_problem_is_an_error_with_a_sentence(uploads, tmp_path):
    file = tmp_path / "empty.mp4"
    file.write_bytes(b"")
    uploads.watch.expects("400")
    uploads.begin(file)
    error = uploads.error()
    assert (error["code"], error["status"]) == ("invalid_request", 400)
    assert error["requestId"] and error["message"].endswith(".") and error["message"][0].isupper()
