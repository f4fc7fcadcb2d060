"""Whatever is sent to the API, the answer names what is wrong, and nothing is kept."""

import json
import re

import pytest

from . import expect
from .samples import PHOTO
from .test_grants import rows
from .user import wanted

GOOD = {"filename": "cat.jpg", "contentType": "image/jpeg", "size": 1000}
UPLOAD_KEY = r"/uploads/[0-9a-f]{32}/[0-9a-f-]{36}\.jpg"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b'["cat.jpg","image/jpeg",1000,null]',
        b"\xff\xfe\x00",
        b"{}",
        b'{"filename":"a.jpg"}',
        b"[" * 50_000,
        b'{"a":' * 20_000,
        b'{"filename":"\\ud800","contentType":"image/jpeg","size":1}',
        b"filename=cat.jpg&contentType=image/jpeg&size=1",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_request_is_refused(user, storage, body):
    expect.problem(user.call("POST", "/v1/uploads", body), 400, "invalid_request")
    assert rows(storage, user) == []


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("size", 0, "/size"),
        ("size", -1, "/size"),
        ("size", 1.5, "/size"),
        ("size", 1e20, "/size"),
        ("size", -1.0, "/size"),
        ("size", "1000", "/size"),
        ("size", None, "/size"),
        ("size", 2**64, "/size"),
        ("filename", "", "/filename"),
        ("filename", "x" * 1025, "/filename"),
        ("filename", "ü" * 513, "/filename"),
        ("filename", 7, "/filename"),
        ("filename", None, "/filename"),
        ("contentType", None, "/contentType"),
        ("contentType", ["image/jpeg"], "/contentType"),
        ("checksum", {"sha256": "AAAA"}, "/checksum/sha256"),
        ("checksum", {"sha256": "0" * 64}, "/checksum/sha256"),
        ("checksum", {"sha256": 7}, "/checksum/sha256"),
        ("checksum", "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4=", "/checksum"),
    ],
)
def test_a_bad_field_is_named(user, storage, field, value, pointer):
    told = expect.problem(user.issue(GOOD | {field: value}), 400, "invalid_request")
    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert rows(storage, user) == []


def test_a_whole_number_may_be_spelled_with_a_point(user):
    """To JSON 1000.0 is 1000, and some languages write it so."""
    reply = user.call("POST", "/v1/uploads", b'{"filename":"a.jpg","contentType":"image/jpeg","size":1000.0}')
    assert (reply.status, reply.json()["size"]) == (201, 1000), reply


def test_all_bad_fields_are_named_at_once(user):
    bad = {"filename": "", "contentType": "image/jpeg", "size": 0, "checksum": {"sha256": "x"}}
    told = expect.problem(user.issue(bad), 400, "invalid_request")
    assert [error["pointer"] for error in told["errors"]] == ["/filename", "/size", "/checksum/sha256"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/HtMl",
        "image/svg+xml",
        "image/png,text/html",
        "image/png;text/html",
        "image/jpeg; charset=utf-8",
        "image/jpeg\r\nx-amz-acl: public-read",
        "IMAGE/JPEG",
        " image/jpeg",
        "image/*",
        "*/*",
        "application/octet-stream",
        "application/xhtml+xml",
        "text/xml",
        "image/jpeg\0",
        "",
    ],
)
def test_only_the_exact_name_of_an_accepted_type_is_accepted(user, storage, content_type):
    expect.problem(user.issue(GOOD | {"contentType": content_type}), 415, "type_not_allowed")
    assert rows(storage, user) == []


@pytest.mark.parametrize(
    "filename",
    [
        "../../u2/x.png",
        "..\\..\\x.png",
        "%2e%2e/%2e%2e/x.png",
        "/etc/passwd",
        "nul\0byte.jpg",
        "line\r\nx-amz-acl: public-read\r\n.jpg",
        'quote"; filename="x.html',
        "<script>alert(1)</script>.jpg",
        "\u202egpj.exe",
        "ＣＯＮ.jpg",
        "👩‍👩‍👧.jpg",
        "x" * 1024,
        '{"level":"ERROR","message":"forged"}\n{"level":"ERROR"}',
    ],
    ids=lambda filename: ascii(filename)[:30],
)
def test_no_part_of_a_filename_reaches_the_key(user, storage, stack, filename):
    reply = user.issue(GOOD | {"filename": filename})
    assert reply.status == 201, reply
    grant = reply.json()
    path = grant["request"]["url"].split("?")[0].removeprefix(f"{stack.endpoint}/{stack.bucket}")
    assert re.fullmatch(UPLOAD_KEY, path), path
    assert set(grant["request"]["headers"].values()) == {"image/jpeg", "*", "public, max-age=31536000, immutable"}
    # Given back as it came, to its owner alone.
    assert user.read(grant).json()["filename"] == filename
    assert storage.row(user.owner, grant["id"])["filename"] == filename


def test_a_file_larger_than_its_type_may_be_is_refused(user, storage):
    for size in (50 * (1 << 20) + 1, 10**12, 2**63):
        expect.problem(user.issue(GOOD | {"size": size}), 413, "file_too_large")
    assert rows(storage, user) == []


@pytest.mark.parametrize("megabytes", [1, 5])
def test_a_huge_body_is_refused(user, storage, megabytes):
    body = json.dumps(GOOD | {"filename": "x" * (megabytes << 20)}).encode()
    expect.problem(user.call("POST", "/v1/uploads", body), 400, "invalid_request")
    assert rows(storage, user) == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_request_that_is_not_declared_as_json_is_refused(user, storage, content_type):
    """A page of another origin can send these three without asking; JSON makes its browser ask first."""
    body = json.dumps(GOOD).encode()
    reply = user.call("POST", "/v1/uploads", body, {"content-type": content_type})
    expect.problem(reply, 400, "invalid_request")
    assert rows(storage, user) == []


def test_json_may_say_its_charset(user):
    body = json.dumps(GOOD).encode()
    assert user.call("POST", "/v1/uploads", body, {"content-type": "application/json; charset=utf-8"}).status == 201


NOT_IDS = [
    "x",
    "0",
    "null",
    "00000000-0000-0000-0000-000000000000",
    "01936f2e-8b5a-4c3d-9e4f-0123456789ab",
    "01936F2E-8B5A-7C3D-9E4F-0123456789AB",
    "01936f2e8b5a7c3d9e4f0123456789ab",
    "01936f2e-8b5a-7c3d-9e4f-0123456789ab",
    "%7B01936f2e-8b5a-7c3d-9e4f-0123456789ab%7D",
    "%2e%2e",
    "%00",
    "%0d%0a",
    "%ff",
    "OWNER%23x",
    "x" * 3000,
]


@pytest.mark.parametrize("identifier", NOT_IDS, ids=lambda identifier: identifier[:40])
def test_an_id_that_is_nobodys_is_not_found_on_any_route(user, identifier):
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/url"), ("POST", "/confirm")):
        expect.problem(user.call(method, f"/v1/uploads/{identifier}{rest}"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/uploads"),
        ("PUT", "/v1/uploads"),
        ("POST", "/v1/limits"),
        ("GET", "/v2/limits"),
        ("PATCH", "/v1/uploads/01936f2e-8b5a-7c3d-9e4f-0123456789ab"),
        ("GET", "/v1/uploads/01936f2e-8b5a-7c3d-9e4f-0123456789ab/confirm"),
        ("POST", "/v1/uploads/01936f2e-8b5a-7c3d-9e4f-0123456789ab/nothing"),
        ("GET", "/health"),
    ],
)
def test_a_route_or_method_that_is_none_is_not_found(user, method, path):
    """API Gateway answers these itself: only the routes the template lists reach a function."""
    expect.gateway_refusal(user.call(method, path), 404)


def test_a_query_string_changes_nothing_where_none_is_known(user):
    grant = user.upload(PHOTO)
    reply = user.call("POST", f"/v1/uploads/{grant['id']}/confirm?owner=somebody&id=x")
    assert (reply.status, reply.json()["id"]) == (200, grant["id"])


@pytest.mark.parametrize("path", ["/v1/uploads/{id}", "/v1/files"])
def test_a_parameter_that_is_not_known_is_refused_where_some_are(user, path):
    grant = user.upload(PHOTO)
    problem = expect.problem(user.call("GET", path.format(id=grant["id"]) + "?owner=somebody"), 400, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == ["owner"]


def test_an_unexpected_body_changes_nothing(user):
    grant = user.upload(PHOTO)
    reply = user.call("POST", f"/v1/uploads/{grant['id']}/confirm", {"size": 1, "status": "rejected", "owner": "somebody"})
    assert (reply.status, reply.json()["status"]) == (200, "ready")


def test_an_unknown_field_of_a_request_is_not_kept(user, storage):
    asked = wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension)
    hostile = {"id": "01936f2e-8b5a-7c3d-9e4f-0123456789ab", "status": "ready", "owner": "x", "key": "uploads/x", "pk": "OWNER#x"}
    reply = user.issue(hostile | asked)
    if reply.status == 400:
        expect.problem(reply, 400, "invalid_request")
        return
    assert (reply.status, reply.json()["status"]) == (201, "pending"), reply
    assert rows(storage, user) == [reply.json()["id"]] != [hostile["id"]]
