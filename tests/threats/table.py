"""The threats of docs/SECURITY.md and what stands against each: the tests that prove it, and the mutants that prove the tests.

`threats.toml` holds the rows. It must never be read past here: what is wrong with it is said once.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.local.places import ROOT

DOCUMENT = ROOT / "docs" / "SECURITY.md"
ROWS = Path(__file__).with_name("threats.toml")


@dataclass(frozen=True)
class Proof:
    """One test, as `threats.toml` spells it.

    `tests/….py::name` is pytest's, `tests/….mjs::name` node's, `crate/target::path::name` cargo's: crate is a folder of crates/ or
    functions/, target `lib`, `bin` or a file or folder of its tests/.
    """

    spelling: str

    @property
    def kind(self) -> str:
        """`pytest`, `node` or `cargo`."""
        file = self.spelling.split("::")[0]
        return {".py": "pytest", ".mjs": "node"}.get(Path(file).suffix, "cargo")

    @property
    def place(self) -> str:
        """The file of a Python or node test, crate and target of one of cargo's."""
        return self.spelling.split("::", 1)[0]

    @property
    def name(self) -> str:
        """What the harness calls it."""
        return self.spelling.split("::", 1)[1]

    @property
    def needs_functions(self) -> bool:
        """Whether it deploys the binaries."""
        return self.kind == "pytest" and self.place.startswith(("tests/e2e/", "tests/threats/", "tests/cli/", "tests/browser/"))

    def sources(self) -> list[Path]:
        """The files that it may stand in."""
        if self.kind != "cargo":
            return [ROOT / self.place]
        crate, target = self.place.split("/")
        folder = package_folder(crate)
        if target in ("lib", "bin"):
            return sorted((folder / "src").rglob("*.rs"))
        whole = folder / "tests" / target
        return sorted(whole.rglob("*.rs")) if whole.is_dir() else [whole.with_suffix(".rs")]

    def exists(self) -> bool:
        """Whether its name stands in one of them."""
        last = self.name.split("::")[-1].split("[")[0]
        if self.kind == "node":
            return f'"{last}"' in self.sources()[0].read_text()
        word = "def" if self.kind == "pytest" else "fn"
        return any(re.search(rf"\b{word} {re.escape(last)}\(", path.read_text()) for path in self.sources() if path.is_file())


@dataclass(frozen=True)
class Mutant:
    """A control taken out of a file: its text, what stands there instead, and the tests that must then fail, each of them."""

    threat: str
    what: str
    file: str
    control: str
    without: str
    red: tuple[Proof, ...]

    @property
    def path(self) -> Path:
        return ROOT / self.file

    @property
    def is_rust(self) -> bool:
        return self.file.endswith(".rs")

    @property
    def is_built_in(self) -> bool:
        """Whether the functions have to be built again to have it."""
        return self.is_rust or self.file.startswith("web/")

    @cached_property
    def found(self) -> int:
        """How often the control stands in its file."""
        return self.path.read_text().count(self.control)


@dataclass(frozen=True)
class Row:
    """One threat."""

    threat: str
    tests: tuple[Proof, ...]
    mutants: tuple[Mutant, ...]

    @property
    def proofs(self) -> set[Proof]:
        """Everything that is named for it."""
        return {*self.tests, *(proof for mutant in self.mutants for proof in mutant.red)}


def package_folder(crate: str) -> Path:
    """Where a crate lies."""
    return next((path for path in (ROOT / "crates" / crate, ROOT / "functions" / crate) if path.is_dir()), ROOT / "crates" / crate)


def rows() -> list[Row]:
    """What `threats.toml` says."""
    return [_row(found) for found in tomllib.loads(ROWS.read_text())["row"]]


def _row(found: dict) -> Row:
    mutants = tuple(
        Mutant(found["threat"], one["what"], one["file"], one["control"], one["without"], tuple(Proof(red) for red in one["red"]))
        for one in found.get("mutant", [])
    )
    return Row(found["threat"], tuple(Proof(test) for test in found.get("tests", [])), mutants)


def documented() -> list[str]:
    """The first cells of the document's table of threats, in order."""
    section = DOCUMENT.read_text().split("\n## Threats\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [line.split("|")[1].strip() for line in lines]
    return [cell for cell in cells if cell != "threat" and not set(cell) <= {"-"}]
