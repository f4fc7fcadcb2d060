"""Gives the engine's policy evaluation four S3 condition keys it does not know.

`s3:if-none-match` (a write's precondition), `s3:ObjectCreationOperation` (whether the write makes an object, or only begins a
multipart upload or sends a part of one), `s3:authType` and `s3:signatureAge` (how, and how many milliseconds ago, a
request was signed). The engine (1.5.33) evaluates bucket policies for every caller but the root user and takes an unknown
key for absent: a Deny of writes without If-None-Match would deny all writes, and a Deny of old signatures none. This must
never decide anything itself: it says what the request carries.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

from ministack.core import iam_actions, iam_evaluator
from ministack.services import s3

# The fields of the form that is being checked right now; None while none is.
_form: ContextVar[Mapping[str, str] | None] = ContextVar("fields of the form being checked", default=None)


def install() -> None:
    """Wraps the function that collects a request's S3 keys."""
    original = iam_actions.s3_service_context

    def s3_service_context(action, query, path="", headers=None) -> dict[str, str]:
        return original(action, query, path, headers) | keys(action, query or {}, headers or {}, datetime.now(UTC))

    iam_actions.s3_service_context = s3_service_context
    _tell_of_forms()


def _tell_of_forms() -> None:
    """A form's upload is a write that makes an object and carries no precondition; its signer is asked for in `enforce`."""
    check, enforce = s3._enforce_signed_post_policy, iam_evaluator.enforce

    def enforce_signed_post_policy(fields, *rest):
        token = _form.set(fields)
        try:
            return check(fields, *rest)
        finally:
            _form.reset(token)

    def enforce_with_keys(access_key, action, service, region, resource_arn="*", service_context=None):
        if (fields := _form.get()) is not None:
            service_context = (service_context or {}) | of_form(action, fields, datetime.now(UTC))
        return enforce(access_key, action, service, region, resource_arn, service_context)

    s3._enforce_signed_post_policy = enforce_signed_post_policy
    iam_evaluator.enforce = enforce_with_keys


def of_form(action: str, fields: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The keys of a form that is posted."""
    found = {"s3:authtype": "POST"}
    if action == "s3:PutObject":
        found["s3:objectcreationoperation"] = "true"
    if (age := _milliseconds_since(fields.get("x-amz-date", ""), now)) is not None:
        found["s3:signatureage"] = str(age)
    return found


def keys(action: str, query: Mapping[str, list[str]], headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The keys of one request, in lower case as the evaluator looks them up."""
    found = {}
    if action == "s3:PutObject":
        found["s3:objectcreationoperation"] = "false" if "uploads" in query or "partNumber" in query else "true"
        if "if-none-match" in headers:
            found["s3:if-none-match"] = headers["if-none-match"]
    signed_at = None
    if "X-Amz-Signature" in query:
        found["s3:authtype"] = "REST-QUERY-STRING"
        signed_at = query.get("X-Amz-Date", [""])[0]
    elif headers.get("authorization", "").startswith("AWS4-"):
        found["s3:authtype"] = "REST-HEADER"
        signed_at = headers.get("x-amz-date")
    if signed_at and (age := _milliseconds_since(signed_at, now)) is not None:
        found["s3:signatureage"] = str(age)
    return found


def _milliseconds_since(signed_at: str, now: datetime) -> int | None:
    try:
        then = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        # Not a date: the signature cannot be good, and that is for the engine to say.
        return None
    return int((now - then).total_seconds() * 1000)
