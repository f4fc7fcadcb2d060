"""Plain HTTP as a client speaks it: no redirects, no exceptions for a status, no header that was not asked for."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

REPLY_SECONDS = 30


@dataclass(frozen=True)
class Reply:
    """What came back. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        """The body as an object."""
        return json.loads(self.body)


def send(method: str, url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Reply:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=REPLY_SECONDS)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers or {})
        reply = connection.getresponse()
        return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()
