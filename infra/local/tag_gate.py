"""Teaches the engine's CloudFront the tags of the object it asks S3 for.

The engine (1.5.33) evaluates the bucket policy for a CloudFront read, but its context carries no `s3:ExistingObjectTag/…`:
a policy that lets CloudFront read tagged objects alone would deny every read. This adds exactly those keys to exactly that
evaluation. It must never decide anything itself: the bucket policy does.
"""

from contextvars import ContextVar

from ministack.core import iam_evaluator
from ministack.services import s3

# The tags of the object CloudFront is asking for right now; None while somebody else asks.
_tags: ContextVar[dict[str, str] | None] = ContextVar("tags of the object CloudFront reads", default=None)


def install() -> None:
    """Wraps the two functions of the engine that make up a CloudFront read."""
    allows, evaluate = s3._cloudfront_origin_allows, iam_evaluator.evaluate_resource_policy

    def cloudfront_origin_allows(owner: str, bucket: str, key: str, *rest: str) -> bool:
        token = _tags.set(s3.object_tags_for_condition(bucket, key, {}))
        try:
            return allows(owner, bucket, key, *rest)
        finally:
            _tags.reset(token)

    def evaluate_resource_policy(document, context, *rest, **options):
        # The evaluator looks its keys up in lower case.
        for name, value in (_tags.get() or {}).items():
            context.service_context[f"s3:existingobjecttag/{name.lower()}"] = value
        return evaluate(document, context, *rest, **options)

    s3._cloudfront_origin_allows = cloudfront_origin_allows
    iam_evaluator.evaluate_resource_policy = evaluate_resource_policy
