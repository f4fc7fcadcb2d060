"""How each route is asked for something that it answers. It must never leave a route out: test_table.py compares it with the template."""

import json
from dataclasses import dataclass
from urllib.parse import quote

from tests.e2e.web import Reply, send

from .routes import Route

SOME_ID = "01936f2e-8b5a-7c3d-9e4f-0123456789ab"
NO_SESSION = "A" * 43


@dataclass(frozen=True)
class Target:
    """An upload as a request names it: by our id, by its key, and by what S3 calls its parts."""

    id: str
    key: str
    multipart: str = "none"


KEY, MULTIPART = object(), object()
BY_KEY = {"key": KEY}
PART = {"parts": [{"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}]}
SIGNED = {"method": "PUT", "key": KEY, "uploadId": MULTIPART, "partNumber": 1}
FILE = {"filename": "a.jpg", "contentType": "image/jpeg", "size": 1}

# Query and body of the routes that are about one upload.
ABOUT: dict[str, tuple[dict, object]] = {
    "GET /v1/uploads/{id}": ({}, None),
    "POST /v1/uploads/{id}/url": ({}, None),
    "POST /v1/uploads/{id}/parts": ({}, {"parts": [{"partNumber": 1}]}),
    "POST /v1/uploads/{id}/confirm": ({}, None),
    "DELETE /v1/uploads/{id}": ({}, None),
    "GET /v1/files/{id}": ({}, None),
    "GET /v1/files/{id}/url": ({}, None),
    "DELETE /v1/files/{id}": ({}, None),
    "POST /confirm-upload": ({}, {"key": KEY}),
    **{
        route.replace(" /s3/", f" {start}/s3/"): asked
        for start in ("", "/uppy/{session}")
        for route, asked in {
            "GET /s3/multipart/{uploadId}": (BY_KEY, None),
            "GET /s3/multipart/{uploadId}/{partNumber}": (BY_KEY, None),
            "POST /s3/multipart/{uploadId}/complete": (BY_KEY, PART),
            "DELETE /s3/multipart/{uploadId}": (BY_KEY, None),
            "POST /s3/sign": ({}, SIGNED),
        }.items()
    },
}
# Of the others.
OTHERS: dict[str, tuple[dict, object]] = {
    "POST /v1/uploads": ({}, FILE),
    "POST /v1/uploads/batch": ({}, {"uploads": [FILE]}),
    "GET /v1/limits": ({}, None),
    "GET /v1/files": ({}, None),
    "GET /v1/usage": ({}, None),
    "POST /get-upload-url": ({}, FILE),
    "POST /v1/uppy-sessions": ({}, None),
    **{
        route.replace(" /s3/", f" {start}/s3/"): asked
        for start in ("", "/uppy/{session}")
        for route, asked in {
            "GET /s3/params": ({"filename": "a.png", "type": "image/png"}, None),
            "POST /s3/multipart": ({}, {"filename": "a.mp4", "type": "video/mp4"}),
        }.items()
    },
}
NOBODYS = Target(SOME_ID, f"uploads/{'0' * 32}/{SOME_ID}.jpg")


def body_of(route: Route, target: Target = NOBODYS) -> bytes | None:
    """What is sent, as JSON."""
    _, body = (ABOUT | OTHERS)[route.key]
    return None if body is None else json.dumps(_filled(body, target)).encode()


def path_of(route: Route, target: Target = NOBODYS, session: str = NO_SESSION) -> str:
    """Path and query."""
    query, _ = (ABOUT | OTHERS)[route.key]
    filled = {name: str(value) for name, value in _filled(query, target).items()}
    path = route.path.replace("{id}", target.id).replace("{uploadId}", target.id).replace("{partNumber}", "1").replace("{session}", session)
    return path + ("?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in filled.items()) if filled else "")


def ask(api_url: str, route: Route, headers: dict[str, str], target: Target = NOBODYS, session: str = NO_SESSION) -> Reply:
    """One request by whoever these headers make it."""
    body = body_of(route, target)
    sent = headers | ({"content-type": "application/json"} if body is not None else {})
    return send(route.method, api_url + path_of(route, target, session), sent, body)


def _filled(asked: object, target: Target) -> object:
    if isinstance(asked, dict):
        return {name: _filled(value, target) for name, value in asked.items()}
    return target.key if asked is KEY else target.multipart if asked is MULTIPART else asked
