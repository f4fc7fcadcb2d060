"""The runner of the mutants takes nothing for a kill but a test that ran and failed."""

import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from tests.threats.mutants import FAILED, NOT_RUN, PASSED, Broken, Copy, Known, _of_cases, tried
from tests.threats.table import Mutant, Proof

PROOF = Proof("core/settle::some_test")


def cases(text: str) -> list[xml.Element]:
    return list(xml.fromstring(f"<s>{text}</s>").iter("testcase"))


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        ("<testcase/>", PASSED),
        ("<testcase><failure message='assert'/></testcase>", FAILED),
        ("<testcase/><testcase><failure message='assert'/></testcase>", FAILED),
        ("<testcase><error message='failed on setup with it'/></testcase>", NOT_RUN),
        ("<testcase><error message='failed on teardown with it'/></testcase>", FAILED),
        ("<testcase><skipped/></testcase>", NOT_RUN),
        ("", NOT_RUN),
    ],
)
def test_what_a_report_says(report, outcome):
    assert _of_cases(cases(report)) == outcome


class Pretended(Copy):
    """A copy whose tests end as they are told to."""

    def __init__(self, folder: Path, outcome: str | Exception) -> None:
        super().__init__(folder)
        self.outcome, self.steps = outcome, []

    def apply(self, mutant: Mutant) -> None:
        self.steps.append("apply")

    def restore(self, mutant: Mutant) -> None:
        self.steps.append("restore")

    def run(self, proofs, mutant):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return {proof: self.outcome for proof in proofs}


@pytest.mark.parametrize(
    ("outcome", "verdict"), [(FAILED, "killed"), (PASSED, "SURVIVED"), (NOT_RUN, "ERROR"), (Broken("it does not build"), "ERROR")], ids=str
)
def test_only_a_test_that_failed_kills_and_the_control_is_put_back(tmp_path, outcome, verdict):
    mutant = Mutant("a threat", "what", "crates/core/src/settle.rs", "a", "b", (PROOF,))
    copy = Pretended(tmp_path, outcome)
    assert tried(copy, mutant, {PROOF: PASSED}).outcome == verdict
    assert copy.steps == ["apply", "restore"]


def test_a_test_that_fails_by_itself_proves_nothing(tmp_path):
    mutant = Mutant("a threat", "what", "crates/core/src/settle.rs", "a", "b", (PROOF,))
    for healthy in ({PROOF: FAILED}, {}):
        copy = Pretended(tmp_path, FAILED)
        assert (tried(copy, mutant, healthy).outcome, copy.steps) == ("ERROR", [])


def test_what_cannot_be_tried_as_it_is_proves_nothing_and_leaves_the_others_alone(tmp_path, capsys, monkeypatch):
    def broken(where: str, group: list[Proof]) -> dict[Proof, str]:
        raise Broken("no such test")

    copy, other = Copy(tmp_path), Proof("tests/uploader/it.mjs::it")
    monkeypatch.setattr(copy, "_cargo", broken)
    monkeypatch.setattr(copy, "_node", lambda where, group: dict.fromkeys(group, PASSED))
    assert copy.run([PROOF, other], None) == {PROOF: NOT_RUN, other: PASSED}
    assert "core/settle as it is: no such test" in capsys.readouterr().out
    mutant = Mutant("a threat", "what", "crates/core/src/settle.rs", "a", "b", (PROOF,))
    with pytest.raises(Broken):
        copy.run([PROOF], mutant)


def test_what_an_earlier_run_found_holds_for_the_same_tree_alone(tmp_path):
    copy = Pretended(tmp_path, PASSED)
    copy.tree.mkdir(parents=True)
    (copy.tree / "code.rs").write_text("one")
    mutant = Mutant("a threat", "what", "code.rs", "one", "two", (PROOF,))
    known = Known(copy)
    copy.outcome = FAILED
    known.keep([tried(copy, mutant, {PROOF: PASSED})], {PROOF: PASSED})
    again = Known(copy)
    again.recall()
    assert again.passed == {PROOF.spelling} and len(again.killed) == 1
    (copy.tree / "code.rs").write_text("another")
    other = Known(copy)
    other.recall()
    assert (other.passed, other.killed) == (set(), {})
