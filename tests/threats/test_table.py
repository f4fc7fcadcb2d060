"""Every threat that is documented has tests and mutants, nothing that is named here has rotted, and no route is left out."""

import subprocess
import sys

import pytest

from infra.local.places import ROOT
from tests.threats.requests import ABOUT, OTHERS
from tests.threats.routes import OPEN, about_an_upload, routes
from tests.threats.table import Mutant, Row, documented, rows

ROWS = rows()
MUTANTS = [mutant for row in ROWS for mutant in row.mutants]


def test_every_documented_threat_stands_here_and_no_other():
    assert [row.threat for row in ROWS] == documented()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.threat[:50])
def test_every_threat_has_tests_that_exist_and_a_mutant(row: Row):
    assert row.mutants, "nothing shows that its tests can fail"
    assert [proof.spelling for proof in row.proofs if not proof.exists()] == []


def test_what_is_named_in_brackets_is_one_of_the_tests_parameters():
    """Others are found by their function's name alone; these pytest has to list."""
    named = sorted({proof.spelling for row in ROWS for proof in row.proofs if "[" in proof.spelling})
    listed = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", *named], cwd=ROOT, capture_output=True, text=True)
    assert (listed.returncode, listed.stderr) == (0, "")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what[:50])
def test_every_mutant_takes_out_what_is_there_and_names_who_must_notice(mutant: Mutant):
    assert mutant.red, "nobody has to notice"
    assert mutant.found == 1, f"{mutant.file} has the control {mutant.found} times"
    assert mutant.control != mutant.without


def test_no_two_mutants_are_one():
    changes = [(mutant.file, mutant.control, mutant.without) for mutant in MUTANTS]
    assert len(changes) == len(set(changes))


def test_every_route_of_the_template_is_attacked():
    """The tests of tokens and ids go through these lists: a new route is attacked once it says how it is asked."""
    named = {route.key for route in routes()}
    assert set(ABOUT) | set(OTHERS) | set(OPEN) == named
    assert set(ABOUT) == {route.key for route in routes() if about_an_upload(route)}
    assert not set(ABOUT) & set(OTHERS)


def test_what_is_open_is_open_for_a_reason():
    found = {route.key for route in routes() if not route.asks_for_token}
    assert found == set(OPEN) | {route.key for route in routes() if route.asks_for_session}
    assert all(OPEN.values())
