"""Plain addresses for what the engine tells apart by host name: the API and the CDN get a port each.

In AWS the API and the CDN have domains of their own, and TLS ends before the request reaches the service. Here they are
`http://127.0.0.1:PORT`, which curl, every browser and every library can open without a name server or a certificate.
Loopback stands for the TLS connection; a request that says `X-Forwarded-Proto: http` counts as plain, so policies that
demand TLS can still be seen to refuse. It must never change a method, a query, a body or a path below its prefix.
"""

import json

# Sent once by the deployment: {"api": "<api id>", "cdn": "<domain>"}.
NAMES_PATH = "/_valet/doors"


class Doors:
    """An ASGI application in front of the engine's."""

    def __init__(self, engine, api_port: int, cdn_port: int) -> None:
        self.engine = engine
        self.api_port = api_port
        self.cdn_port = cdn_port
        self.names: dict[str, str] = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.engine(scope, receive, send)
            return
        port = scope["server"][1]
        if port == self.api_port:
            scope = self._to_api(scope)
        elif port == self.cdn_port:
            scope = self._to_cdn(scope)
        elif scope["path"] == NAMES_PATH:
            self.names = json.loads(await _body(receive))
            await _answer(send, 204, b"")
            return
        if scope is None:
            await _answer(send, 503, b"The stack is not deployed yet.\n")
            return
        await self.engine(_over_tls(scope), receive, send)

    def _to_api(self, scope) -> dict | None:
        if "api" not in self.names:
            return None
        # By path and not by host: on the API's host the engine would answer /health and its like itself.
        prefix = f"/_aws/execute-api/{self.names['api']}/$default"
        return scope | {"path": prefix + scope["path"], "raw_path": prefix.encode() + scope["raw_path"]}

    def _to_cdn(self, scope) -> dict | None:
        if "cdn" not in self.names:
            return None
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        return scope | {"headers": [(b"host", self.names["cdn"].encode()), *others]}


def _over_tls(scope) -> dict:
    if any(name.lower() == b"x-forwarded-proto" for name, _ in scope["headers"]):
        return scope
    return scope | {"headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}


async def _body(receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
