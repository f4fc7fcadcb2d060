"""The page for who cannot see it, or uses no mouse: every step by keyboard, and nothing axe finds serious, in light and in dark."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import LARGE, SMALL
from .network import throttle
from .visitor import PATIENCE_MS, Visitor

MIB = 1 << 20
SERIOUS = ("serious", "critical")
# More than the page has places to stop at.
MOST_TABS = 80


def tab_to(page: Page, hook: str, *, within: str = "body") -> None:
    """Presses Tab until the element of this mark or id has the focus, and can be seen to have it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("([hook, within]) => document.activeElement.matches(`${within} [data-testid=${hook}], ${within} #${hook}`)", [hook, within]):
            break
    else:
        raise AssertionError(f"Tab does not lead to {hook}")
    style = page.evaluate("() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)] }")
    assert style[0] != "none" and style[1] >= 1, f"nobody sees that {hook} has the focus: {style}"


def has_focus(page: Page) -> bool:
    """Whether the focus is anywhere: where it is lost, a keyboard begins at the top again."""
    return page.evaluate("() => document.activeElement !== document.body")


def check(page: Page, axe_script: str, state: str) -> None:
    """Nothing serious is wrong with the page as it is now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_script)
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} ({node['failureSummary']})"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
    assert not serious, f"{state}:\n" + "\n".join(serious)


def test_the_whole_way_goes_by_keyboard(page, stack, storage, user, watch, photos):
    visitor = Visitor(page, stack, storage, user, watch)
    visitor.arrive()
    tab_to(page, "sign-in")
    page.keyboard.press("Enter")
    visitor.is_in()
    tab_to(page, "choose")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photos[0])
    visitor.has_thumbnail(photos[0])
    tab_to(page, "open")
    other = visitor.open(photos[0])
    other.wait_for_load_state()
    other.close()
    tab_to(page, "delete")
    page.keyboard.press("Enter")
    expect(visitor.at("confirm-delete")).to_be_visible()
    page.keyboard.press("Escape")
    expect(visitor.at("confirm-delete")).to_be_hidden()
    assert page.evaluate("() => document.activeElement.dataset.testid") == "delete", "Escape leads back to where one was"
    page.keyboard.press("Enter")
    tab_to(page, "confirm-delete", within="dialog")
    page.keyboard.press("Enter")
    expect(visitor.tile(photos[0])).to_have_count(0)
    assert has_focus(page)
    assert user.files().json()["items"] == []


def test_an_upload_is_paused_resumed_and_cancelled_by_keyboard(visitor, films):
    page = visitor.page
    throttle(page, bytes_per_second=2 * MIB)
    visitor.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    visitor.choose(films[LARGE])
    visitor.becomes(films[LARGE], "uploading")
    tab_to(page, "pause")
    page.keyboard.press("Enter")
    visitor.becomes(films[LARGE], "paused")
    assert page.evaluate("() => document.activeElement.dataset.testid") == "resume", "what undoes it is under the finger"
    page.keyboard.press("Enter")
    visitor.becomes(films[LARGE], "uploading")
    tab_to(page, "cancel")
    page.keyboard.press("Enter")
    visitor.becomes(films[LARGE], "cancelled")
    assert has_focus(page)


def test_what_happens_is_said_to_who_does_not_see_it(visitor, photos, tmp_path):
    said = visitor.page.get_by_role("status")
    visitor.choose(photos[0])
    expect(said).to_contain_text(f"{photos[0].name} is uploaded", timeout=PATIENCE_MS)
    file = tmp_path / "notes.txt"
    file.write_text("plain")
    visitor.choose(file)
    expect(said).to_contain_text("notes.txt was not uploaded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_axe_finds_nothing_serious(new_context, stack, storage, user, films, photos, tmp_path, axe_script, scheme, width):
    context, watch = new_context(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 800})
    page = context.new_page()
    visitor = Visitor(page, stack, storage, user, watch)
    visitor.arrive()
    check(page, axe_script, "signed out")
    visitor.sign_in()
    check(page, axe_script, "empty")
    network = throttle(page, bytes_per_second=MIB)
    visitor.choose(films[LARGE])
    visitor.becomes(films[LARGE], "uploading")
    check(page, axe_script, "uploading")
    visitor.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED")
    visitor.item(films[LARGE]).get_by_test_id("pause").click()
    check(page, axe_script, "paused")
    visitor.item(films[LARGE]).get_by_test_id("cancel").click()
    network()
    file = tmp_path / "notes.txt"
    file.write_text("plain")
    visitor.choose(file)
    visitor.becomes(file, "failed")
    check(page, axe_script, "failed")
    for chosen in (photos[0], films[SMALL]):
        visitor.choose(chosen)
        visitor.becomes(chosen, "done")
    visitor.has_thumbnail(photos[0])
    check(page, axe_script, "library")
    visitor.tile(photos[0]).get_by_test_id("delete").click()
    expect(visitor.at("confirm-delete")).to_be_visible()
    check(page, axe_script, "dialog")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
