"""Who is let in: nobody without a token of this issuer, for this audience, of this time, with the scope, on every route that there is.

The local engine's authorizer decides here, and API Gateway's on AWS. What is ours is that the template asks it on every route, for the
right things, and that the functions take nobody's word but the authorizer's.
"""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.e2e.web import Reply, send

from .requests import NO_SESSION, NOBODYS, ask, body_of, path_of
from .routes import OPEN, Route, routes
from .tokens import FORGED, WITHOUT_SCOPE, by_stranger

ASK = [route for route in routes() if route.asks_for_token]
AT_ONCE = 8


def everywhere(stack, headers: dict[str, str]) -> dict[str, Reply]:
    """What every route that asks for a token says."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip([route.key for route in ASK], pool.map(lambda route: ask(stack.api_url, route, headers), ASK), strict=True))


def refused(replies: dict[str, Reply], status: int) -> None:
    """By API Gateway, everywhere: no function was asked."""
    assert {key: reply.status for key, reply in replies.items() if reply.status != status} == {}
    assert {str(reply.json()) for reply in replies.values()} == {str({"message": {401: "Unauthorized", 403: "Forbidden"}[status]})}


def test_with_a_good_token_every_route_answers(stack, secrets):
    """Or what follows would hold of routes that are not there."""
    token = stack.token(sub="good@example.com")
    secrets.texts.add(token)
    replies = everywhere(stack, {"authorization": f"Bearer {token}"})
    assert {key: reply.status for key, reply in replies.items() if reply.status in (401, 403) or reply.status >= 500} == {}
    assert {json.loads(reply.body).get("message") for reply in replies.values() if reply.body.startswith(b"{")}.isdisjoint({"Unauthorized", "Forbidden", "Not Found"})


def test_nothing_is_told_to_who_brings_none(stack):
    refused(everywhere(stack, {}), 401)


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_token_is_refused_on_every_route(stack, secrets, forged):
    token = FORGED[forged](stack)
    if len(token) > 20:
        secrets.texts.add(token)
    refused(everywhere(stack, {"authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize("scope", WITHOUT_SCOPE)
def test_a_token_of_ours_without_the_scope_is_forbidden_on_every_route(stack, scope):
    refused(everywhere(stack, {"authorization": f"Bearer {WITHOUT_SCOPE[scope](stack)}"}), 403)


OTHER_WAYS = {
    "in the query": lambda token, path: (path + ("&" if "?" in path else "?") + f"access_token={token}&authorization=Bearer%20{token}&token={token}", []),
    "in a cookie": lambda token, path: (path, [("cookie", f"authorization=Bearer {token}; access_token={token}")]),
    "in another header": lambda token, path: (path, [("x-authorization", f"Bearer {token}"), ("x-amzn-oidc-data", token), ("x-forwarded-user", "developer")]),
    "as a password": lambda token, path: (path, [("authorization", f"Basic {token}")]),
    "after another": lambda token, path: (path, [("authorization", f"Bearer nothing.at.all {token}")]),
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_a_token_in_another_place_is_none(stack, way):
    token = stack.token(sub="elsewhere")
    for route in ASK:
        path, headers = OTHER_WAYS[way](token, path_of(route))
        body = body_of(route)
        reply = send(route.method, stack.api_url + path, dict(headers) | ({"content-type": "application/json"} if body else {}), body)
        assert reply.status == 401, (route.key, reply)


def with_two(stack, first: str, second: str) -> int:
    """The status for two headers of one name, which `http.client` sends one after the other."""
    parts = urlsplit(stack.api_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.putrequest("GET", "/v1/limits")
        for token in (first, second):
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_two_bad_tokens_are_no_good_one(stack):
    """A good one beside a bad one is the engine's to choose from; API Gateway joins them with a comma, which is no token."""
    assert with_two(stack, by_stranger(stack), "nothing") == 401
    assert with_two(stack, stack.token(scope=None), by_stranger(stack)) in (401, 403)


@pytest.mark.parametrize("spelled", ["Bearer  {}", "bearer {}", "Bearer {}\t", "BEARER {}"])
def test_a_forged_token_is_none_however_it_is_spelled(stack, spelled):
    refused(everywhere(stack, {"authorization": spelled.format(by_stranger(stack))}), 401)


def test_only_what_is_meant_to_be_open_is_open(stack):
    """And a session's address is no way in without the session."""
    unasked = [route for route in routes() if not route.asks_for_token]
    for route in unasked:
        if route.key in OPEN:
            continue
        for session in (NO_SESSION, "x", "%2e%2e", "..", "A" * 44):
            reply = ask(stack.api_url, route, {}, session=session)
            # An address with a way up in it is another address.
            assert reply.status == 401 or (session in ("..", "%2e%2e") and reply.status == 404), (route.key, session, reply)
    # The other way round: what is deployed has no other open route.
    api = stack.client("apigatewayv2")
    deployed = {
        route["RouteKey"]: route.get("AuthorizationType", "NONE")
        for one in api.get_apis()["Items"]
        for route in api.get_routes(ApiId=one["ApiId"], MaxResults="200")["Items"]
    }
    assert {key for key, kind in deployed.items() if kind != "JWT"} == {route.key for route in unasked}
    assert all(route.key in OPEN or route.asks_for_session for route in unasked)


CALLERS: dict[str, dict] = {
    "no authorizer at all": {},
    "an authorizer that says nothing": {"authorizer": {}},
    "no claims": {"authorizer": {"jwt": {}}},
    "claims of nobody": {"authorizer": {"jwt": {"claims": {}, "scopes": ["valet/files"]}}},
    "an empty subject": {"authorizer": {"jwt": {"claims": {"sub": "", "scope": "valet/files"}, "scopes": ["valet/files"]}}},
    "another kind of authorizer": {"authorizer": {"lambda": {"sub": "developer"}, "principalId": "developer"}},
    "an IAM user": {"authorizer": {"iam": {"userId": "developer", "callerId": "developer"}}},
}


def event(route: Route, caller: dict) -> dict:
    """What API Gateway sends of a request, with this caller, and a good-looking token that nobody has checked."""
    path, _, query = path_of(route, NOBODYS).partition("?")
    body = body_of(route)
    called = {"method": route.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "x"}
    headers = {"host": "api.example", "content-type": "application/json", "authorization": "Bearer a.good.one", "x-amzn-oidc-identity": "developer"}
    return {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000", "apiId": "a", "domainName": "api.example", "domainPrefix": "api", "http": called, "requestId": "r",
            "routeKey": route.key, "stage": "$default", "time": "21/Nov/2026:23:05:00 +0000", "timeEpoch": 1795302300125, **caller,
        },
        "isBase64Encoded": False,
    } | ({} if body is None else {"body": body.decode()})


@pytest.mark.parametrize("caller", CALLERS)
def test_a_function_that_is_told_of_no_caller_refuses(stack, caller):
    """A stack that has lost its authorizer lets nobody in: whoever calls, and whatever their headers say."""
    lambdas = stack.client("lambda")

    def answer(route: Route) -> tuple[str, int, str]:
        told = lambdas.invoke(FunctionName=stack.outputs.functions[route.function], Payload=json.dumps(event(route, CALLERS[caller])))
        reply = json.loads(told["Payload"].read())
        return route.key, reply.get("statusCode"), json.loads(reply.get("body") or "{}").get("code")

    found = [answer(route) for route in routes() if route.key not in OPEN]
    assert [one for one in found if one[1:] != (401, "unauthenticated")] == []
