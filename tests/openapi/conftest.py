"""One stack for the run, and the document."""

import json

import pytest

from infra.local.places import ROOT
from infra.local.stack import Stack


@pytest.fixture(scope="session")
def stack():
    with Stack() as running:
        yield running


@pytest.fixture(scope="session")
def document() -> dict:
    """What the tree says of the API."""
    return json.loads((ROOT / "docs" / "openapi.json").read_text())
