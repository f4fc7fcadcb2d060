"""The decorator that makes a sentence an assertion, and the words that assertions share."""

from collections.abc import Callable

from ..mutate import Mutation
from ..stack import Stack

Check = Callable[[Stack], None]

ISSUE, CONFIRM, FILES, THUMBNAILS = "issue-upload", "confirm-upload", "manage-files", "generate-thumbnails"
SWEEP = "sweep-uploads"
COMPANION = "companion"
PAGE = "serve-page"
BUCKET_ARN = "arn:${AWS::Partition}:s3:::${BucketName}"

ASSERTIONS: list[tuple[Check, tuple[Mutation, ...]]] = []
"""Every assertion with the mutations that it must notice."""


def assertion(*mutations: Mutation) -> Callable[[Check], Check]:
    """Makes the function below an assertion; each mutation is a change of the template that makes it fail."""
    if not mutations:
        raise TypeError("an assertion that nothing breaks asserts nothing")

    def register(check: Check) -> Check:
        ASSERTIONS.append((check, mutations))
        return check

    return register


def same(found: object, expected: object) -> None:
    """Equal, or an AssertionError that shows both."""
    assert found == expected, f"found {found!r}, expected {expected!r}"
