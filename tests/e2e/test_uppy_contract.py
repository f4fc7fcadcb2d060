"""What unmodified Uppy was recorded to send is answered so that its files become verified files: every version, every way of
telling who one is, with pauses, faults, URLs that ended and cancels."""

import json
from urllib.parse import urlsplit

import pytest

from .polling import eventually
from .test_cors import ORIGIN, preflight
from .uppy import BIG, RECORDINGS, SMALL, Replay
from .web import send

COMPANION = [name for name in RECORDINGS if not name.startswith("uppy6-sign")]


def with_token(user) -> Replay:
    return Replay(user.api_url, {"authorization": f"Bearer {user.token}"})


def with_session(user) -> Replay:
    reply = user.call("POST", "/v1/uppy-sessions")
    assert reply.status == 201, reply
    endpoint = reply.json()["endpoint"]
    assert endpoint.startswith(f"{user.api_url}/uppy/")
    user.secrets.texts.add(endpoint.rsplit("/", 1)[1])
    return Replay(endpoint, {})


def upload(user, key: str) -> dict:
    """What the API says of the upload behind a key, once it is settled."""
    identifier = urlsplit(key).path.rsplit("/", 1)[1].split(".")[0]

    def look() -> dict | None:
        found = user.call("GET", f"/v1/uploads/{identifier}").json()
        return None if found["status"] == "pending" else found

    return eventually(look, f"upload {identifier} is settled")


def became(user, key: str, content: bytes) -> dict:
    """The file that an upload has become, compared by its bytes."""
    found = upload(user, key)
    assert (found["status"], found["size"]) == ("ready", len(content)), found
    assert send("GET", found["file"]["fileUrl"]).body == content
    return found


@pytest.mark.parametrize("begin", [with_token, with_session])
@pytest.mark.parametrize("name", COMPANION)
def test_a_recorded_companion_client_is_served(user, name, begin):
    replay = begin(user)
    replay.run(name)
    if replay.form:
        found = became(user, replay.form["fields"]["key"], SMALL)
        assert found["filename"] == "small photo é.png"
    if replay.completed:
        assert replay.completed["key"] == replay.key
        # Completed is verified, at once.
        identifier = replay.key.rsplit("/", 1)[1].split(".")[0]
        assert user.call("GET", f"/v1/uploads/{identifier}").json()["status"] == "ready"
        assert send("GET", replay.completed["location"]).body == BIG
        assert became(user, replay.key, BIG)["filename"] == "big 30MB.mp4"
    if any(step.get("api", "").startswith("DELETE") for step in RECORDINGS[name]):
        assert upload(user, replay.key)["status"] == "cancelled"


@pytest.mark.parametrize("name", ["uppy6-sign", "uppy6-signpost"])
def test_a_recorded_client_that_has_its_requests_signed_is_served(user, name):
    replay = with_token(user)
    replay.run(name)
    found = became(user, replay.form["fields"]["key"], SMALL)
    assert found["filename"] == "small photo é.png"
    if name == "uppy6-sign":
        assert became(user, replay.key, BIG)["filename"] == "big 30MB.mp4"
        assert f"<Key>{replay.key}</Key>" in replay.replies[-1].body.decode()
        assert "<Location>" in replay.replies[-1].body.decode()


def test_no_recording_was_left_out():
    assert len(COMPANION) + 2 == len(RECORDINGS) == 9
    steps = [json.dumps(step) for steps in RECORDINGS.values() for step in steps]
    for word in ("quoted", "bare", "null", "DELETE", "503", "403", "begins", "own"):
        assert any(word in step for step in steps), f"no recording has {word}"


def test_what_was_sent_before_a_pause_is_listed_after_it(user):
    replay = with_token(user)
    replay.run("uppy5-pause-resume-cancel")
    assert [part["PartNumber"] for part in replay.listed] == list(range(1, 8))
    assert all(isinstance(part["Size"], int) for part in replay.listed)
    assert {part["PartNumber"]: part["ETag"] for part in replay.listed} == replay.etags


@pytest.mark.parametrize(
    ("method", "headers"), [("POST", "content-type"), ("GET", "content-type"), ("PUT", ""), ("DELETE", "")]
)
def test_a_page_of_the_origin_may_talk_to_the_bucket_as_uppy_does(stack, method, headers):
    reply = preflight(f"{stack.endpoint}/{stack.bucket}/uploads/x", ORIGIN, method, headers)
    assert (reply.status, reply.headers.get("access-control-allow-origin")) == (200, ORIGIN), reply
    other = preflight(f"{stack.endpoint}/{stack.bucket}/uploads/x", "https://evil.example", method, headers)
    assert other.headers.get("access-control-allow-origin") not in ("https://evil.example", "*")


def test_the_bucket_lets_a_page_read_what_uppy_needs(user):
    replay = with_token(user)
    replay.run("uppy6-signpost")
    reply = send("OPTIONS", replay.form["url"], {"origin": ORIGIN, "access-control-request-method": "POST"})
    assert reply.headers.get("access-control-allow-origin") == ORIGIN
    exposed = send("POST", replay.form["url"], {"origin": ORIGIN}, b"").headers.get("access-control-expose-headers", "")
    assert {"etag", "location"} <= {name.strip().lower() for name in exposed.split(",")}


def test_the_routes_of_a_session_are_preflighted_without_a_token(user):
    endpoint = with_session(user).endpoint
    reply = preflight(f"{endpoint}/s3/multipart", ORIGIN, "POST", "content-type")
    assert reply.status in (200, 204), reply
    assert reply.headers["access-control-allow-origin"] == ORIGIN
