"""A user that does what a client does: says again what may be said again, a bounded number of times, and checks every answer on the way.
It must never go on after an answer that says that going on is of no use."""

import time
from dataclasses import dataclass, field

from tests.e2e.user import User
from tests.e2e.web import Reply
from tests.faults.kinds import MESSAGE

TRIES = 8
# Instead of the two seconds that answers ask for: what they wait for is over by then.
PAUSE_SECONDS = 0.05
# What belongs to storage and to nobody else's ears.
FOREIGN = (MESSAGE, "SlowDown", "Throttling", "amazonaws", "dynamodb", "S3", "bucket", "table")
GATEWAY_FAILURES = (500, 502, 503, 504)


@dataclass
class Seen:
    """What a client was answered on its way."""

    answers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Client(User):
    """A user with patience. `may_die` says that a function may be killed, of which API Gateway alone can tell."""

    may_die = False

    def __init__(self, *known: object) -> None:
        super().__init__(*known)
        self.seen = Seen()

    def call(self, *what: object, **how: object) -> Reply:
        """One call, until it is answered for good or patience ends."""
        for _ in range(TRIES):
            reply = super().call(*what, **how)
            self.seen.answers.append(f"{what[0]} {what[1]}: {describe(reply)}")
            self.seen.faults += [f"{what[0]} {what[1]}: {fault}" for fault in faults_of(reply, may_die=self.may_die)]
            if not may_be_repeated(reply):
                return reply
            time.sleep(PAUSE_SECONDS)
        return reply


def describe(reply: Reply) -> str:
    """Status and code."""
    return f"{reply.status} {reply.json()['code']}" if _is_problem(reply) else str(reply.status)


def may_be_repeated(reply: Reply) -> bool:
    """What the answer itself says; what a gateway failed to say may be too."""
    if _is_problem(reply):
        return reply.json()["retryable"]
    return reply.status in GATEWAY_FAILURES


def faults_of(reply: Reply, *, may_die: bool) -> list[str]:
    """What this answer says that it should not, or fails to say."""
    found = []
    if _is_problem(reply):
        told = reply.json()
        if reply.status == 500:
            found.append(f"a failure that passes was told as {told['code']}")
        if told["retryable"] != ("retry-after" in reply.headers):
            found.append(f"{told['code']}: retryable is {told['retryable']} and Retry-After is {reply.headers.get('retry-after')}")
        text = reply.body.decode()
        found += [f"{told['code']} speaks of {word!r}" for word in FOREIGN if word in text.replace(told["requestId"], "") and not _is_ours(word, told)]
    elif reply.status >= 400 and not (may_die and reply.status in GATEWAY_FAILURES):
        found.append(f"{reply.status} is no problem of the contract: {reply.body[:200]!r}")
    if reply.status < 400 or _is_problem(reply):
        if reply.headers.get("cache-control") != "no-store":
            found.append(f"{reply.status} may be cached")
    return found


def _is_ours(word: str, told: dict) -> bool:
    # A sentence of our own may name S3.
    return word == "S3" and told["code"] != "try_later"


def _is_problem(reply: Reply) -> bool:
    return reply.headers.get("content-type") == "application/problem+json"
