"""Signing in at the local issuer: the authorization code flow with PKCE, as a page on this machine uses it.

Nobody is asked for a password: whoever comes is who they say, or `developer`. It must never send anybody to an address that was not
allowed, nor take a code or a refresh token twice.
"""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

CODE_SECONDS = 60
CHALLENGE_LENGTH = 43  # of SHA-256, in base64url without padding


@dataclass(frozen=True)
class Grant:
    """Who signed in, for which client, and what it may ask for."""

    client: str
    subject: str
    scope: str


@dataclass(frozen=True)
class Code:
    """A grant on its way to the page, good for whoever knows what the challenge was made of."""

    grant: Grant
    redirect: str
    challenge: str
    ends: float


@dataclass(frozen=True)
class Refused(Exception):
    """An error of RFC 6749, by its code, with a sentence for a person."""

    error: str
    why: str


class Authorization:
    """What `/authorize` and `/token` do. `mint` makes a token for a subject and a scope that lives for so many seconds."""

    def __init__(self, mint: Callable[[str, str, float], str], subject: str, scope: str, lifetime: float) -> None:
        self.mint = mint
        self.subject = subject
        self.scope = scope
        # Tests shorten it, to see what a page does when its token ends.
        self.lifetime = lifetime
        self.redirects: dict[str, set[str]] = {}
        self._codes: dict[str, Code] = {}
        self._refreshing: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def allow(self, client: str, redirect: str) -> None:
        """Lets a client be sent back to this very address."""
        self.redirects.setdefault(client, set()).add(redirect)

    def returns_to(self, client: str | None, redirect: str | None) -> str:
        """The address, if it is one of the client's."""
        if redirect is None or redirect not in self.redirects.get(client or "", ()):
            raise Refused("invalid_request", "redirect_uri is not one of this client's.")
        return redirect

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Where to go next: back to the page, with a code or with an error. Raises when there is no page to go back to."""
        redirect = self.returns_to(asked.get("client_id"), asked.get("redirect_uri"))
        try:
            answer = {"code": self._code(asked, redirect)}
        except Refused as refused:
            answer = {"error": refused.error, "error_description": refused.why}
        if "state" in asked:
            answer["state"] = asked["state"]
        return f"{redirect}?{urlencode(answer)}"

    def _code(self, asked: Mapping[str, str], redirect: str) -> str:
        if asked.get("response_type") != "code":
            raise Refused("unsupported_response_type", "response_type must be code.")
        challenge = asked.get("code_challenge", "")
        if asked.get("code_challenge_method") != "S256" or len(challenge) != CHALLENGE_LENGTH:
            raise Refused("invalid_request", "a code_challenge by S256 is needed.")
        # A user's consent would be here: they get what they asked for, of what there is.
        scope = " ".join(one for one in asked.get("scope", "").split() if one in {*self.scope.split(), "openid"})
        grant = Grant(asked["client_id"], asked.get("login_hint") or self.subject, scope)
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._codes[code] = Code(grant, redirect, challenge, time.monotonic() + CODE_SECONDS)
        return code

    def token(self, form: Mapping[str, str]) -> dict[str, object]:
        """The tokens for a code, or for a refresh token."""
        match form.get("grant_type"):
            case "authorization_code":
                grant = self._redeemed(form)
            case "refresh_token":
                with self._lock:
                    grant = self._refreshing.pop(form.get("refresh_token", ""), None)
                if grant is None or grant.client != form.get("client_id"):
                    raise Refused("invalid_grant", "there is no such refresh token.")
            case _:
                raise Refused("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")
        refresh = secrets.token_urlsafe(32)
        with self._lock:
            self._refreshing[refresh] = grant
        return {
            "access_token": self.mint(grant.subject, grant.scope, self.lifetime),
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
            "refresh_token": refresh,
            "scope": grant.scope,
        }

    def _redeemed(self, form: Mapping[str, str]) -> Grant:
        with self._lock:
            # Gone whatever comes of it: a code that was tried once is known to somebody else.
            code = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proves = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            code is None
            or time.monotonic() > code.ends
            or (code.grant.client, code.redirect) != (form.get("client_id"), form.get("redirect_uri"))
            or not secrets.compare_digest(proves, code.challenge)
        ):
            raise Refused("invalid_grant", "the code is not good, or not for this client, this address or this verifier.")
        return code.grant
