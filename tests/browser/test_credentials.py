"""What the page keeps of a login, and whose logins it takes: seen from outside, in the browser's own stores and in what it sends."""

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import expect

from .visitor import Visitor

CHALLENGE_LENGTH = 43  # of SHA-256, in base64url without padding
STORES = "() => ({ tab: { ...sessionStorage }, site: { ...localStorage }, cookies: document.cookie })"


def test_what_the_page_keeps_is_gone_with_its_tab(page, stack, storage, user, watch):
    visitor = Visitor(page, stack, storage, user, watch)
    refreshes = []
    page.on("response", lambda reply: refreshes.append(reply.json()["refresh_token"]) if reply.url.endswith("/token") else None)
    visitor.arrive()
    visitor.sign_in()
    kept = page.evaluate(STORES)
    (token,) = {json.loads(value)["token"] for value in kept["tab"].values() if "token" in value}
    assert token.count(".") == 2, "an access token is there, or there is nothing to be seen"
    assert kept["cookies"] == ""
    assert "." not in "".join(kept["site"].values()), "a token outlives its tab"
    (refresh,) = refreshes
    assert refresh and refresh not in json.dumps(kept), "a refresh token is in memory alone"
    other = page.context.new_page()
    other.goto(stack.page_url)
    expect(other.get_by_test_id("sign-in")).to_be_visible()
    other.close()


def test_a_code_is_bound_to_who_asked_for_it_and_leaves_the_address_at_once(page, stack, storage, user, watch):
    visitor = Visitor(page, stack, storage, user, watch)
    asked, redeemed = [], []
    page.on("request", lambda request: asked.append(request.url) if "/authorize?" in request.url else None)
    page.on("request", lambda request: redeemed.append(request.post_data) if request.url.endswith("/token") else None)
    visitor.arrive()
    visitor.sign_in()
    (query,) = (parse_qs(urlsplit(url).query) for url in asked)
    (form,) = (parse_qs(data) for data in redeemed)
    proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest()).rstrip(b"=").decode()
    assert (query["code_challenge_method"], query["code_challenge"]) == (["S256"], [proof])
    assert len(proof) == CHALLENGE_LENGTH == len(query["state"][0])
    assert urlsplit(page.url).query == ""
    assert page.evaluate("() => history.length") <= 4
    page.go_back()
    assert "code=" not in page.url


def test_a_code_that_was_not_asked_for_signs_nobody_in(page, stack, storage, user, watch):
    """Somebody else's code, in an address that a victim is made to open: their files would go to the attacker."""
    visitor = Visitor(page, stack, storage, user, watch)
    redeemed = []
    page.on("request", lambda request: redeemed.append(request.url) if request.url.endswith("/token") else None)
    for asked in (None, {"state": "A" * 43, "verifier": "B" * 43}):
        visitor.arrive()
        if asked:
            # A sign-in is under way in this very tab.
            page.evaluate("(asked) => sessionStorage.setItem('valet.asked', JSON.stringify(asked))", asked)
        page.goto(f"{stack.page_url}/?{urlencode({'code': 'an-attackers', 'state': 'C' * 43})}")
        expect(visitor.at("sign-in")).to_be_visible()
        expect(visitor.at("drop")).to_be_hidden()
        assert "code=" not in page.url
    assert redeemed == []
