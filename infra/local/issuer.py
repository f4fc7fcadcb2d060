"""A token issuer for the local stack: OpenID discovery, JWKS, a login that asks nothing, and tokens for any subject.

It must never be reachable from another machine: whoever can read its key is whoever they like.
`python -m infra.local.issuer --sub alice` prints a token for the running `make dev`.
"""

import argparse
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local import outputs, sorry
from infra.local.authorization import Authorization, Refused
from infra.local.places import ISSUER_KEY
from infra.local.ports import LOOPBACK

AUDIENCE = "valet"
SCOPE = "valet/files"
SUBJECT = "developer"
# What the page signs in as.
CLIENT = "page"
FORM_BYTES = 10_000
LIFETIME_SECONDS = 12 * 3600
# API Gateway's JWT authorizers accept RSA signatures only.
ALGORITHM = "RS256"
KEY_ID = "local"
KEY_FILE = ISSUER_KEY.name


def new_key() -> rsa.RSAPrivateKey:
    """A fresh signing key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def mint(
    issuer: str,
    key: rsa.RSAPrivateKey,
    *,
    sub: str = SUBJECT,
    scope: str | None = SCOPE,
    audience: str | None = AUDIENCE,
    lifetime: float = LIFETIME_SECONDS,
    key_id: str = KEY_ID,
    **claims: object,
) -> str:
    """A signed token. A negative lifetime, no scope, another audience, issuer or key make the bad ones tests need."""
    now = int(time.time())
    payload = {"iss": issuer, "sub": sub, "iat": min(now, now + int(lifetime)), "exp": now + int(lifetime)}
    if scope is not None:
        payload["scope"] = scope
    if audience is not None:
        payload["aud"] = audience
    return jwt.encode(payload | claims, key, algorithm=ALGORITHM, headers={"kid": key_id})


class Issuer:
    """A running issuer. Its key is made at start and kept beside the other state of the run."""

    def __init__(self, state: Path, port: int = 0) -> None:
        self.state = state
        self.key = new_key()
        self.authorization = Authorization(
            lambda subject, scope, lifetime: self.token(sub=subject, scope=scope, lifetime=lifetime), SUBJECT, SCOPE, LIFETIME_SECONDS
        )
        # Port 0 lets the system choose.
        self.server = ThreadingHTTPServer((LOOPBACK, port), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        self.state.mkdir(parents=True, exist_ok=True)
        write_key(self.state / KEY_FILE, self.key)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def allow(self, client: str, redirect: str) -> None:
        """Lets a page at this address sign in as `client`, and read what is answered here."""
        self.authorization.allow(client, redirect)

    def lets_read(self, origin: str | None) -> bool:
        """Whether a page of this origin signs in here."""
        allowed = {redirect for redirects in self.authorization.redirects.values() for redirect in redirects}
        return origin in {"{0.scheme}://{0.netloc}".format(urlsplit(redirect)) for redirect in allowed}

    def token(self, *, key: rsa.RSAPrivateKey | None = None, issuer: str | None = None, **what: object) -> str:
        """A token of this issuer, or one that only pretends to be when a key or an issuer is given."""
        return mint(issuer or self.url, key or self.key, **what)

    def documents(self) -> dict[str, dict]:
        """What it answers, by path."""
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": self.url + "/.well-known/jwks.json",
                "authorization_endpoint": self.url + "/authorize",
                "token_endpoint": self.url + "/token",
                "end_session_endpoint": self.url + "/logout",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["openid", SCOPE],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            },
            "/.well-known/jwks.json": {"keys": [jwk | {"kid": KEY_ID, "use": "sig", "alg": ALGORITHM}]},
        }


def write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    """Keeps the key where only its owner can read it."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def read_key(path: Path) -> rsa.RSAPrivateKey:
    """The key of a running issuer."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey), "the issuer writes RSA keys alone"
    return key


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = dict(parse_qsl(parts.query))
            try:
                if parts.path == "/authorize":
                    return self._answer(302, {}, Location=issuer.authorization.authorize(asked))
                if parts.path == "/logout":
                    # There is no session to end: who signs in is asked for nothing anyway.
                    back = issuer.authorization.returns_to(asked.get("client_id"), asked.get("post_logout_redirect_uri"))
                    return self._answer(302, {}, Location=back)
            except Refused as refused:
                return self._answer(400, {"error": refused.error, "error_description": refused.why})
            document = issuer.documents().get(parts.path)
            self._answer(200 if document else 404, document or {"error": "not found"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if urlsplit(self.path).path != "/token" or length > FORM_BYTES:
                # Whatever comes after it on this connection is not a request.
                self.close_connection = True
                return self._answer(404, {"error": "not found"})
            form = dict(parse_qsl(self.rfile.read(length).decode(errors="replace")))
            try:
                self._answer(200, issuer.authorization.token(form))
            except Refused as refused:
                self._answer(400, {"error": refused.error, "error_description": refused.why})

        def do_OPTIONS(self) -> None:
            self._answer(204, None)

        def _answer(self, status: int, document: dict | None, **headers: str) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            if issuer.lets_read(origin := self.headers.get("Origin")):
                headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": "content-type"}
            headers |= {"Vary": "Origin", "Cache-Control": "no-store", "Content-Type": "application/json"}
            for name, value in headers.items():
                self.send_header(name, value)
            if document is not None:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main() -> None:
    """Prints one token for the running stack."""
    parser = argparse.ArgumentParser(prog="make token", description=main.__doc__)
    parser.add_argument("--sub", default=SUBJECT)
    parser.add_argument("--scope", default=SCOPE, help="space separated; empty leaves the claim out")
    parser.add_argument("--audience", default=AUDIENCE)
    parser.add_argument("--lifetime", type=float, default=LIFETIME_SECONDS, help="seconds; negative makes an expired one")
    parser.add_argument("--other-key", action="store_true", help="sign with a key the issuer does not publish")
    options = parser.parse_args()
    running = outputs.read()
    key = new_key() if options.other_key else read_key(ISSUER_KEY)
    print(
        mint(
            running.issuer,
            key,
            sub=options.sub,
            scope=options.scope or None,
            audience=options.audience,
            lifetime=options.lifetime,
        )
    )


if __name__ == "__main__":
    sorry.run(main)
