"""Tokens that somebody without the issuer's key can make, and tokens of the issuer's that are not for us. They must never be good ones."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.issuer import AUDIENCE, KEY_ID, SCOPE, new_key
from infra.local.stack import Stack

# One for all: making one takes longer than the rest of a test.
FOREIGN = new_key()
ELSEWHERE = "http://127.0.0.1:1/keys"


def encoded(value: object) -> str:
    """A part of a token."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def claims(stack: Stack, **other: object) -> dict:
    """What a good token says, or with other words."""
    now = int(time.time())
    return {"iss": stack.issuer.url, "sub": "developer", "aud": AUDIENCE, "scope": SCOPE, "iat": now, "exp": now + 600} | other


def unsigned(stack: Stack, algorithm: str, signature: str = "") -> str:
    return f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': KEY_ID})}.{encoded(claims(stack))}.{signature}"


def by_hmac(stack: Stack, secret: bytes) -> str:
    """HMAC with something that everybody can read, for a verifier that believes the header."""
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': KEY_ID})}.{encoded(claims(stack))}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def by_stranger(stack: Stack, head: dict | None = None, **other: object) -> str:
    """Signed by a key of one's own."""
    return jwt.encode(claims(stack, **other), FOREIGN, algorithm="RS256", headers={"kid": KEY_ID} | (head or {}))


def by_issuer(stack: Stack, **other: object) -> str:
    """Signed by the issuer, saying something else."""
    return jwt.encode(claims(stack, **other), stack.issuer.key, algorithm="RS256", headers={"kid": KEY_ID})


def public_pem(stack: Stack) -> bytes:
    return stack.issuer.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_der(stack: Stack) -> bytes:
    return stack.issuer.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def own_jwk(key: rsa.RSAPrivateKey = FOREIGN) -> dict:
    return json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": KEY_ID}


def changed_afterwards(stack: Stack) -> str:
    """The signature of another token."""
    head, _, signature = by_issuer(stack, sub="somebody").split(".")
    return f"{head}.{encoded(claims(stack))}.{signature}"


FORGED: dict[str, Callable[[Stack], str]] = {
    "no token": lambda _: "",
    "no JWT": lambda _: "nothing",
    "dots alone": lambda _: "..",
    "no JSON": lambda _: f"{encoded(b'x')}.{encoded(b'x')}.{encoded(b'x')}",
    "alg none": lambda stack: unsigned(stack, "none"),
    "alg None": lambda stack: unsigned(stack, "None"),
    "alg nOnE": lambda stack: unsigned(stack, "nOnE"),
    "alg none with a signature": lambda stack: unsigned(stack, "none", by_issuer(stack).split(".")[2]),
    "alg none with a stranger's signature": lambda stack: unsigned(stack, "none", by_stranger(stack).split(".")[2]),
    "RS256 without a signature": lambda stack: unsigned(stack, "RS256"),
    "the public key as a secret": lambda stack: by_hmac(stack, public_pem(stack)),
    "the public key as a secret, without its last line break": lambda stack: by_hmac(stack, public_pem(stack).rstrip()),
    "the public key as a secret, as DER": lambda stack: by_hmac(stack, public_der(stack)),
    "no secret": lambda stack: by_hmac(stack, b""),
    "another key under the same name": lambda stack: by_stranger(stack),
    "a key nobody knows": lambda stack: by_stranger(stack, {"kid": "unknown"}),
    "a key's name that is a path": lambda stack: by_stranger(stack, {"kid": "../../../../dev/null"}),
    "a key of one's own in the head": lambda stack: by_stranger(stack, {"jwk": own_jwk()}),
    "a key's address in the head": lambda stack: by_stranger(stack, {"jku": ELSEWHERE}),
    "a certificate's address in the head": lambda stack: by_stranger(stack, {"x5u": ELSEWHERE}),
    "changed after signing": changed_afterwards,
    "cut off": lambda stack: by_issuer(stack)[:-10],
    "of another issuer": lambda stack: by_issuer(stack, iss="http://127.0.0.1:1"),
    "of the issuer with a slash": lambda stack: by_issuer(stack, iss=stack.issuer.url + "/"),
    "for another audience": lambda stack: by_issuer(stack, aud="somebody-else"),
    "for audiences that are not ours": lambda stack: by_issuer(stack, aud=["a", "valet2"]),
    "for no audience": lambda stack: stack.token(audience=None),
    "for another client": lambda stack: stack.token(audience=None, client_id="somebody-else"),
    "ended": lambda stack: by_issuer(stack, exp=int(time.time()) - 60),
    "not begun": lambda stack: by_issuer(stack, nbf=int(time.time()) + 3600),
    "made in the future": lambda stack: by_issuer(stack, iat=int(time.time()) + 3600),
}

# Good in all but the scope, as an ID token is.
WITHOUT_SCOPE: dict[str, Callable[[Stack], str]] = {
    "none, as of an ID token": lambda stack: stack.token(scope=None, nonce="n", email="a@example.com", token_use="id"),
    "an empty one": lambda stack: stack.token(scope=""),
    "another": lambda stack: stack.token(scope="openid profile"),
    "one that begins like it": lambda stack: stack.token(scope=f"{SCOPE}2"),
    "one that ends like it": lambda stack: stack.token(scope=f"x{SCOPE}"),
    "a part of it": lambda stack: stack.token(scope=SCOPE.rsplit("/", 1)[0]),
    "it in upper case": lambda stack: stack.token(scope=SCOPE.upper()),
    "it with a comma": lambda stack: stack.token(scope=f"{SCOPE},openid"),
    "it as another claim": lambda stack: stack.token(scope=None, scopes=[SCOPE], permissions=[SCOPE]),
}
