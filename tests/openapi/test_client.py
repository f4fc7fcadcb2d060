"""A typed client made from the document compiles and works: `openapi-typescript` and `openapi-fetch`, on Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.local.places import ROOT, TOOLS

PACKAGES = TOOLS / "openapi" / "node_modules"
CLIENT = Path(__file__).resolve().parent / "client"


def node(program: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    """One run of a program of Node's."""
    return subprocess.run(["node", program, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """The example beside the types of the document."""
    folder = tmp_path_factory.mktemp("client")
    for file in ("example.ts", "tsconfig.json"):
        shutil.copy(CLIENT / file, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(PACKAGES.resolve())
    made = node(PACKAGES / "openapi-typescript" / "bin" / "cli.js", ROOT / "docs" / "openapi.json", "-o", folder / "api.ts", cwd=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def compiled(folder: Path) -> subprocess.CompletedProcess:
    return node(PACKAGES / "typescript" / "bin" / "tsc", "--strict", cwd=folder)


def test_the_example_compiles_strictly_and_does_what_it_says(program, stack):
    done = compiled(program)
    assert done.returncode == 0, done.stdout
    ran = node(program / "out" / "example.js", stack.api_url, stack.token(sub="typed@example.com"), cwd=program)
    assert (ran.returncode, ran.stdout.split()[0]) == (0, "uploaded,"), ran.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('contentType: "application/pdf"', 'contentType: "text/html"'),
        ("{ filename: \"typed.pdf\", ", "{ name: \"typed.pdf\", "),
        ('"/v1/files/{id}/url"', '"/v1/files/{id}/address"'),
        ("file.fileUrl)).text", "file.fileURL)).text"),
        ('code !== "not_found"', 'code !== "not_fond"'),
    ],
)
def test_a_mistake_does_not_compile(program, right, wrong):
    example = (CLIENT / "example.ts").read_text()
    assert right in example
    (program / "example.ts").write_text(example.replace(right, wrong))
    try:
        assert compiled(program).returncode != 0
    finally:
        (program / "example.ts").write_text(example)
