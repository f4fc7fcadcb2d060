"""One Chromium and one stack for the run; a context with its own storage, and a user nobody has seen before, for each test."""

import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from infra.local.places import ROOT, STATE
from infra.local.sorry import Sorry
from infra.local.stack import Stack
from tests.e2e.storage import Storage
from tests.e2e.user import Secrets, User
from tests.heavy import files

from .bundles import axe
from .site import Site
from .visitor import Visitor
from .watch import Watch

# What a failed test leaves: a screenshot, a trace for `playwright show-trace`, and what the page said.
LEFT = STATE / "browser"
# Nothing waits this long unless the machine is very busy.
PATIENCE_MS = 30_000
SMALL, MEDIUM, LARGE = 200_000, 12_000_000, 30_000_000


def pytest_sessionstart(session: pytest.Session) -> None:
    """What lies there is of this run."""
    shutil.rmtree(LEFT, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Lets fixtures know how the test ended."""
    report = yield
    item.stash.setdefault(REPORTS, {})[report.when] = report
    return report


REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture(scope="session")
def stack(site) -> Iterator[Stack]:
    with Stack(parameters={"CorsOrigin": site.origin}) as running:
        yield running


@pytest.fixture(scope="session")
def storage(stack) -> Storage:
    return Storage(stack)


@pytest.fixture(scope="session")
def new_user(stack) -> Callable[[], User]:
    """Makes users nobody has seen before."""

    def make() -> User:
        sub = f"{uuid.uuid4()}@example.com"
        return User(stack.api_url, stack.token(sub=sub), sub, Secrets())

    return make


@pytest.fixture
def user(new_user) -> User:
    return new_user()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium("test-browser")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def new_context(chromium, request) -> Iterator[Callable[..., tuple[BrowserContext, Watch]]]:
    """Opens contexts as Playwright does, watched; those of a test that failed leave their traces."""
    opened: list[tuple[BrowserContext, Watch]] = []

    def open_one(**options: object) -> tuple[BrowserContext, Watch]:
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        watch = Watch()
        watch.attach(context)
        # Pictures of every frame would cost a third of the run; the last one is taken apart.
        context.tracing.start(screenshots=False, snapshots=True)
        opened.append((context, watch))
        return context, watch

    yield open_one
    reports = request.node.stash.get(REPORTS, {})
    failed = any(report.failed for report in reports.values())
    unexpected = [problem for _, watch in opened for problem in watch.unexpected()]
    for number, (context, watch) in enumerate(opened):
        if failed or unexpected:
            _leave(request.node.name, number, context, watch)
        else:
            context.tracing.stop()
        context.close()
    # A failure of its own would only hide the first one.
    assert failed or not unexpected, "the page had errors nobody expected:\n" + "\n".join(unexpected)


@pytest.fixture
def one_context(new_context) -> tuple[BrowserContext, Watch]:
    return new_context()


@pytest.fixture
def watch(one_context) -> Watch:
    """What the page has said and asked for."""
    return one_context[1]


@pytest.fixture
def page(one_context) -> Page:
    """An empty page in a context of its own."""
    return one_context[0].new_page()


@pytest.fixture
def short_urls(stack) -> Iterator[int]:
    """Signed URLs that end after so many seconds: less than the template allows, or the test would take a minute."""
    lambdas, seconds = stack.client("lambda"), 2
    functions = [stack.outputs.functions[name] for name in ("issue-upload", "companion") if name in stack.outputs.functions]
    before = {name: lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"] for name in functions}
    for name, variables in before.items():
        changed = variables | {"URL_LIFETIME_SECONDS": str(seconds)}
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    yield seconds
    for name, variables in before.items():
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@pytest.fixture
def visitor(page, stack, storage, user, watch) -> Visitor:
    """A user who has signed in at the page."""
    somebody = Visitor(page, stack, storage, user, watch)
    somebody.arrive()
    somebody.sign_in()
    return somebody


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> list[Path]:
    """Pictures with names of their own, of different shapes."""
    folder = tmp_path_factory.mktemp("photos")
    originals = sorted((ROOT / "tests" / "images" / "originals").iterdir())
    made = []
    for number in range(6):
        original = originals[number % len(originals)]
        path = folder / f"{original.stem}-{number}.jpg"
        with Image.open(original) as image:
            image.convert("RGB").rotate(5 * number, expand=True).save(path, quality=85)
        made.append(path)
    return made


@pytest.fixture(scope="session")
def axe_script() -> str:
    return axe().read_text()


@pytest.fixture(scope="session")
def films(tmp_path_factory) -> dict[int, Path]:
    """Random bytes that begin as an MP4 does, 200 kB, 12 MB and 30 MB."""
    folder = tmp_path_factory.mktemp("films")
    return {size: files.make_random(folder / f"film-{size}.mp4", size, seed=size) for size in (SMALL, MEDIUM, LARGE)}


def _leave(name: str, number: int, context: BrowserContext, watch: Watch) -> None:
    folder = LEFT / re.sub(r"[^\w.-]+", "-", name)[:120]
    folder.mkdir(parents=True, exist_ok=True)
    for at, page in enumerate(context.pages):
        try:
            page.screenshot(path=folder / f"page-{number}-{at}.png", full_page=True, timeout=5000)
        except Exception as error:  # a page that crashed has no picture, and must not hide why the test failed
            watch.problems.append(f"no screenshot: {error}")
    context.tracing.stop(path=folder / f"trace-{number}.zip")
    said = watch.problems + [f"{request.method} {request.url.partition('?')[0]}" for request in watch.requests]
    (folder / f"said-{number}.txt").write_text("\n".join(said) + "\n")


def find_chromium(what: str) -> str:
    """The browser of this machine, for a run without make."""
    done = subprocess.run([sys.executable, ROOT / "infra" / "tools" / "chromium.py", what], stdout=subprocess.PIPE, text=True)
    if not (path := done.stdout.strip()):
        raise Sorry("there is no Chromium.")
    return path
