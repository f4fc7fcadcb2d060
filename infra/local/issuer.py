"""A token issuer for the local stack: OpenID discovery, JWKS, and tokens for any subject.

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

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local import outputs, sorry
from infra.local.places import ISSUER_KEY
from infra.local.ports import LOOPBACK

AUDIENCE = "valet"
SCOPE = "valet/files"
SUBJECT = "developer"
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
                "response_types_supported": ["token"],
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
            document = issuer.documents().get(self.path)
            body = json.dumps(document or {"error": "not found"}).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Type", "application/json")
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
