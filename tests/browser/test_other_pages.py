"""What lies beside the page: the tutorial's ten lines, and the API to try out."""

import re

from playwright.sync_api import expect

from tests.e2e.user import User

from .conftest import SMALL
from .watch import opened


def test_the_tutorials_page_uploads_a_file(visitor, films, tmp_path):
    page = visitor.page
    # Whoever signed in at the page is signed in here.
    opened(page, f"{visitor.stack.page_url}/tutorial")
    page.get_by_label("File").set_input_files(films[SMALL])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("^http"))
    assert page.get_by_role("status").inner_text() == visitor.arrived(films[SMALL])["fileUrl"]
    file = tmp_path / "notes.txt"
    file.write_text("plain")
    # Ten lines do not read the empty answer of a PUT.
    visitor.watch.expects(r"request failed: PUT .*: net::ERR_ABORTED", "Failed to load resource: .* 415")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("status")).to_contain_text("not accepted")


def test_the_apis_page_sends_a_request(page, stack, user: User):
    opened(page, f"{stack.page_url}/api-docs/")
    expect(page.get_by_role("status")).to_contain_text(stack.api_url)
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.get_by_role("textbox").first.fill(user.token)
    dialog.get_by_role("button", name=re.compile("^(Apply|Authorize)")).first.click()
    dialog.get_by_role("button", name="Close").first.click()
    limits = page.locator(".opblock-get").filter(has_text="/v1/limits")
    limits.locator(".opblock-summary-control").click()
    limits.get_by_role("button", name="Execute").click()
    expect(limits.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(limits.locator(".live-responses-table")).to_contain_text("image/jpeg")
