"""What lies beside the page: the tutorial's ten lines, and the API to try out."""

import re

from playwright.sync_api import expect

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
