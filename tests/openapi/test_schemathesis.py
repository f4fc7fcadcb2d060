"""Schemathesis asks the deployed stack what the document says it answers: examples, bounds, random and hostile requests, and one after another."""

import json
import os
import re
import subprocess
import warnings

import pytest

from infra.local.places import ROOT, TOOLS
from tests.e2e.samples import PDF
from tests.e2e.user import Secrets, User

FOLDER = ROOT / "tests" / "openapi"
REQUESTS = {"NewUpload", "NewBatch", "AskedParts", "Said", "WantedUrl", "Arrived", "GatewayRefusal"}
# `make fuzz-api` asks for more.
EXAMPLES = os.environ.get("VALET_FUZZ_EXAMPLES")
SUB = "fuzz@example.com"


def strict(document: dict) -> dict:
    """The document of a server that answers with nothing it does not tell of. Clients must not ask so much of one."""
    for name, schema in document["components"]["schemas"].items():
        if name not in REQUESTS:
            schema["additionalProperties"] = False
    return document


@pytest.fixture(scope="module")
def run(stack, document, tmp_path_factory):
    """One run: what it printed, and what was seen in it."""
    folder = tmp_path_factory.mktemp("schemathesis")
    (folder / "openapi.json").write_text(json.dumps(strict(document)))
    token = stack.token(sub=SUB, lifetime=6 * 3600)
    user = User(stack.api_url, token, SUB, Secrets())
    for _ in range(3):
        # Something to list, read and delete from the first step on.
        assert user.confirm(user.upload(PDF)).status == 200
    command = [TOOLS / "schemathesis" / "bin" / "schemathesis", "--config-file", FOLDER / "schemathesis.toml", "run", folder / "openapi.json"]
    options = ["--url", stack.api_url, "-H", f"Authorization: Bearer {token}", "--phases", "examples,coverage,fuzzing,stateful", *(["-n", EXAMPLES] if EXAMPLES else [])]
    seen = folder / "seen.json"
    environment = {"SCHEMATHESIS_HOOKS": "tests.openapi.hooks", "PYTHONPATH": str(ROOT), "VALET_SEEN": str(seen), "NO_COLOR": "1"}
    done = subprocess.run([*command, *options], cwd=folder, env=os.environ | environment, capture_output=True, text=True)
    assert seen.is_file(), done.stdout + done.stderr
    return done, json.loads(seen.read_text())


def test_the_stack_answers_as_the_document_says(run):
    done, _ = run
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_route_was_reached_and_did_what_it_is_for(run, document):
    _, seen = run
    done = {line.split()[0] for line in seen if re.fullmatch(r"\w+ 20[0-4]", line)}
    names = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    # What needs an upload of the right kind in the right state comes up by chance, in most runs; tests/e2e tries all of it in every one.
    by_chance = {"signParts", "resignUpload", "cancelUpload", "confirmUpload", "confirmKey", "readFile", "fileUrl", "deleteFile"}
    assert names - by_chance <= done, seen
    assert len(by_chance & done) >= 4, seen
    tell_of(by_chance - done, "in this run nothing was answered well by")


def test_every_exception_is_still_needed(run, document):
    _, seen = run
    named = re.findall(r"^# (\w+ (?:\d{3}|ended)): ", (FOLDER / "schemathesis.toml").read_text(), re.M)
    assert len(named) == 6
    operations = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert {each.split()[0] for each in named} <= operations, "an exception for a route that there is not"
    # Two workers and ids made by the clock: no two runs are the same, and a rare answer may stay away from one.
    unseen = set(named) - set(seen)
    assert len(unseen) < len(named) / 2, seen
    tell_of(unseen, "in this run no exception was needed for")


def test_requests_that_are_left_out_are_listed(run):
    """What hooks.py does not send, it should have had to leave out: chance brings some of it to long runs alone."""
    _, seen = run
    left_out = re.search(r"^EXPLAINED = {(.*?)^}", (FOLDER / "hooks.py").read_text(), re.M | re.S)[1]
    named = re.findall(r'^    "([^"]+)":', left_out, re.M)
    assert len(named) == 2
    tell_of(set(named) - set(seen), "in this run nothing was left out as")


def tell_of(names: set[str], what: str) -> None:
    """Lists at the end of the run what did not come up in it."""
    for name in sorted(names):
        warnings.warn(f"{what} {name}", stacklevel=2)
