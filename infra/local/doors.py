"""Plain addresses for what the engine tells apart by host name: the API, the CDN and the page get a port each.

In AWS they have domains of their own, and TLS ends before the request reaches the service. Here they are
`http://127.0.0.1:PORT`, which curl, every browser and every library can open without a name server or a certificate.
Loopback stands for the TLS connection; a request that says `X-Forwarded-Proto: http` counts as plain, so policies that
demand TLS can still be seen to refuse. It must never change a method, a query, a body or a path below its prefix.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from infra.local import static

# Sent once by the deployment: {"api": "<api id>", "cdn": "<domain>", "page": "<api id>", or null without a page}.
NAMES_PATH = "/_valet/doors"


class Doors:
    """An ASGI application in front of the engine's. `folders` lie beside the page; see `static.find`."""

    def __init__(self, engine, api_port: int, cdn_port: int, page_port: int, folders: Mapping[str, Path]) -> None:
        self.engine = engine
        self.api_port = api_port
        self.cdn_port = cdn_port
        self.page_port = page_port
        self.folders = folders
        self.names: dict[str, str | None] = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.engine(scope, receive, send)
            return
        port = scope["server"][1]
        if port == self.page_port and (prefix := static.prefix(self.folders, scope["path"])) is not None:
            await _send(send, static.find(self.folders[prefix], prefix, scope["path"], scope["method"]))
            return
        if port == self.page_port and self.names and self.names["page"] is None:
            await _answer(send, 404, b"The stack has no page; it was deployed with Page=false.\n")
            return
        if port == self.api_port:
            scope = self._to_api(scope, "api")
        elif port == self.page_port:
            scope = self._to_api(scope, "page")
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

    def _to_api(self, scope, name: str) -> dict | None:
        if name not in self.names:
            return None
        # By path and not by host: on the API's host the engine would answer /health and its like itself.
        prefix = f"/_aws/execute-api/{self.names[name]}/$default"
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
    await _send(send, static.Found(status, {"content-type": "text/plain"}, body))


async def _send(send, found: static.Found) -> None:
    headers = found.headers | {"content-length": str(len(found.body))}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": found.status, "headers": encoded})
    await send({"type": "http.response.body", "body": found.body})
