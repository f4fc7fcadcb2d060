"""Refuses a presigned request that carries an `x-amz-` header which was not signed, as S3 does.

The engine (1.5.33) checks that what was signed is there, and lets more through: a client could tag its own upload. S3's answer is 403 `AccessDenied`,
with the names in `HeadersNotSigned`. This must never look at a request that is not presigned, nor at any other header.
"""

from urllib.parse import parse_qs

ANSWER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>There were headers present in the request which were not signed'
    "</Message><HeadersNotSigned>{}</HeadersNotSigned></Error>"
)


class UnsignedHeaders:
    """An ASGI application in front of the engine's."""

    def __init__(self, engine) -> None:
        self.engine = engine

    async def __call__(self, scope, receive, send) -> None:
        found = unsigned(scope) if scope["type"] == "http" else []
        if not found:
            await self.engine(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        body = ANSWER.format(", ".join(found)).encode()
        headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def unsigned(scope) -> list[str]:
    """The names of the headers that are too many."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    if "X-Amz-Signature" not in query:
        return []
    signed = query.get("X-Amz-SignedHeaders", [""])[0].lower().split(";")
    names = {name.decode("latin-1").lower() for name, _ in scope["headers"]}
    return sorted(name for name in names if name.startswith("x-amz-") and name not in signed)
