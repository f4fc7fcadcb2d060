"""Somebody on the page: what a person does there, by what a person sees. It must never call the page's own functions."""

import base64
import hashlib
import mimetypes
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from infra.local.stack import Stack
from tests.e2e.storage import Storage
from tests.e2e.user import User

from .polling import SECONDS, eventually
from .watch import Watch, opened, part_number

PATIENCE_MS = 1000 * SECONDS
# A DataTransfer cannot be made outside the page.
DROP = """async (target, files) => {
    const transfer = new DataTransfer();
    for (const { name, type, content } of files)
        transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name, { type }));
    for (const kind of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true, composed: true }));
}"""


@dataclass
class Visitor:
    """A user at the page of a stack."""

    page: Page
    stack: Stack
    storage: Storage
    user: User
    watch: Watch

    def arrive(self) -> None:
        """Opens the page, signed out."""
        # Nobody is asked for a name at the local login: it knows who comes next.
        self.stack.issuer.authorization.subject = self.user.sub
        opened(self.page, self.stack.page_url)
        expect(self.at("sign-in")).to_be_visible()

    def sign_in(self) -> None:
        """Signs in, and waits until files may be chosen."""
        self.at("sign-in").click()
        self.is_in()

    def is_in(self) -> None:
        """Waits until files may be chosen and the library is read."""
        expect(self.at("drop")).to_be_visible()
        # The accepted types are there: before, the page does not know what to refuse.
        self.page.wait_for_function("() => document.querySelector('[data-testid=pick]').accept")
        expect(self.at("library")).to_have_attribute("aria-busy", "false")

    def at(self, hook: str) -> Locator:
        """What the page marks with this name."""
        return self.page.get_by_test_id(hook)

    def choose(self, *files: Path) -> None:
        """Chooses files as the dialog would."""
        self.at("pick").set_input_files(files)

    def drop(self, *files: Path) -> None:
        """Drags files onto the page and lets them go."""
        given = [{"name": file.name, "type": mimetypes.guess_type(file)[0], "content": base64.b64encode(file.read_bytes()).decode()} for file in files]
        self.at("drop").evaluate(DROP, given)

    def item(self, file: Path) -> Locator:
        """A file among the uploads."""
        return self.at("item").filter(has_text=file.name)

    def tile(self, file: Path) -> Locator:
        """A file in the library."""
        return self.at("file").filter(has_text=file.name)

    def becomes(self, file: Path, state: str) -> None:
        """Waits until an upload is in a state."""
        expect(self.item(file)).to_have_attribute("data-state", state, timeout=PATIENCE_MS)

    def has_thumbnail(self, file: Path) -> None:
        """Waits until the library shows a picture of the file, which has pixels."""
        expect(self.tile(file)).to_have_attribute("data-thumbnail", "ready", timeout=PATIENCE_MS)
        assert self.tile(file).locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0

    def open(self, file: Path) -> Page:
        """Opens a file of the library, which is another page."""
        # Chromium shows an image by a document of its own, and complains that ours allows it no style and no script.
        self.watch.expects(r"Content Security Policy .*default-src 'none'.*/uploads/", r"Blocked script execution in '[^']*/uploads/")
        with self.page.context.expect_page() as other:
            self.tile(file).get_by_test_id("open").press("Enter")
        return other.value

    def arrived(self, file: Path) -> dict:
        """The file's record; what is stored is byte for byte what was chosen."""

        def found() -> list[dict]:
            return [record for record in self.user.files().json()["items"] if record["filename"] == file.name]

        (record,) = eventually(self.page, found, f"{file.name} is listed")
        assert (record["status"], record["size"]) == ("ready", file.stat().st_size)
        key = record["fileUrl"].split("/", 3)[3]
        assert hashlib.sha256(self.storage.content(key)).digest() == hashlib.sha256(file.read_bytes()).digest()
        return record

    def puts(self) -> Counter[int]:
        """How often each part was sent; a whole file is number 0."""
        return Counter(part_number(request) for request in self.watch.sent("PUT"))
