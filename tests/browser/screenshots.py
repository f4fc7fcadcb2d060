"""`make screenshots`: the page in light and dark, wide and narrow, uploading, failed and with a library, as docs/images/*.png.

It must never show anything that is not in the tree or free to use: NASA's pictures are in the public domain, the others CC0.
"""

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from infra.local import sorry
from infra.local.places import ROOT, TOOLS
from infra.local.stack import Stack
from tests.browser.conftest import find_chromium
from tests.browser.network import throttle
from tests.browser.visitor import Visitor
from tests.browser.watch import Watch
from tests.e2e.storage import Storage
from tests.e2e.user import Secrets, User
from tests.heavy import files

IMAGES = ROOT / "docs" / "images"
OWN = ROOT / "tests" / "images"
# What the name in the library leads to: our own test images, and those scikit-image's wheel carries.
PICTURES = {
    "Moon.png": "moon.png",
    "Gravel path.jpg": "gravel.png",
    "Deep field.jpg": "hubble_deep_field.jpg",
    "Eileen Collins.jpg": "astronaut.png",
    "Lift-off.jpg": "originals/rocket.jpg",
    "Espresso.jpg": "originals/coffee.png",
    "Chelsea.jpg": "originals/chelsea.png",
}
OTHERS = {"Menu.pdf": "menu.pdf", "Cat at the door.mp4": "cat.mp4", "Lift-off.gif": "launch.gif"}
SCHEMES = ("light", "dark")
# CSS pixels, and how many the picture has for each.
WIDTHS = {"wide": (1200, 800, 1), "narrow": (390, 844, 1.5)}
MOST_BYTES = 150_000
MIB = 1 << 20


def chosen(folder: Path) -> list[Path]:
    """The library's files, oldest first."""
    packaged = next((TOOLS / "peers").glob("lib/python3*/site-packages/skimage/data"))
    made = []
    for name, source in OTHERS.items():
        made.append(shutil.copy(OWN / source, folder / name))
    for name, source in PICTURES.items():
        origin = OWN / source if (OWN / source).is_file() else packaged / source
        with Image.open(origin) as image:
            image.convert("RGB").save(folder / name, **({"quality": 90} if name.endswith("jpg") else {}))
        made.append(folder / name)
    return [Path(path) for path in made]


@contextmanager
def visit(browser: Browser, stack: Stack, user: User, scheme: str, width: str) -> Iterator[Visitor]:
    """The user at the page, signed in, at this width."""
    across, down, scale = WIDTHS[width]
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": across, "height": down}, device_scale_factor=scale, reduced_motion="reduce"
    )
    try:
        visitor = Visitor(context.new_page(), stack, Storage(stack), user, Watch())
        visitor.arrive()
        visitor.sign_in()
        yield visitor
    finally:
        context.close()


def take(page: Page, name: str, to: Path) -> None:
    """One picture, with as many colours as fit into the size."""
    page.mouse.move(0, 0)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        flat = picture.convert("RGB")
    for colours in (256, 192, 128, 96, 64):
        out = io.BytesIO()
        flat.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG).save(out, "PNG", optimize=True)
        if out.tell() <= MOST_BYTES:
            break
    (to / f"{name}.png").write_bytes(out.getvalue())
    print(f"{name}.png {out.tell() // 1000} kB, {colours} colours", flush=True)


def library(visitor: Visitor, pictures: list[Path]) -> None:
    """All files, with their thumbnails."""
    expect(visitor.at("file")).to_have_count(len(pictures) + len(OTHERS))
    for picture in pictures:
        visitor.tile(picture).scroll_into_view_if_needed()
        visitor.has_thumbnail(picture)
    visitor.page.evaluate("() => scrollTo(0, 0)")


def uploading(visitor: Visitor, large: list[Path], small: list[Path]) -> None:
    """Some under way, one paused, one done."""
    throttle(visitor.page, bytes_per_second=6 * MIB)
    visitor.choose(small[0])
    visitor.becomes(small[0], "done")
    visitor.choose(*large)
    for film in large:
        visitor.becomes(film, "uploading")
    # Until a rate is known; the first that has gone far enough is paused.
    bar = visitor.item(large[0]).get_by_role("progressbar")
    visitor.page.wait_for_function("(bar) => bar.getAttribute('aria-valuenow') > 35", arg=bar.element_handle())
    visitor.item(large[1]).get_by_test_id("pause").click()
    expect(visitor.item(large[0])).to_contain_text("left")


def failed(visitor: Visitor, bad: list[Path]) -> None:
    """Files that cannot go up, each for a reason of its own."""
    visitor.choose(*bad)
    for file in bad:
        visitor.becomes(file, "failed")


def main() -> None:
    """Takes all pictures."""
    parser = argparse.ArgumentParser(prog="make screenshots")
    parser.add_argument("--to", type=Path, default=IMAGES, help="the folder (docs/images)")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        stack = running.enter_context(Stack(roomy=False))
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="valet-screenshots-")))
        playwright = running.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=find_chromium("screenshots"))
        running.callback(browser.close)
        all_files = chosen(folder)
        pictures = [file for file in all_files if file.suffix in (".jpg", ".png")]
        large = [files.make_random(folder / name, size) for name, size in (("Harbour at night.mp4", 60_000_000), ("Interview, second take.mp4", 90_000_000))]
        bad = [folder / name for name in ("Budget 2026.xlsx", "Poster for the fair.png", "Holiday.jpg")]
        for file, content in zip(bad, (b"PK\x03\x04" + bytes(5000), None, b"<html>not a photo</html>"), strict=True):
            if content is None:
                with file.open("wb") as hole:
                    hole.truncate(80 * MIB)
            else:
                file.write_bytes(content)
        for scheme in SCHEMES:
            for width in WIDTHS:
                sub = "kim@example.com"
                user = User(stack.api_url, stack.token(sub=sub), sub, Secrets())
                if not user.files().json()["items"]:
                    with visit(browser, stack, user, scheme, width) as visitor:
                        for file in all_files:
                            visitor.choose(file)
                            visitor.becomes(file, "done")
                        library(visitor, pictures)
                with visit(browser, stack, user, scheme, width) as visitor:
                    library(visitor, pictures)
                    take(visitor.page, f"library-{scheme}-{width}", options.to)
                    failed(visitor, bad)
                    take(visitor.page, f"failed-{scheme}-{width}", options.to)
                with visit(browser, stack, user, scheme, width) as visitor:
                    library(visitor, pictures)
                    uploading(visitor, large, pictures[-1:])
                    take(visitor.page, f"uploading-{scheme}-{width}", options.to)
                    for film in large:
                        visitor.item(film).get_by_test_id("cancel").click()
                        visitor.becomes(film, "cancelled")
                # What was uploaded for the picture is not in the next one.
                newest = user.files("?limit=1").json()["items"][0]
                user.delete(newest)


if __name__ == "__main__":
    sorry.run(main)
