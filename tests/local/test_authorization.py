"""Signing in at the local issuer: what a page on this machine gets, and what nobody gets."""

import base64
import hashlib
import json
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from infra.local.authorization import CODE_SECONDS, Authorization, Refused
from infra.local.issuer import AUDIENCE, CLIENT, SCOPE, SUBJECT

from .http import Reply, request

PAGE = "http://127.0.0.1:4570"
HERE = f"{PAGE}/"
VERIFIER = secrets.token_urlsafe(48)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(autouse=True)
def page(issuer):
    issuer.allow(CLIENT, HERE)


def authorize(issuer, **changed: str | None) -> Reply:
    asked = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": HERE,
        "scope": f"openid {SCOPE}",
        "state": "st&te",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    } | changed
    return request("GET", f"{issuer.url}/authorize?{urlencode({name: value for name, value in asked.items() if value is not None})}")


def answer(reply: Reply) -> dict[str, str]:
    """What the page is sent back with."""
    assert reply.status == 302 and reply.headers["location"].startswith(HERE + "?"), reply
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def token(issuer, **changed: str) -> Reply:
    form = {"grant_type": "authorization_code", "client_id": CLIENT, "redirect_uri": HERE, "code_verifier": VERIFIER} | changed
    return request("POST", f"{issuer.url}/token", urlencode(form).encode(), FORM)


def signed_in(issuer, **asked: str) -> dict:
    reply = token(issuer, code=answer(authorize(issuer, **asked))["code"])
    assert reply.status == 200, reply
    return json.loads(reply.body)


def claims(issuer, access_token: str) -> dict:
    return jwt.decode(access_token, issuer.key.public_key(), algorithms=["RS256"], audience=AUDIENCE, issuer=issuer.url)


def test_discovery_leads_to_the_flow(issuer):
    found = json.loads(request("GET", issuer.url + "/.well-known/openid-configuration").body)
    assert found["authorization_endpoint"] == f"{issuer.url}/authorize"
    assert found["token_endpoint"] == f"{issuer.url}/token"
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_who_comes_is_sent_back_at_once_with_a_code_and_their_state(issuer):
    back = answer(authorize(issuer))
    assert back["state"] == "st&te" and len(back["code"]) > 30


def test_the_code_becomes_a_token_that_the_api_takes(issuer):
    tokens = signed_in(issuer)
    said = claims(issuer, tokens["access_token"])
    assert said["sub"] == SUBJECT
    assert SCOPE in said["scope"].split()
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] > 3600


def test_a_hint_says_who_it_is(issuer):
    assert claims(issuer, signed_in(issuer, login_hint="alice")["access_token"])["sub"] == "alice"


def test_a_scope_that_was_not_asked_for_or_that_there_is_not_is_not_given(issuer):
    assert claims(issuer, signed_in(issuer, scope="openid admin")["access_token"])["scope"] == "openid"


def test_a_code_is_good_once(issuer):
    code = answer(authorize(issuer))["code"]
    assert token(issuer, code=code).status == 200
    assert token(issuer, code=code).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": secrets.token_urlsafe(48)},
        {"code_verifier": ""},
        {"redirect_uri": f"{PAGE}/other"},
        {"client_id": "another"},
        {"grant_type": "password"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_code_is_worth_nothing_to_somebody_else_and_then_to_nobody(issuer, wrong):
    code = answer(authorize(issuer))["code"]
    assert token(issuer, code=code, **wrong).status == 400
    if "grant_type" not in wrong:
        assert token(issuer, code=code).status == 400


@pytest.mark.parametrize("redirect", ["http://evil.example/", f"{PAGE}/other", PAGE, f"{HERE}?x", None])
def test_nobody_is_sent_to_an_address_that_was_not_allowed(issuer, redirect):
    reply = authorize(issuer, redirect_uri=redirect)
    assert reply.status == 400 and "location" not in reply.headers


def test_a_client_that_is_not_known_is_sent_nowhere(issuer):
    assert authorize(issuer, client_id="another").status == 400


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_what_is_asked_wrongly_is_told_to_the_page(issuer, wrong, error):
    back = answer(authorize(issuer, **wrong))
    assert (back["error"], back["state"]) == (error, "st&te")
    assert "code" not in back


def test_a_refresh_token_is_good_once_and_for_its_client_alone(issuer):
    first = signed_in(issuer, login_hint="alice")
    second = token(issuer, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert claims(issuer, json.loads(second.body)["access_token"])["sub"] == "alice"
    assert token(issuer, grant_type="refresh_token", refresh_token=first["refresh_token"]).status == 400
    third = json.loads(second.body)["refresh_token"]
    assert token(issuer, grant_type="refresh_token", refresh_token=third, client_id="another").status == 400


def test_tokens_can_be_made_to_end_soon(issuer):
    issuer.authorization.lifetime, before = 2, issuer.authorization.lifetime
    try:
        tokens = signed_in(issuer)
    finally:
        issuer.authorization.lifetime = before
    said = claims(issuer, tokens["access_token"])
    assert (tokens["expires_in"], said["exp"] - said["iat"]) == (2, 2)


def test_a_code_ends(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("infra.local.authorization.time.monotonic", lambda: now)
    authorization = Authorization(lambda subject, scope, lifetime: "token", SUBJECT, SCOPE, 60)
    authorization.allow(CLIENT, HERE)
    asked = {"response_type": "code", "client_id": CLIENT, "redirect_uri": HERE, "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}
    code = parse_qs(urlsplit(authorization.authorize(asked)).query)["code"][0]
    now += CODE_SECONDS + 1
    form = {"grant_type": "authorization_code", "client_id": CLIENT, "redirect_uri": HERE, "code": code, "code_verifier": VERIFIER}
    with pytest.raises(Refused, match="invalid_grant"):
        authorization.token(form)


def test_signing_out_leads_back_to_the_page_and_nowhere_else(issuer):
    def leave(address: str) -> Reply:
        return request("GET", f"{issuer.url}/logout?{urlencode({'client_id': CLIENT, 'post_logout_redirect_uri': address})}")

    assert leave(HERE).headers["location"] == HERE
    assert leave("http://evil.example/").status == 400


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
def test_the_page_may_read_the_answers_and_no_other_site_may(issuer, path):
    method = "POST" if path == "/token" else "GET"
    ours = request(method, issuer.url + path, headers={"Origin": PAGE})
    assert ours.headers["access-control-allow-origin"] == PAGE
    other = request(method, issuer.url + path, headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    preflight = request("OPTIONS", issuer.url + path, headers={"Origin": PAGE, "Access-Control-Request-Method": method})
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, PAGE)


def test_no_answer_is_kept(issuer):
    assert authorize(issuer).headers["cache-control"] == "no-store"
    assert token(issuer).headers["cache-control"] == "no-store"


def test_only_tokens_are_posted_for(issuer):
    assert request("POST", issuer.url + "/authorize", b"x=1", FORM).status == 404
    assert request("POST", issuer.url + "/token", b"x" * 20_000, FORM).status == 404
