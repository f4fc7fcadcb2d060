"""Takes each control of `threats.toml` out, one at a time, and looks whether the tests notice: `python -m tests.threats.mutants`.

    --only WORD …    rows or mutants whose words hold one of these
    --list           only say what there is
    --resume         of the same tree, leave out what an earlier run has killed, and believe what passed then
    --write          put the figures into tests/threats/README.md

It works on a copy of the tree, with a target directory of its own (VALET_MUTANTS_TARGET_DIR, or target/mutants), and must never
change the tree itself. A mutant is killed when each test that must fail has run and failed; one that does not build, or whose test never
ran, is an error and no kill. The same tests are run on the copy as it is first: what fails there proves nothing.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.local.places import FUNCTIONS, ROOT
from tests.threats.table import Mutant, Proof, rows

README = Path(__file__).with_name("README.md")
PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"
# What decides which mutants there are, and how they are tried, decides nothing about one.
NOT_TRIED = {"tests/threats/threats.toml", "tests/threats/mutants.py", "tests/threats/table.py"}
# A build from nothing, on a busy machine.
BUILDING_SECONDS = 3600
TESTING_SECONDS = 900
# By themselves these unify no features that would compile the AWS SDK anew.
LIGHT = {"core", "http", "thumbnail", "webp", "scaled-jpeg"}
PYTHONS = {"tests/supply/": "release", "tests/browser/": "browser"}


class Broken(Exception):
    """Something other than a test has failed: nothing is known."""


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant."""

    mutant: Mutant
    outcome: str
    seconds: float
    why: str = ""


class Known:
    """What earlier runs have found out about this very tree; of any other, nothing."""

    def __init__(self, copy: "Copy") -> None:
        self.path = copy.target / "known.json"
        self.tree = copy.digest()
        self.passed: set[str] = set()
        self.killed: dict[str, float] = {}

    def recall(self) -> None:
        """Reads it."""
        kept = json.loads(self.path.read_text()) if self.path.is_file() else {}
        if kept.get("tree") == self.tree:
            self.passed, self.killed = set(kept["passed"]), kept["killed"]

    def keep(self, verdicts: list[Verdict], healthy: dict[Proof, str]) -> None:
        """Writes it, with what this run has found."""
        self.passed |= {proof.spelling for proof, outcome in healthy.items() if outcome == PASSED}
        self.killed |= {_of(one.mutant): one.seconds for one in verdicts if one.outcome == "killed"}
        self.path.write_text(json.dumps({"tree": self.tree, "passed": sorted(self.passed), "killed": self.killed}))


def _of(mutant: Mutant) -> str:
    """What a mutant is known by: all that makes it what it is."""
    return hashlib.sha256(repr((mutant.file, mutant.control, mutant.without, mutant.red)).encode()).hexdigest()


class Copy:
    """The tree once more, where its controls may be taken out."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.tree = target / "tree"
        # Of what the binaries were built last; None before the first time.
        self.built: Mutant | None | str = "never"

    def refresh(self) -> None:
        """Makes it equal to the tree; what has not changed keeps its time, so that cargo knows it again."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
        ).stdout.decode()
        wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file() and not (ROOT / name).is_symlink()}
        self.tree.mkdir(parents=True, exist_ok=True)
        for path in self.tree.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.relative_to(self.tree).as_posix() not in wanted:
                path.unlink()
        for name in sorted(wanted):
            source, copy = ROOT / name, self.tree / name
            if not copy.is_file() or copy.read_bytes() != source.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
                shutil.copymode(source, copy)
        tools = self.tree / ".tools"
        if not tools.exists():
            tools.symlink_to(ROOT / ".tools")
        # Tests of what git lists want a repository.
        if not (self.tree / ".git").exists():
            subprocess.run(["git", "init", "--quiet", self.tree], check=True)

    def digest(self) -> str:
        """Of all that a test may depend on: everything but prose and this list of mutants."""
        found = hashlib.sha256()
        for path in sorted(self.tree.rglob("*")):
            name = path.relative_to(self.tree).as_posix()
            if path.is_file() and not name.startswith((".git/", ".tools", "target/")) and path.suffix != ".md" and name not in NOT_TRIED:
                found.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
        return found.hexdigest()

    def apply(self, mutant: Mutant) -> None:
        """Takes the control out."""
        path = self.tree / mutant.file
        text = path.read_text()
        if text.count(mutant.control) != 1:
            raise Broken(f"{mutant.file} has the control {text.count(mutant.control)} times")
        path.write_text(text.replace(mutant.control, mutant.without))

    def restore(self, mutant: Mutant) -> None:
        """Puts it back."""
        (self.tree / mutant.file).write_bytes((ROOT / mutant.file).read_bytes())

    def build(self, of: Mutant | None) -> None:
        """Has binaries of the copy with this mutant, or as it is."""
        wanted = of if of is not None and of.is_built_in else None
        if self.built == wanted:
            return
        binaries = [word for name in FUNCTIONS for word in ("--bin", name)]
        self.built = "broken"
        _cargo(["build", *binaries], self, BUILDING_SECONDS)
        self.built = wanted

    def run(self, proofs: Iterable[Proof], mutant: Mutant | None) -> dict[Proof, str]:
        """What becomes of each test. As the tree is, what cannot be tried costs its own mutants their proof, and no others."""
        groups: dict[tuple[str, ...], list[Proof]] = defaultdict(list)
        for proof in proofs:
            groups[self._together(proof)].append(proof)
        outcomes: dict[Proof, str] = {}
        for (kind, where, *_), group in groups.items():
            try:
                if any(proof.needs_functions for proof in group):
                    self.build(mutant)
                outcomes |= {"cargo": self._cargo, "pytest": self._pytest, "node": self._node}[kind](where, group)
            except Broken as problem:
                if mutant is not None:
                    raise
                print(f"{where} as it is: {problem}", flush=True)
                outcomes |= dict.fromkeys(group, NOT_RUN)
        return outcomes

    @staticmethod
    def _together(proof: Proof) -> tuple[str, ...]:
        if proof.kind == "pytest":
            # Suites bring conftest fixtures of the same names: each folder is a run of its own.
            return "pytest", str(Path(proof.place).parent)
        return proof.kind, proof.place

    def _cargo(self, where: str, group: list[Proof]) -> dict[Proof, str]:
        crate, target = where.split("/")
        package = ["-p", f"valet-{crate}" if crate in ("core", "http", "thumbnail") else crate] if crate in LIGHT else ["--workspace"]
        if target == "bin":
            package += ["--bin", crate]
        elif target == "lib":
            package += ["--lib"]
        else:
            package += ["--test", target]
        command = ["test", *package, "--no-fail-fast", "--", "--exact", *(proof.name for proof in group)]
        said = _cargo(command, self, BUILDING_SECONDS, ran="\nrunning ")
        found = {}
        for line in said.splitlines():
            if line.startswith("test ") and " ... " in line:
                name, _, result = line.removeprefix("test ").partition(" ... ")
                name = name.removesuffix(" - should panic")
                found[name] = FAILED if found.get(name) == FAILED or "FAILED" in result else PASSED if "ok" in result else NOT_RUN
        return {proof: found.get(proof.name, NOT_RUN) for proof in group}

    def _pytest(self, folder: str, group: list[Proof]) -> dict[Proof, str]:
        venv = next((name for start, name in PYTHONS.items() if f"{folder}/".startswith(start)), "engine")
        environment = self.environment()
        if venv == "browser" and "VALET_CHROMIUM" not in environment:
            found = subprocess.run([sys.executable, "infra/tools/chromium.py", "mutants"], cwd=ROOT, capture_output=True, text=True)
            environment["VALET_CHROMIUM"] = found.stdout.strip()
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            command = [ROOT / ".tools" / venv / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report.name}"]
            done = _run([*command, *(proof.spelling for proof in group)], self.tree, environment, TESTING_SECONDS)
            try:
                cases = list(xml.parse(report.name).getroot().iter("testcase"))
            except xml.ParseError as error:
                raise Broken(f"pytest gave no report: {done.stdout[-2000:]}{done.stderr[-2000:]}") from error
        outcomes = {}
        for proof in group:
            module = proof.place.removesuffix(".py").replace("/", ".")
            named = [case for case in cases if case.get("classname") == module and _is_named(case.get("name", ""), proof.name)]
            outcomes[proof] = _of_cases(named)
        if set(outcomes.values()) == {NOT_RUN}:
            raise Broken(f"pytest ran none of them: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return outcomes

    def _node(self, file: str, group: list[Proof]) -> dict[Proof, str]:
        done = _run(["node", "--test", "--test-reporter=tap", file], self.tree, self.environment(), TESTING_SECONDS)
        lines = [line.strip() for line in done.stdout.splitlines()]
        ended = {line.split(" - ", 1)[1].split(" # ")[0]: line.startswith("ok") for line in lines if line.startswith(("ok ", "not ok ")) and " - " in line}
        return {proof: NOT_RUN if proof.name not in ended else PASSED if ended[proof.name] else FAILED for proof in group}

    def environment(self) -> dict[str, str]:
        """What commands in the copy see."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VALET_CLI", "PYTEST"))}
        return kept | {"CARGO_TARGET_DIR": str(self.target / "build"), "CARGO_INCREMENTAL": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def _is_named(case: str, name: str) -> bool:
    return case == name if "[" in name else case.split("[")[0] == name


def _of_cases(cases: list[xml.Element]) -> str:
    """Failed if one of them did, by itself or by what it left behind; a fixture that could not be made says nothing."""
    failed = ran = False
    for case in cases:
        errors = [error.get("message", "") for error in case.findall("error")]
        ran |= not any("setup" in error for error in errors) and case.find("skipped") is None
        failed |= case.find("failure") is not None or any("teardown" in error for error in errors)
    return FAILED if failed else PASSED if ran else NOT_RUN


def _run(command: list, folder: Path, environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    # A group of its own: what hangs ends with all that it has started.
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException as error:
        os.killpg(process.pid, 9)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Broken(f"not done after {seconds:g} seconds") from error
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _cargo(arguments: list[str], copy: Copy, seconds: float, *, ran: str = "") -> str:
    """What it prints. It may fail once it has printed `ran`: then something was built, and has failed."""
    offline = ["--offline"] if os.environ.get("CARGO_NET_OFFLINE", "true") == "true" else []
    done = _run(["cargo", arguments[0], *offline, *arguments[1:]], copy.tree, copy.environment(), seconds)
    if done.returncode and not (ran and ran in done.stdout):
        raise Broken(f"it does not build: {done.stderr[-2000:]}")
    return done.stdout


def tried(copy: Copy, mutant: Mutant, healthy: dict[Proof, str]) -> Verdict:
    """What becomes of a mutant."""
    began = time.monotonic()

    def verdict(outcome: str, why: str = "") -> Verdict:
        return Verdict(mutant, outcome, time.monotonic() - began, why)

    sick = [proof.spelling for proof in mutant.red if healthy.get(proof) != PASSED]
    if sick:
        return verdict("ERROR", f"without the mutant: {', '.join(sick)} {healthy.get(Proof(sick[0]))}")
    try:
        copy.apply(mutant)
        outcomes = copy.run(mutant.red, mutant)
    except Broken as problem:
        return verdict("ERROR", str(problem))
    finally:
        copy.restore(mutant)
    if NOT_RUN in outcomes.values():
        return verdict("ERROR", f"did not run: {', '.join(proof.spelling for proof, outcome in outcomes.items() if outcome == NOT_RUN)}")
    alive = [proof.spelling for proof, outcome in outcomes.items() if outcome != FAILED]
    return verdict("SURVIVED", f"passed: {', '.join(alive)}") if alive else verdict("killed")


def chosen(words: list[str]) -> list[Mutant]:
    """The mutants these words mean; all without any. What needs no build comes first."""
    found = [mutant for row in rows() for mutant in row.mutants]
    if words:
        found = [one for one in found if any(word.lower() in f"{one.threat} {one.what} {one.file}".lower() for word in words)]
    return sorted(found, key=lambda mutant: (mutant.is_built_in, any(proof.needs_functions for proof in mutant.red)))


def main() -> int:
    """Non-zero if one survived or could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m tests.threats.mutants", description="Take each control out and look whether a test fails.")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    mutants = chosen(options.only)
    if options.list or not mutants:
        for mutant in mutants:
            print(f"{mutant.threat}: {mutant.what} ({mutant.file})")
        return 0 if mutants else 1
    began = time.monotonic()
    target = Path(os.environ.get("VALET_MUTANTS_TARGET_DIR") or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "mutants").absolute()
    copy = Copy(target)
    copy.refresh()
    known = Known(copy)
    if options.resume:
        known.recall()
    done = [mutant for mutant in mutants if _of(mutant) in known.killed]
    verdicts = [Verdict(mutant, "killed", known.killed[_of(mutant)]) for mutant in done]
    mutants = [mutant for mutant in mutants if mutant not in done]
    proofs = {proof for mutant in mutants for proof in mutant.red}
    healthy = {proof: PASSED for proof in proofs if proof.spelling in known.passed}
    proofs -= healthy.keys()
    print(f"{len(mutants)} mutants, {len(done)} killed before; first their {len(proofs)} tests as they are", flush=True)
    healthy |= copy.run(sorted(proofs, key=lambda proof: proof.spelling), None)
    known.keep(verdicts, healthy)
    for mutant in mutants:
        verdict = tried(copy, mutant, healthy)
        verdicts.append(verdict)
        known.keep(verdicts, healthy)
        print(f"{verdict.outcome:<8} {verdict.seconds:6.1f} s  {mutant.threat}: {mutant.what}", flush=True)
        if verdict.why:
            print(f"         {verdict.why}", flush=True)
    minutes = max(time.monotonic() - began, sum(verdict.seconds for verdict in verdicts)) / 60
    killed = sum(verdict.outcome == "killed" for verdict in verdicts)
    print(f"{killed} of {len(verdicts)} killed in {minutes:.0f} minutes")
    if options.write and not options.only:
        write(f"{len(rows())} threats, {len({proof for row in rows() for proof in row.proofs})} tests, {len(verdicts)} mutants: {killed} killed, "
              f"in {minutes:.0f} minutes on {os.cpu_count()} cores.")
    return 0 if killed == len(verdicts) else 1


def write(sentence: str) -> None:
    """Puts the figures where they are told."""
    before, mark, rest = README.read_text().partition("<!-- figures -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (mark and end):
        raise SystemExit("tests/threats/README.md has no place for the figures")
    README.write_text(f"{before}{mark}{sentence}\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
