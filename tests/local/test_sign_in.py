"""The user pool that SignIn=cognito makes: its login gives the token that every route asks for, and no other token of it passes."""

import base64
import hashlib
import html
import json
import re
import secrets
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from infra.local.deploy import STACK
from infra.local.places import FUNCTIONS
from infra.local.stack import Stack

from .http import request

REDIRECT = "http://localhost:3000/"
NAME, PASSWORD = "somebody@example.com", "correct horse battery staple"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Where a redirect leads is what is asked for."""

    def redirect_request(self, *_: object) -> None:
        return None


class Pool:
    """The pool of a deployed stack, with one account in it."""

    def __init__(self, stack: Stack) -> None:
        said = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in said}
        self.endpoint = stack.endpoint
        self.id, self.client_id = outputs["SignInUserPoolId"], outputs["SignInClientId"]
        self.cognito = stack.client("cognito-idp")
        self.cognito.admin_create_user(UserPoolId=self.id, Username=NAME, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
        self.cognito.admin_set_user_password(UserPoolId=self.id, Username=NAME, Password=PASSWORD, Permanent=True)

    def code(self, **changed: str) -> str:
        """What the login sends back with, for somebody who types the right password."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": "openid valet/files",
            "code_challenge_method": "S256",
        } | changed
        page = urllib.request.urlopen(f"{self.endpoint}/oauth2/authorize?{urlencode(asked)}", timeout=10).read().decode()
        fields = {name: html.unescape(value) for name, value in re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page)}
        form = fields | {"username": NAME, "password": PASSWORD}
        with pytest.raises(urllib.error.HTTPError) as answered:
            urllib.request.build_opener(NoRedirects).open(f"{self.endpoint}/login", urlencode(form).encode(), timeout=10)
        location = urlsplit(answered.value.headers["Location"])
        assert location.geturl().startswith(asked["redirect_uri"])
        return parse_qs(location.query)["code"][0]

    def tokens(self, code: str, verifier: str) -> dict[str, str]:
        """What a page gets for the code, without a secret."""
        form = {"grant_type": "authorization_code", "client_id": self.client_id, "redirect_uri": REDIRECT, "code": code, "code_verifier": verifier}
        reply = urllib.request.urlopen(f"{self.endpoint}/oauth2/token", urlencode(form).encode(), timeout=10)
        return json.loads(reply.read())

    def sign_in(self) -> dict[str, str]:
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        return self.tokens(self.code(code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode()), verifier)


@pytest.fixture(scope="module")
def stack(echo):
    parameters = {"SignIn": "cognito", "JwtIssuer": "", "JwtAudience": "", "PageClientId": ""}
    with Stack(functions=dict.fromkeys(FUNCTIONS, echo), parameters=parameters) as running:
        yield running


@pytest.fixture(scope="module")
def pool(stack) -> Pool:
    return Pool(stack)


def call(stack, token: str):
    return request("GET", stack.api_url + "/v1/limits", headers={"Authorization": f"Bearer {token}"})


def claims(token: str) -> dict:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_the_access_token_of_the_login_passes(stack, pool):
    token = pool.sign_in()["access_token"]
    said = claims(token)
    assert "valet/files" in said["scope"].split()
    # As on AWS: the audience is compared with client_id, because there is no aud.
    assert said["client_id"] == pool.client_id and "aud" not in said
    reply = call(stack, token)
    assert reply.status == 200
    seen = json.loads(reply.body)["event"]["requestContext"]["authorizer"]["jwt"]["claims"]
    assert seen["sub"] == said["sub"]


def test_the_id_token_of_the_same_login_is_refused(stack, pool):
    token = pool.sign_in()["id_token"]
    # It is for the right audience and from the right issuer: the scope alone keeps it out.
    assert claims(token)["aud"] == pool.client_id
    assert call(stack, token).status == 403


def test_a_login_that_did_not_ask_for_the_scope_does_not_get_it(stack, pool):
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    tokens = pool.tokens(pool.code(code_challenge=challenge, scope="openid"), verifier)
    assert call(stack, tokens["access_token"]).status == 403


def test_a_code_is_worth_nothing_without_its_verifier(pool):
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"another").digest()).rstrip(b"=").decode()
    code = pool.code(code_challenge=challenge)
    with pytest.raises(urllib.error.HTTPError) as refused:
        pool.tokens(code, secrets.token_urlsafe(48))
    assert refused.value.code == 400


def test_the_login_leads_back_to_the_stacks_own_page_too(stack, pool):
    assert pool.code(redirect_uri=f"{stack.page_url}/", code_challenge="x" * 43)
    client = pool.cognito.describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.client_id)["UserPoolClient"]
    assert client["CallbackURLs"] == client["LogoutURLs"] == [REDIRECT, f"{stack.page_url}/"]


def test_the_page_signs_in_as_the_pools_client(stack, pool):
    told = stack.outputs.environment["serve-page"]
    assert told["CLIENT_ID"] == pool.client_id
    assert told["ISSUER"].endswith(pool.id) and told["LOGIN_URL"].startswith("https://")


def test_no_password_is_taken_by_the_pools_own_api(pool):
    for flow in ("USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH"):
        start = pool.cognito.initiate_auth if flow.startswith("USER") else pool.cognito.admin_initiate_auth
        pool_id = {} if flow.startswith("USER") else {"UserPoolId": pool.id}
        with pytest.raises(pool.cognito.exceptions.ClientError):
            start(AuthFlow=flow, ClientId=pool.client_id, AuthParameters={"USERNAME": NAME, "PASSWORD": PASSWORD}, **pool_id)


def test_the_pool_is_told_that_administrators_invite(pool):
    """Told only: the engine does not keep anyone from signing up."""
    assert pool.cognito.describe_user_pool(UserPoolId=pool.id)["UserPool"]["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_a_strangers_token_is_refused(stack):
    assert call(stack, stack.token()).status == 401
