"""A deployed stack is driven by environment variables alone, and what it cannot give is refused, not guessed."""

import pytest

from infra.local.sorry import Sorry
from infra.local.stack import Deployed, Stack, from_environment

GIVEN = {"VALET_API_URL": "https://api.example/", "VALET_CDN_URL": "https://cdn.example/", "VALET_TOKEN": "one"}


@pytest.fixture
def environment(monkeypatch):
    for name in (*GIVEN, "VALET_OTHER_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def use(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return use


def test_without_an_api_url_a_local_stack_is_meant(environment):
    assert isinstance(from_environment(), Stack)


def test_the_urls_are_taken_without_a_trailing_slash(environment):
    environment(**GIVEN)
    with from_environment() as stack:
        assert isinstance(stack, Deployed)
        assert (stack.api_url, stack.cdn_url) == ("https://api.example", "https://cdn.example")


def test_what_is_missing_is_named(environment):
    environment(VALET_API_URL="https://api.example")
    with pytest.raises(Sorry, match="VALET_CDN_URL, VALET_TOKEN"):
        from_environment()


def test_each_user_has_one_token_and_there_are_as_many_users_as_tokens(environment):
    environment(**GIVEN, VALET_OTHER_TOKEN="two")
    stack = from_environment()
    assert [stack.token("alice"), stack.token("bob"), stack.token("alice")] == ["one", "two", "one"]
    with pytest.raises(Sorry, match="VALET_OTHER_TOKEN"):
        stack.token("carol")


def test_a_bad_token_cannot_be_made_to_order(environment):
    environment(**GIVEN)
    with pytest.raises(Sorry, match="own issuer"):
        from_environment().token(lifetime=-60)
