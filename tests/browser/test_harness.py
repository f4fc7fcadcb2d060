"""The harness sees what goes wrong in a page, and the bundles hold what they say."""

import pytest

from .bundles import MAJORS, uppy
from .watch import opened


def test_errors_of_a_page_are_seen(page, site, watch):
    opened(page, site.origin)
    page.evaluate("""() => {
        console.error("in the console");
        setTimeout(() => { throw new Error("thrown") });
        return Promise.all([fetch("/missing").then((answer) => answer.text()), fetch("http://127.0.0.1:1/").catch(() => {})]);
    }""")
    page.wait_for_function("() => true")
    seen = "\n".join(watch.unexpected())
    for part in ("in the console", "exception: thrown", "404", "request failed: GET http://127.0.0.1:1/"):
        assert part in seen
    watch.expects("in the console", "exception: thrown", "404", "127.0.0.1:1")
    assert watch.unexpected() == []


@pytest.mark.parametrize("major", MAJORS)
def test_uppy_is_bundled_as_published(page, site, major):
    opened(page, site.origin)
    address = site.script(f"/uppy-{major}.js", uppy(major))
    said = page.evaluate(
        "async (address) => { const { Uppy, AwsS3 } = await import(address); return [Uppy.VERSION, AwsS3.VERSION] }", address
    )
    assert [version.partition(".")[0] for version in said] == [str(major)] * 2
