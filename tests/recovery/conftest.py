"""One stack for the run, whose table a test takes a copy of, sets back and loses, and whose messages wait until it hands them over.

Everything that a person does is done as a person would: uploads by HTTP, `valet reindex` by its binary.
"""

import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local.engine import REGION, ROOT_KEY
from infra.local.places import ROOT
from infra.local.stack import Stack
from tests.e2e.storage import Storage
from tests.e2e.user import Secrets, User
from tests.e2e.web import send
from tests.faults.courier import Courier
from tests.faults.invariants import look, violations
from tests.faults.passing import AT_ONCE, Passing

# The account of the engine's root user.
ACCOUNT = "000000000000"
SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """A run of a program that is over."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, str]:
        """What was said of each upload, by its id."""
        lines = [line.split() for line in self.out.splitlines()[:-1]]
        return {name.partition("/")[2]: outcome for outcome, name in lines}

    @property
    def summary(self) -> str:
        """The last line."""
        return self.out.splitlines()[-1]


class Recovery:
    """A stack and what befalls it."""

    def __init__(self, stack: Stack, valet: Path) -> None:
        self.stack = stack
        self.valet = valet
        self.storage = Storage(stack)
        self.secrets = Secrets()
        self.owners: set[str] = set()
        self.courier = Courier(stack)
        self.passing = Passing(stack, self.deliver_all)
        self.passing.hurry()

    def user(self) -> User:
        """Somebody nobody has seen before."""
        sub = f"{uuid.uuid4()}@example.com"
        user = User(self.stack.api_url, self.stack.token(sub=sub), sub, self.secrets)
        self.owners.add(user.owner)
        return user

    def deliver_all(self) -> None:
        """Works off every message there is."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.courier.work_off, self.courier.take_all()))

    def copy(self) -> list[dict]:
        """Every item of the table, as a backup has them."""
        pages = self.storage.dynamodb.get_paginator("scan").paginate(TableName=self.storage.table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def restore(self, items: list[dict]) -> None:
        """Puts these into the table in the place of what it holds."""
        table, dynamodb = self.storage.table, self.storage.dynamodb
        requests = [{"DeleteRequest": {"Key": {name: item[name] for name in ("pk", "sk")}}} for item in self.copy()]
        _batches(dynamodb, table, requests)
        _batches(dynamodb, table, [{"PutRequest": {"Item": item}} for item in items])

    def reindex(self, *more: str, **changed: str) -> Ended:
        """`valet reindex` as the account's owner."""
        names = {"bucket": self.storage.bucket, "table": self.storage.table, "bucket-owner": ACCOUNT, "malware-scan": "off"} | {
            name.replace("_", "-"): value for name, value in changed.items()
        }
        account = {"AWS_ACCESS_KEY_ID": ROOT_KEY, "AWS_SECRET_ACCESS_KEY": ROOT_KEY, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.stack.endpoint}
        command = [self.valet, "reindex", *(f"--{name}={value}" for name, value in names.items()), *more]
        ended = run(command, account)
        assert not [secret for secret in self.secrets.texts if secret in ended.out + ended.err]
        assert "://" not in ended.out + ended.err
        return ended

    def redrive(self) -> Ended:
        """The runbook's script: all dead letters back into the queue."""
        command = [sys.executable, ROOT / "infra" / "tools" / "redrive.py", "valet", "move", "--endpoint-url", self.stack.endpoint]
        return run(command, os.environ | {"AWS_ACCESS_KEY_ID": ROOT_KEY, "AWS_SECRET_ACCESS_KEY": ROOT_KEY, "AWS_DEFAULT_REGION": REGION})

    def wrong(self) -> list[str]:
        """What is wrong with table, bucket and CDN once days have gone by."""
        found = self.passing.let_time_pass(self.owners)
        self.passing.hurry()
        return found + violations(self.stack, look(self.stack), at_rest=True)

    def served(self, key: str) -> bytes | None:
        """What the CDN gives out under a key."""
        reply = send("GET", f"{self.stack.cdn_url}/{key}")
        return reply.body if reply.status == 200 else None


def run(command: list, environment: dict[str, str]) -> Ended:
    """A program with this environment and no other."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    return Ended(done.returncode, done.stdout, done.stderr)


def _batches(dynamodb: object, table: str, requests: list[dict]) -> None:
    for begin in range(0, len(requests), 25):
        done = dynamodb.batch_write_item(RequestItems={table: requests[begin : begin + 25]})
        assert not done.get("UnprocessedItems")


@pytest.fixture(scope="session")
def valet() -> Path:
    """`valet`, with `valet-reindex` beside it."""
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", ROOT / "target") / "debug"
    for name in ("valet", "valet-reindex"):
        assert (folder / name).is_file(), f"{name} is missing; `cargo build --bin valet --bin valet-reindex` makes it"
    return folder / "valet"


@pytest.fixture(scope="session")
def running(valet):
    with Stack() as stack:
        yield Recovery(stack, valet)


@pytest.fixture
def recovery(running) -> Recovery:
    """The stack without anything of the test before."""
    running.courier.take_all()
    for version in look(running.stack).versions + look(running.stack).markers:
        running.storage.s3.delete_object(Bucket=running.storage.bucket, Key=version["Key"], VersionId=version["VersionId"])
    running.restore([])
    running.owners.clear()
    return running
