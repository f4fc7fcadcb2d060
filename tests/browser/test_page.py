"""The page, as a person uses it: files go up, are stopped, break off, go on, appear by themselves, and go away."""

import re
import time
from collections import Counter
from itertools import pairwise

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import held  # noqa: F401  a fixture

from .conftest import LARGE, MEDIUM, SMALL
from .network import throttle
from .polling import eventually
from .visitor import Visitor

MIB = 1 << 20
ABORTED = r"request failed: PUT .*: net::ERR_ABORTED"
# Everything the browser sees move by itself, from when the page is made.
WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
            window.shifts.push({ value: entry.value, at: entry.startTime, what: entry.sources.map(({ node }) => node?.className ?? node?.nodeName) });
    }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def hold(page):
    """Keeps requests that match from being answered, until it is called with nothing."""

    def hold(pattern: str | None) -> None:
        if pattern is None:
            page.unroute_all(behavior="ignoreErrors")
        else:
            page.route(re.compile(pattern), lambda route: None)

    return hold


def test_who_is_signed_out_signs_in_and_out_again(page, stack, storage, user, watch):
    visitor = Visitor(page, stack, storage, user, watch)
    visitor.arrive()
    expect(visitor.at("drop")).to_be_hidden()
    visitor.sign_in()
    assert "code=" not in page.url and "state=" not in page.url
    page.reload()
    visitor.is_in()
    visitor.at("sign-out").click()
    expect(visitor.at("sign-in")).to_be_visible()
    page.reload()
    expect(visitor.at("sign-in")).to_be_visible()


def test_a_dropped_photo_goes_up_and_its_thumbnail_appears_by_itself(visitor, photos):
    visitor.drop(photos[0])
    visitor.becomes(photos[0], "done")
    visitor.has_thumbnail(photos[0])
    record = visitor.arrived(photos[0])
    expect(visitor.tile(photos[0])).to_have_attribute("data-id", record["id"])


def test_how_much_is_held_follows_what_comes_and_goes(visitor, photos):
    said = visitor.at("usage")
    expect(said).to_have_text(re.compile(r"^0 bytes of .* · 0 of [\d,]+ files$"))
    visitor.choose(photos[0])
    visitor.becomes(photos[0], "done")
    expect(said).to_have_text(re.compile(r"^\d[\d.]* [KM]B of .* · 1 of [\d,]+ files$"))
    visitor.tile(photos[0]).get_by_test_id("delete").click()
    visitor.at("confirm-delete").click()
    expect(said).to_have_text(re.compile(r"^0 bytes of "))


def test_progress_moves_and_says_how_fast(visitor, films):
    throttle(visitor.page, bytes_per_second=12 * MIB)
    visitor.choose(films[LARGE])
    visitor.becomes(films[LARGE], "uploading")
    bar = visitor.item(films[LARGE]).get_by_role("progressbar")
    seen: list[int] = []

    def look() -> bool:
        now = int(bar.get_attribute("aria-valuenow") or 0)
        if now not in seen[-1:]:
            seen.append(now)
        return len(seen) >= 5

    eventually(visitor.page, look, "progress moves")
    assert all(before < after for before, after in pairwise(seen)), seen
    expect(visitor.item(films[LARGE])).to_contain_text(re.compile(r"\d+ (KB|MB)/s"))
    visitor.becomes(films[LARGE], "done")
    visitor.arrived(films[LARGE])
    assert len(visitor.puts()) > 1 and set(visitor.puts().values()) == {1}


def test_many_files_go_up_at_once_and_a_bad_one_hinders_none(visitor, photos, tmp_path):
    empty = tmp_path / "empty.jpg"
    empty.touch()
    visitor.choose(*photos, empty)
    visitor.becomes(empty, "failed")
    for photo in photos:
        visitor.has_thumbnail(photo)
        visitor.arrived(photo)
    assert len(visitor.watch.sent("POST", "/v1/uploads/batch")) == 1
    expect(visitor.at("file")).to_have_count(len(photos))


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [("notes.txt", 10, "not accepted"), ("huge.png", 60 * MIB, "up to 50 MB"), ("empty.jpg", 0, "empty")],
    ids=["wrong type", "too large", "empty"],
)
def test_what_cannot_go_up_is_said_in_words(visitor, tmp_path, name, size, says):
    file = tmp_path / name
    with file.open("wb") as hole:
        hole.truncate(size)
    visitor.choose(file)
    visitor.becomes(file, "failed")
    expect(visitor.item(file).get_by_test_id("error")).to_contain_text(says)
    assert visitor.puts() == {}


def test_what_is_not_what_its_name_says_is_refused_in_words(visitor, tmp_path):
    visitor.watch.expects(r"Failed to load resource: .* 422")
    file = tmp_path / "picture.png"
    file.write_text("<script>alert(1)</script>")
    visitor.choose(file)
    visitor.becomes(file, "failed")
    expect(visitor.item(file).get_by_test_id("error")).to_contain_text("not PNG")
    expect(visitor.at("file")).to_have_count(0)


def test_after_a_reload_only_what_is_missing_is_sent(visitor, films, hold):
    hold(r"[?&]partNumber=2\b")
    visitor.choose(films[LARGE])

    def stored() -> int:
        return sum(request.timing["responseEnd"] > 0 for request in visitor.watch.sent("PUT"))

    eventually(visitor.page, lambda: visitor.puts()[2] and stored() == len(visitor.puts()) - 1, "all parts but one have arrived")
    before = visitor.puts()
    visitor.watch.expects(ABORTED, r"request failed: GET .*: net::ERR_ABORTED")
    visitor.page.reload()
    # Not before: what is held would go on its way.
    hold(None)
    visitor.is_in()
    expect(visitor.item(films[LARGE]).get_by_test_id("choose-again")).to_be_visible()
    visitor.choose(films[LARGE])
    visitor.becomes(films[LARGE], "done")
    visitor.arrived(films[LARGE])
    assert visitor.puts() == before + Counter({2: 1})
    expect(visitor.at("item")).to_have_count(1)


def test_a_paused_upload_sends_nothing_until_it_is_resumed(visitor, films, hold):
    hold(r"[?&]partNumber=2\b")
    visitor.choose(films[LARGE])
    eventually(visitor.page, lambda: visitor.puts()[2], "the second part is under way")
    visitor.watch.expects(ABORTED)
    visitor.item(films[LARGE]).get_by_test_id("pause").click()
    visitor.becomes(films[LARGE], "paused")
    hold(None)
    with visitor.watch.during("PUT") as sent:
        visitor.page.wait_for_timeout(500)
    assert sent == []
    visitor.item(films[LARGE]).get_by_test_id("resume").click()
    visitor.becomes(films[LARGE], "done")
    visitor.arrived(films[LARGE])


def test_a_cancelled_upload_leaves_nothing_behind(visitor, films, hold):
    hold(r"[?&]partNumber=2\b")
    visitor.choose(films[LARGE])
    eventually(visitor.page, lambda: visitor.puts()[2], "the second part is under way")
    visitor.watch.expects(ABORTED)
    visitor.item(films[LARGE]).get_by_test_id("cancel").click()
    visitor.becomes(films[LARGE], "cancelled")

    def kept() -> list[str]:
        found = visitor.storage.s3.list_multipart_uploads(Bucket=visitor.storage.bucket).get("Uploads", [])
        return [upload["Key"] for upload in found if visitor.user.owner in upload["Key"]]

    eventually(visitor.page, lambda: not kept(), "the multipart upload is aborted")
    assert visitor.user.files().json()["items"] == []


def test_a_network_that_goes_in_the_middle_of_a_part_and_comes_back_costs_no_file(visitor, films):
    visitor.watch.expects("net::ERR_INTERNET_DISCONNECTED")
    network = throttle(visitor.page, bytes_per_second=8 * MIB)
    visitor.choose(films[LARGE])
    visitor.becomes(films[LARGE], "uploading")
    bar = visitor.item(films[LARGE]).get_by_role("progressbar")
    eventually(visitor.page, lambda: 5 < int(bar.get_attribute("aria-valuenow") or 0) < 95, "a part is on its way")
    network(is_offline=True)
    eventually(visitor.page, lambda: visitor.watch.problems, "the connection is lost")
    network()
    visitor.becomes(films[LARGE], "done")
    visitor.arrived(films[LARGE])


def test_a_url_that_ended_while_an_upload_was_paused_is_signed_again(visitor, films, hold, short_urls):
    hold(r"[?&]partNumber=2\b")
    visitor.choose(films[LARGE])
    eventually(visitor.page, lambda: visitor.puts()[2], "the second part is under way")
    visitor.watch.expects(ABORTED, r"Failed to load resource: .* 403")
    visitor.item(films[LARGE]).get_by_test_id("pause").click()
    visitor.becomes(films[LARGE], "paused")
    hold(None)
    # It is the bucket's clock that has to move on.
    visitor.page.wait_for_timeout(1000 * (short_urls + 1))
    visitor.item(films[LARGE]).get_by_test_id("resume").click()
    visitor.becomes(films[LARGE], "done")
    visitor.arrived(films[LARGE])
    assert visitor.watch.sent("POST", "/parts")


def test_a_url_the_bucket_refuses_is_signed_again(visitor, films):
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.fallback()
        else:
            refused.append(route.request.url)
            expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            route.fulfill(status=403, headers={"access-control-allow-origin": "*"}, body=expired)

    visitor.page.route(re.compile(r"X-Amz-Signature="), refuse_once)
    visitor.watch.expects(r"Failed to load resource: .* 403")
    visitor.choose(films[SMALL])
    visitor.becomes(films[SMALL], "done")
    visitor.arrived(films[SMALL])
    assert len(visitor.watch.sent("POST", "/url")) == 1


def test_a_token_that_ends_in_the_middle_is_renewed_unseen(page, stack, storage, user, watch, films, hold, monkeypatch):
    visitor = Visitor(page, stack, storage, user, watch)
    visitor.arrive()
    monkeypatch.setattr(stack.issuer.authorization, "lifetime", 6)
    visitor.sign_in()
    monkeypatch.undo()
    ends = time.time() + 6
    hold(r"X-Amz-Signature=")
    visitor.choose(films[MEDIUM])
    eventually(page, visitor.puts, "the file is under way")
    eventually(page, lambda: time.time() > ends, "the token has ended")
    watch.expects(ABORTED)
    visitor.item(films[MEDIUM]).get_by_test_id("pause").click()
    hold(None)
    visitor.item(films[MEDIUM]).get_by_test_id("resume").click()
    visitor.becomes(films[MEDIUM], "done")
    assert len(watch.sent("POST", "/token")) >= 2, "one for the code, and one for another token"
    visitor.arrived(films[MEDIUM])


def test_without_a_way_to_renew_it_the_page_asks_to_sign_in_again_and_goes_on(visitor, films):
    # What renews a token is kept in no storage: a reload loses it.
    visitor.page.reload()
    visitor.is_in()
    refused: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.headers.get("authorization") == f"Bearer {old}":
            refused.append(route.request.url)
            route.fulfill(status=401, headers={"access-control-allow-origin": "*"}, json={"message": "Unauthorized"})
        else:
            route.fallback()

    old = visitor.page.evaluate("() => JSON.parse(sessionStorage.getItem('valet.session')).token")
    visitor.page.route(f"{visitor.stack.api_url}/**", refuse)
    visitor.watch.expects(r"Failed to load resource: .* 401")
    visitor.choose(films[SMALL])
    again = visitor.page.get_by_role("button", name="Sign in again")
    expect(again).to_be_visible()
    assert refused
    with visitor.page.context.expect_page() as beside:
        again.click()
    eventually(visitor.page, beside.value.is_closed, "the sign-in window is closed")
    visitor.becomes(films[SMALL], "done")
    visitor.arrived(films[SMALL])


def test_a_file_is_opened_and_deleted(visitor, photos):
    visitor.choose(photos[0], photos[1])
    for photo in photos[:2]:
        visitor.has_thumbnail(photo)
    record = visitor.arrived(photos[0])
    other = visitor.open(photos[0])
    other.wait_for_load_state()
    assert other.url == record["fileUrl"]
    assert other.evaluate("() => document.images[0].naturalWidth") == record["width"]
    other.close()

    visitor.tile(photos[0]).get_by_test_id("delete").click()
    visitor.at("keep").click()
    expect(visitor.tile(photos[0])).to_be_visible()
    visitor.tile(photos[0]).get_by_test_id("delete").click()
    visitor.at("confirm-delete").click()
    expect(visitor.tile(photos[0])).to_have_count(0)
    expect(visitor.tile(photos[1])).to_be_visible()
    assert [file["filename"] for file in visitor.user.files().json()["items"]] == [photos[1].name]
    assert visitor.storage.versions(record["fileUrl"].split("/", 3)[3]) == []
    visitor.page.reload()
    visitor.is_in()
    expect(visitor.at("file")).to_have_count(1)


def test_nothing_moves_when_a_thumbnail_arrives(one_context, stack, storage, user, photos, held):  # noqa: F811
    context, watch = one_context
    context.add_init_script(WATCH_SHIFTS)
    visitor = Visitor(context.new_page(), stack, storage, user, watch)
    visitor.arrive()
    visitor.sign_in()
    visitor.choose(*photos[:3])
    for photo in photos[:3]:
        visitor.becomes(photo, "done")
        expect(visitor.tile(photo)).to_have_attribute("data-thumbnail", "pending")
    since = visitor.page.evaluate("() => performance.now()")
    held()
    for photo in photos[:3]:
        visitor.has_thumbnail(photo)
    visitor.page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    shifts = [shift for shift in visitor.page.evaluate("() => shifts") if shift["at"] >= since]
    assert sum(shift["value"] for shift in shifts) < 0.01, shifts


def test_a_thumbnail_that_cannot_be_made_is_said(visitor, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    visitor.choose(broken)
    visitor.becomes(broken, "done")
    expect(visitor.tile(broken)).to_have_attribute("data-thumbnail", "failed", timeout=60_000)
    expect(visitor.tile(broken)).to_contain_text("Damaged image")
