"""What lies beside the page at its address on this machine, and what cannot be reached that way."""

import pytest

from infra.local import static


@pytest.fixture
def folders(tmp_path):
    docs = tmp_path / "docs"
    (docs / "sub").mkdir(parents=True)
    (docs / "index.html").write_text("<h1>index</h1>")
    (docs / "sub" / "index.html").write_text("sub")
    (docs / "style.css").write_text("a{}")
    (tmp_path / "secret").write_text("secret")
    (docs / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "api.json").write_text("{}")
    return {"/docs/": docs, "/docs/api.json": tmp_path / "api.json", "/docs/gone/": tmp_path / "gone"}


def get(folders, path: str, method: str = "GET") -> static.Found:
    begins = static.prefix(folders, path)
    assert begins is not None
    return static.find(folders[begins], begins, path, method)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/docs/", "text/html", b"<h1>index</h1>"),
        ("/docs/index.html", "text/html", b"<h1>index</h1>"),
        ("/docs/sub", "text/html", b"sub"),
        ("/docs/style.css", "text/css", b"a{}"),
        ("/docs/api.json", "application/json", b"{}"),
    ],
)
def test_a_file_is_served_as_what_it_is(folders, path, kind, body):
    found = get(folders, path)
    assert (found.status, found.headers["content-type"], found.body) == (200, kind, body)


def test_a_folder_without_its_slash_leads_to_it(folders):
    found = get(folders, "/docs")
    assert (found.status, found.headers["location"]) == (308, "/docs/")


def test_another_path_is_not_beside_the_page(folders):
    for path in ("/", "/doc", "/documents/", "/config.json"):
        assert static.prefix(folders, path) is None


@pytest.mark.parametrize("path", ["/docs/../secret", "/docs/sub/../../secret", "/docs//etc/passwd", "/docs/link", "/docs/nothing"])
def test_nothing_leads_out_of_the_folder(folders, path):
    found = get(folders, path)
    assert found.status == 404 and b"secret" not in found.body


def test_a_folder_that_is_not_there_is_said(folders):
    found = get(folders, "/docs/gone/x.js")
    assert found.status == 404 and b"make help" in found.body


def test_a_head_has_no_body_and_nothing_is_written(folders):
    assert get(folders, "/docs/", "HEAD") == static.Found(200, {"content-type": "text/html", "cache-control": "no-cache"})
    assert get(folders, "/docs/", "POST").status == 405
