"""The local issuer speaks OpenID well enough for an authorizer, and can be asked for every kind of bad token."""

import json
import stat

import jwt
import pytest

from infra.local.issuer import AUDIENCE, KEY_FILE, SCOPE, new_key, read_key

from .http import request


def published_key(issuer):
    discovery = json.loads(request("GET", issuer.url + "/.well-known/openid-configuration").body)
    assert discovery["issuer"] == issuer.url
    (key,) = json.loads(request("GET", discovery["jwks_uri"]).body)["keys"]
    assert "d" not in key, "the private part must stay private"
    return jwt.PyJWK(key)


def check(issuer, token):
    return jwt.decode(token, published_key(issuer), algorithms=["RS256"], audience=AUDIENCE, issuer=issuer.url)


def test_a_token_verifies_with_the_published_key(issuer):
    claims = check(issuer, issuer.token(sub="alice"))
    assert (claims["sub"], claims["scope"]) == ("alice", SCOPE)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"lifetime": -60}, jwt.ExpiredSignatureError),
        ({"audience": "someone-else"}, jwt.InvalidAudienceError),
        ({"audience": None}, jwt.MissingRequiredClaimError),
        ({"issuer": "http://127.0.0.1:1"}, jwt.InvalidIssuerError),
        ({"key": new_key()}, jwt.InvalidSignatureError),
    ],
)
def test_a_bad_token_is_bad_in_the_way_asked_for(issuer, bad, error):
    with pytest.raises(error):
        check(issuer, issuer.token(**bad))


def test_a_token_without_scope_has_none(issuer):
    assert "scope" not in check(issuer, issuer.token(scope=None))


def test_the_kept_key_is_the_running_one_and_its_owners_alone(issuer):
    path = issuer.state / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).public_key() == issuer.key.public_key()


def test_other_paths_are_not_found(issuer):
    assert request("GET", issuer.url + "/").status == 404
