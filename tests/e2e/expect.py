"""What several tests assert in the same words."""

from .web import Reply

RETRYABLE = {"not_uploaded", "idempotency_in_progress", "try_later", "too_many_pending", "too_many_grants"}
FIELDS = {"type", "title", "status", "detail", "code", "requestId", "retryable"}


def problem(reply: Reply, status: int, code: str) -> dict:
    """The reply is this problem, told as RFC 9457 and API.md tell it."""
    assert (reply.status, reply.headers.get("content-type")) == (status, "application/problem+json"), reply
    assert reply.headers["cache-control"] == "no-store"
    told = reply.json()
    assert (told["status"], told["code"]) == (status, code), told
    assert told["retryable"] is (code in RETRYABLE)
    assert FIELDS <= set(told) <= FIELDS | {"errors", "retryAfter"}
    # Once more what the header says, and only where there is one.
    assert str(told.get("retryAfter")) == str(reply.headers.get("retry-after")), told
    assert all(isinstance(told[name], str) and told[name] for name in FIELDS - {"status", "retryable"}), told
    for error in told.get("errors", []):
        assert set(error) == {"pointer", "detail"}, error
    return told


def gateway_refusal(reply: Reply, status: int) -> None:
    """API Gateway itself has refused: no function was asked."""
    assert reply.status == status, reply
    assert reply.headers["content-type"].startswith("application/json")
    assert set(reply.json()) == {"message"}
