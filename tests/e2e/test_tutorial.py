"""The tutorial's two routes: a grant of one PUT and its confirm in other words."""

import pytest

from . import expect
from .samples import MP4, PHOTO
from .test_grants import rows
from .user import wanted
from .web import send

GIB = 1 << 30


def upload_url(user, asked: dict):
    if len(asked["filename"]) > 8:
        user.secrets.texts.add(asked["filename"])
    return user.call("POST", "/get-upload-url", asked)


def given(user, asked: dict | None = None) -> dict:
    reply = upload_url(user, asked or wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension))
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store"), reply
    return reply.json()


def confirm(user, key: object):
    return user.call("POST", "/confirm-upload", {"key": key})


def test_a_file_goes_up_in_three_requests(user, stack):
    grant = given(user)
    assert set(grant) == {"uploadUrl", "key", "headers", "id", "expiresAt"}
    expect.problem(confirm(user, grant["key"]), 409, "not_uploaded")
    assert send("PUT", grant["uploadUrl"], grant["headers"], PHOTO.content).status == 200
    for _ in range(2):
        told = confirm(user, grant["key"])
        assert told.status == 200, told
        assert (told.json()["success"], told.json()["fileUrl"]) == (True, f"{stack.cdn_url}/{grant['key']}")
    file = user.file(grant).json()
    assert {name: told.json()[name] for name in ("id", "status", "size", "contentType")} == {
        name: file[name] for name in ("id", "status", "size", "contentType")
    }
    assert send("GET", told.json()["fileUrl"]).body == PHOTO.content


def test_a_file_that_would_go_up_in_parts_is_one_put_here(user):
    size = 16 * (1 << 20) + 1
    grant = given(user, {"filename": "Geheimer Film.mp4", "contentType": "video/mp4", "size": size})
    assert "multipart" not in user.read(grant).json()
    content = MP4.content + bytes(size - len(MP4.content))
    assert send("PUT", grant["uploadUrl"], grant["headers"], content).status == 200
    assert confirm(user, grant["key"]).json()["size"] == size


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"size": 5 * GIB + 1}, 413, "file_too_large"),
        ({"contentType": "text/html"}, 415, "type_not_allowed"),
        ({"filename": ""}, 400, "invalid_request"),
        ({"size": 0}, 400, "invalid_request"),
    ],
)
def test_what_is_no_grant_is_none_here_either(user, storage, change, status, code):
    expect.problem(upload_url(user, {"filename": "Geheim 1.mp4", "contentType": "video/mp4", "size": 7} | change), status, code)
    assert rows(storage, user) == []


def test_five_gib_are_one_put(user):
    assert "uploadUrl" in given(user, {"filename": "Geheim 5.mp4", "contentType": "video/mp4", "size": 5 * GIB})


def test_a_key_that_is_not_the_callers_is_not_found(user, new_user):
    grant, other = given(user), new_user()
    theirs = grant["key"].replace(user.owner, other.owner)
    expect.problem(confirm(other, grant["key"]), 404, "not_found")
    for key in (theirs, grant["key"] + "x", "uploads/x", "", f"/{grant['key']}", f"thumbnails/{user.owner}/{grant['id']}/small.jpg"):
        expect.problem(confirm(user, key), 404, "not_found")


@pytest.mark.parametrize("key", [None, 7, ["x"]])
def test_a_key_that_is_none_is_named(user, key):
    problem = expect.problem(confirm(user, key), 400, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == ["/key"]
