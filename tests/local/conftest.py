"""What the launcher's own tests share: an engine, an issuer, a function that tells what reaches it."""

import sys
from pathlib import Path

import pytest

from infra.local.engine import Engine
from infra.local.issuer import Issuer


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(scope="session")
def issuer(tmp_path_factory):
    with Issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture(scope="session")
def echo(tmp_path_factory):
    """A function that needs no compiler."""
    bootstrap = tmp_path_factory.mktemp("echo") / "bootstrap"
    bootstrap.write_text(f"#!{sys.executable}\n{Path(__file__).with_name('echo.py').read_text()}")
    bootstrap.chmod(0o755)
    return bootstrap
