"""Who may call: a token of this issuer, for this audience, with the scope, and only for what is one's own."""

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from infra.local.issuer import AUDIENCE, KEY_ID, SCOPE, new_key

from . import expect
from .samples import PHOTO
from .user import User
from .web import send

SOME_ID = "01936f2e-8b5a-7c3d-9e4f-0123456789ab"
ROUTES = [
    ("POST", "/v1/uploads"),
    ("POST", "/v1/uploads/batch"),
    ("GET", "/v1/limits"),
    ("GET", "/v1/usage"),
    ("GET", "/v1/uploads/{id}"),
    ("POST", "/v1/uploads/{id}/url"),
    ("POST", "/v1/uploads/{id}/parts"),
    ("POST", "/v1/uploads/{id}/confirm"),
    ("DELETE", "/v1/uploads/{id}"),
    ("GET", "/v1/files"),
    ("GET", "/v1/files/{id}"),
    ("GET", "/v1/files/{id}/url"),
    ("DELETE", "/v1/files/{id}"),
    ("POST", "/get-upload-url"),
    ("POST", "/confirm-upload"),
]
every_route = pytest.mark.parametrize(("method", "path"), ROUTES)


@every_route
def test_without_a_token_nothing_is_answered(stack, method, path):
    body = b'{"filename":"a.jpg","contentType":"image/jpeg","size":1}' if path == "/v1/uploads" else None
    reply = send(method, stack.api_url + path.format(id=SOME_ID), {"content-type": "application/json"}, body)
    expect.gateway_refusal(reply, 401)


def unsigned(stack) -> str:
    """A token that says it needs no signature."""

    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': KEY_ID})}.{part(claims(stack))}."


def signed_with_the_public_key(stack) -> str:
    """HMAC with what everybody can read, for a verifier that believes the header."""
    public = stack.issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # PyJWT refuses to make such a token; its parts do not.
    head, body, _ = jwt.encode(claims(stack), "x" * 32, algorithm="HS256", headers={"kid": KEY_ID}).split(".")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(mac.sign(f"{head}.{body}".encode(), public)).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def changed(stack) -> str:
    """A good token whose subject was exchanged afterwards."""
    head, _, signature = stack.token(sub="somebody").split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(stack)).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def claims(stack) -> dict:
    """What a good token says."""
    now = int(time.time())
    return {"iss": stack.issuer.url, "sub": "developer", "aud": AUDIENCE, "scope": SCOPE, "iat": now, "exp": now + 600}


BAD_TOKENS = {
    "expired": lambda stack: stack.token(lifetime=-3600),
    "for another audience": lambda stack: stack.token(audience="somebody-else"),
    "for no audience": lambda stack: stack.token(audience=None),
    "of another issuer": lambda stack: stack.token(issuer="http://127.0.0.1:1"),
    "signed with another key": lambda stack: stack.token(key=new_key()),
    "of an unknown key": lambda stack: stack.token(key=new_key(), key_id="unknown"),
    "not valid yet": lambda stack: stack.token(nbf=int(time.time()) + 3600),
    "unsigned": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "changed after signing": changed,
    "no token at all": lambda _: "nothing",
    "empty": lambda _: "",
}


@pytest.mark.parametrize("bad", BAD_TOKENS)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/uploads"), ("GET", "/v1/limits")])
def test_a_bad_token_is_no_token(stack, bad, method, path):
    token = BAD_TOKENS[bad](stack)
    body = b'{"filename":"a.jpg","contentType":"image/jpeg","size":1}' if method == "POST" else None
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    expect.gateway_refusal(send(method, stack.api_url + path, headers, body), 401)


@pytest.mark.parametrize("scope", [None, "", "openid", "valet/file", "VALET/FILES", "valet/files-read"])
@every_route
def test_a_token_without_the_scope_is_forbidden(stack, scope, method, path):
    """A token made for signing in, an ID token for one, carries no scope of ours."""
    token = stack.token(scope=scope)
    body = b'{"filename":"a.jpg","contentType":"image/jpeg","size":1}' if path == "/v1/uploads" else None
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    expect.gateway_refusal(send(method, stack.api_url + path.format(id=SOME_ID), headers, body), 403)


def test_the_scope_may_be_one_of_several(stack):
    headers = {"authorization": f"Bearer {stack.token(scope=f'openid {SCOPE} profile')}"}
    assert send("GET", stack.api_url + "/v1/limits", headers).status == 200


@pytest.mark.parametrize("state", ["pending", "ready", "cancelled"])
def test_another_users_upload_is_not_found_on_any_route_and_stays_as_it_is(user, new_user, storage, state):
    grant = user.upload(PHOTO) if state == "ready" else user.grant(PHOTO)
    if state == "ready":
        user.settled(grant)
    if state == "cancelled":
        assert user.cancel(grant).status == 204
    row, other = storage.row(user.owner, grant["id"]), new_user()
    for act in (other.read, other.resign, other.confirm, other.cancel, other.file, other.delete):
        expect.problem(act(grant), 404, "not_found")
    assert storage.row(user.owner, grant["id"]) == row
    assert storage.row(other.owner, grant["id"]) is None
    assert user.read(grant).json()["status"] == state


@pytest.mark.parametrize("sub", ["a\r\nb/../c", "😀", "x" * 2000, "auth0|123", "OWNER#x"], ids=lambda sub: ascii(sub)[:20])
def test_a_subject_can_hold_any_text_and_is_never_part_of_a_key(stack, secrets, storage, sub):
    user = User(stack.api_url, stack.token(sub=sub), sub, secrets)
    grant = user.grant(PHOTO)
    assert f"/uploads/{user.owner}/{grant['id']}.jpg?" in grant["request"]["url"]
    assert storage.row(user.owner, grant["id"])["status"] == "pending"


def test_a_token_that_names_nobody_is_refused(stack):
    token = jwt.encode(
        {name: value for name, value in claims(stack).items() if name != "sub"},
        stack.issuer.key,
        algorithm="RS256",
        headers={"kid": KEY_ID},
    )
    reply = send("GET", f"{stack.api_url}/v1/uploads/{SOME_ID}", {"authorization": f"Bearer {token}"})
    expect.problem(reply, 401, "unauthenticated")
