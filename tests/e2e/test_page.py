"""The page: what it is served with, whom it may talk to, and that there is none unless it is asked for."""

import base64
import hashlib
import re

import pytest

from infra.local.issuer import CLIENT, SCOPE
from infra.local.places import ROOT, TEMPLATE
from infra.local.stack import Stack
from infra.tools import transform

from .samples import PHOTO
from .web import Reply, send

WEB = ROOT / "web"
PAGES = {"/": "index.html", "/tutorial": "tutorial.html"}


def get(stack, path: str, **headers: str) -> Reply:
    return send("GET", stack.page_url + path, headers)


def policy(reply: Reply) -> dict[str, list[str]]:
    """Directive to sources."""
    parts = [part.split() for part in reply.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in parts}


def hashes(html: str, element: str) -> list[str]:
    """Of the inline elements, as a browser computes them."""
    found = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", html, re.DOTALL)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" for content in found]


@pytest.mark.parametrize(("path", "file"), PAGES.items())
def test_a_page_is_the_file_of_the_tree_and_needs_no_token(stack, path, file):
    reply = get(stack, path)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.body == (WEB / file).read_bytes()


def test_the_module_is_the_file_of_the_tree(stack):
    reply = get(stack, "/uploader.js")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert reply.body == (WEB / "uploader.js").read_bytes()


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_lets_in_the_pages_own_script_and_style_and_no_other(stack, path):
    reply = get(stack, path)
    allowed, html = policy(reply), reply.body.decode()
    assert allowed["script-src"] == ["'self'", *hashes(html, "script")]
    assert allowed["style-src"] == hashes(html, "style")
    assert allowed["default-src"] == allowed["frame-ancestors"] == allowed["base-uri"] == allowed["form-action"] == ["'none'"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    # Styles in attributes and handlers in markup have no hash.
    assert not re.search(r"<[a-z][^>]*\s(style|on[a-z]+)=", html)


def test_the_page_may_talk_to_the_stack_and_its_issuer_alone(stack):
    allowed = policy(get(stack, "/"))
    assert allowed["connect-src"] == ["'self'", stack.api_url, stack.issuer.url, stack.endpoint]
    assert allowed["img-src"] == ["'self'", stack.cdn_url, "blob:", "data:"]


def test_a_grants_urls_lead_where_the_policy_lets_the_page_go(stack, user):
    url = user.grant(PHOTO)["request"]["url"]
    assert any(url.startswith(f"{origin}/") for origin in policy(get(stack, "/"))["connect-src"])


def test_the_page_is_told_of_the_stack(stack):
    reply = get(stack, "/config.json")
    told = reply.json()
    assert told == {"api": stack.api_url, "issuer": stack.issuer.url, "clientId": CLIENT, "audience": "valet", "scope": SCOPE}


@pytest.mark.parametrize("path", ["/", "/uploader.js", "/config.json", "/nowhere"])
def test_every_answer_is_guarded_and_asked_for_again(stack, path):
    headers = get(stack, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/", "/tutorial", "/uploader.js", "/config.json"])
def test_what_a_browser_has_is_not_sent_again(stack, path):
    etag = get(stack, path).headers["etag"]
    again = get(stack, path, **{"if-none-match": etag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize("path", ["/nowhere", "/index.html", "/v1/limits", "/../template.yaml"])
def test_nothing_else_is_there(stack, path):
    assert get(stack, path).status == 404


def test_the_pages_api_has_no_route_of_the_api(stack, user):
    reply = send("GET", f"{stack.page_url}/v1/files", {"authorization": f"Bearer {user.token}"})
    assert reply.status == 404


def test_nothing_is_written_there(stack):
    assert send("POST", f"{stack.page_url}/", {"content-type": "text/plain"}, b"x").status == 405


def test_the_page_may_call_the_api_and_put_into_the_bucket(stack, user):
    origin = stack.page_url
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    assert send("OPTIONS", f"{stack.api_url}/v1/uploads", asked).headers["access-control-allow-origin"] == origin
    grant = user.grant(PHOTO)
    asked = {"origin": origin, "access-control-request-method": "PUT", "access-control-request-headers": ",".join(grant["request"]["headers"])}
    reply = send("OPTIONS", grant["request"]["url"], asked)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, origin)
    stored = user.put(grant, PHOTO.content, grant["request"]["headers"] | {"origin": origin})
    assert (stored.status, stored.headers["access-control-allow-origin"]) == (200, origin)


def test_a_code_in_the_address_reaches_no_log(stack, secrets):
    code = "a-code-that-a-login-sent-back"
    secrets.texts.add(code)
    assert get(stack, f"/?code={code}&state=x").status == 200


def test_without_being_asked_for_there_is_no_page():
    assert transform.load(TEMPLATE)["Parameters"]["Page"]["Default"] == "false"
    with Stack(parameters={"Page": "false"}) as without:
        assert without.page_url == "" and "serve-page" not in without.outputs.functions
        assert send("GET", without.engine.page_url + "/").status == 404
        asked = {"origin": without.engine.page_url, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        reply = send("OPTIONS", f"{without.api_url}/v1/uploads", asked)
        assert reply.headers.get("access-control-allow-origin") != without.engine.page_url
        apis = without.client("apigatewayv2").get_apis()["Items"]
        assert len(apis) == 1
