"""A grant can be given back. What arrives for it afterwards does not stay."""

import pytest

from . import expect
from .polling import eventually
from .samples import PHOTO
from .web import send


def test_cancelling_ends_the_grant_and_can_be_repeated(user, storage):
    grant = user.grant(PHOTO)
    for _ in range(2):
        reply = user.cancel(grant)
        assert (reply.status, reply.body) == (204, b"")
    assert storage.row(user.owner, grant["id"])["status"] == "cancelled"
    assert user.read(grant).json()["status"] == "cancelled"
    expect.problem(user.confirm(grant), 409, "invalid_state")
    expect.problem(user.resign(grant), 409, "invalid_state")


def test_what_arrives_after_the_cancel_is_removed_by_its_event(user, storage):
    grant = user.grant(PHOTO)
    assert user.cancel(grant).status == 204
    # A signed URL cannot be taken back: S3 still takes it.
    assert user.put(grant, PHOTO.content).status == 200
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    eventually(lambda: storage.versions(key) == [], "the late file is removed")
    assert storage.row(user.owner, grant["id"])["status"] == "cancelled"
    assert storage.versions(f"thumbnails/{user.owner}") == []


def test_the_late_file_is_never_served(user, storage, stack):
    grant = user.grant(PHOTO)
    assert user.cancel(grant).status == 204
    assert user.put(grant, PHOTO.content).status == 200
    key = f"uploads/{user.owner}/{grant['id']}.jpg"

    def gone() -> bool:
        assert send("GET", f"{stack.cdn_url}/{key}").status == 403
        return storage.versions(key) == []

    eventually(gone, "the late file is removed")


def test_the_url_of_a_removed_file_brings_nothing_back(user, storage):
    """Removed means that If-None-Match finds nothing: the same URL works once more, to the same end."""
    grant = user.grant(PHOTO)
    assert user.cancel(grant).status == 204
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    for _ in range(2):
        assert user.put(grant, PHOTO.content).status == 200
        eventually(lambda: storage.versions(key) == [], "the late file is removed")
    assert user.read(grant).json()["status"] == "cancelled"


def test_a_ready_file_is_not_cancelled(user, storage):
    grant = user.upload(PHOTO)
    file = user.confirm(grant).json()
    expect.problem(user.cancel(grant), 409, "invalid_state")
    assert storage.row(user.owner, grant["id"])["status"] == "ready"
    assert send("GET", file["fileUrl"]).status == 200


@pytest.mark.parametrize("file", ["ready", "rejected"])
def test_cancelling_what_ended_leaves_it_as_it_ended(user, storage, file):
    content = PHOTO.content if file == "ready" else b"<!doctype html>" + b" " * 500
    grant = user.upload_of(content, "image/jpeg", "jpg")
    user.settled(grant)
    assert user.cancel(grant).status == (409 if file == "ready" else 204)
    assert storage.row(user.owner, grant["id"])["status"] == file
