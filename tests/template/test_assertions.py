"""Every assertion holds for the template as it is, and fails for each template that its mutations make of it."""

import pytest

from .assertions import ASSERTIONS
from .stack import expanded


@pytest.mark.parametrize("assertion", [pytest.param(assertion, id=assertion.__name__) for assertion, _ in ASSERTIONS])
def test_template(assertion):
    assertion(expanded())


@pytest.mark.parametrize(
    ("assertion", "mutation"),
    [
        pytest.param(assertion, mutation, id=f"{assertion.__name__}: {mutation.name}")
        for assertion, mutations in ASSERTIONS
        for mutation in mutations
    ],
)
def test_mutation_is_noticed(assertion, mutation):
    assertion(expanded())  # or the failure below proves nothing
    stack = expanded()
    mutation.apply(stack)
    with pytest.raises(AssertionError):
        assertion(stack)
