"""How each uploader is begun in a page, and when its upload counts as done. Neither may know that it is measured."""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.bundles import uppy
from tests.browser.site import JAVASCRIPT, Site

HERE = Path(__file__).parent
OURS = "uploader.js"
PAGE = b"""<!doctype html><html lang=en><meta charset=utf-8><title>Bench</title><link rel=icon href=data:,>
<body><input type=file><script type=module src=/bench.js></script></body></html>"""


@dataclass(frozen=True)
class Contestant:
    """An uploader, what of its options is not as it comes, and whether the file is ready when it says that it is done."""

    name: str
    options: str
    is_ready_then: bool


@dataclass(frozen=True)
class Took:
    """One upload: seconds until the uploader said that it was done, and until the file was ready; what was asked for meanwhile."""

    said: float
    ready: float
    requests: int
    preflights: int


CONTESTANTS = [
    Contestant(OURS, "none", True),
    Contestant("Uppy 5, in parts", "`shouldUseMultipart: true`", True),
    # S3 has the file then, and nobody has looked at it: the page has to ask until the event has been worked off.
    Contestant("Uppy 5, one request", "none: up to 100 MiB it sends a form", False),
]


def serve(site: Site) -> None:
    """Puts both uploaders on the site."""
    site.files["/bench"] = ("text/html; charset=utf-8", PAGE)
    site.files["/bench.js"] = (JAVASCRIPT, HERE / "bench_page.js")
    site.files["/uppy.js"] = (JAVASCRIPT, uppy(5))


def upload(browser: Browser, site: Site, one: Contestant, film: Path, api: str, token: str) -> Took:
    """One upload in a context of its own, which has made no preflight yet."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    asked: list[tuple[str, str]] = []
    session.on("Network.requestWillBeSent", lambda event: asked.append((event["request"]["method"], event["request"]["url"])))
    page.goto(f"{site.origin}/bench")
    page.wait_for_function("() => window.isLoaded")
    page.set_input_files("input", film)
    asked.clear()
    took = page.evaluate("([name, isReadyThen, api, token]) => measure(name, isReadyThen, api, token)", [one.name, one.is_ready_then, api, token])
    context.close()
    preflights = sum(method == "OPTIONS" for method, _ in asked)
    return Took(took["said"] / 1000, took["ready"] / 1000, len(asked) - preflights, preflights)
