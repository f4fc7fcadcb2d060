"""Runs the conformance suite of the S3 and DynamoDB ports on real servers: SeaweedFS, then the engine.

The suite itself is Rust and runs on the fakes in every `cargo test`. This must never skip a server because it is missing.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.local import sorry
from infra.local.engine import REGION, ROOT_KEY, Engine
from infra.local.places import ROOT
from infra.local.seaweed import SeaweedFS

S3 = "an_s3_bucket_conforms"
SCANNED = "an_s3_bucket_with_a_scanner_conforms"
CLIENTS = "an_s3_bucket_takes_forms_and_calls_of_clients"
SWEPT = "an_s3_bucket_can_be_swept"
# SeaweedFS (4.48) says that there is more, but neither where nor, when asked, what.
PAGES = "open_multipart_uploads_come_page_by_page"
DYNAMODB = "a_dynamodb_table_conforms"
BUCKET = "valet-conformance"
# The account of the engine's root user; SeaweedFS has none and does not look.
OWNER = "000000000000"
TABLE = "valet-conformance"
TYPES = {"pk": "S", "sk": "S", "due_shard": "S", "due_at": "N"}


def main() -> None:
    """Fails if the suite fails on either server; both are always run."""
    with tempfile.TemporaryDirectory(prefix="valet-") as state:
        passed = [_on_seaweed(Path(state) / "seaweed"), _on_engine(Path(state) / "engine")]
    sys.exit(0 if all(passed) else 1)


def _on_seaweed(state: Path) -> bool:
    with SeaweedFS(state) as server:
        _make_bucket(server.client())
        return _run(
            "SeaweedFS",
            [S3, SCANNED, CLIENTS, SWEPT],
            {
                "VALET_S3_ENDPOINT": server.endpoint,
                "AWS_ACCESS_KEY_ID": server.access_key,
                "AWS_SECRET_ACCESS_KEY": server.secret_key,
            },
        )


def _on_engine(state: Path) -> bool:
    with Engine(state) as server:
        _make_bucket(server.client("s3"))
        server.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in TYPES.items()],
            KeySchema=_keys("pk", "sk"),
            GlobalSecondaryIndexes=[{"IndexName": "due", "KeySchema": _keys("due_shard", "due_at"), "Projection": {"ProjectionType": "KEYS_ONLY"}}],
        )
        return _run(
            "the engine",
            [S3, SCANNED, CLIENTS, SWEPT, PAGES, DYNAMODB],
            {
                "VALET_S3_ENDPOINT": server.endpoint,
                "VALET_DYNAMODB_ENDPOINT": server.endpoint,
                "VALET_TABLE": TABLE,
                "AWS_ACCESS_KEY_ID": ROOT_KEY,
                "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            },
        )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _make_bucket(s3) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def _run(server: str, tests: list[str], env: dict[str, str]) -> bool:
    print(f"Conformance on {server}", flush=True)
    # The whole workspace, so that features unify, and shared dependencies stay built, as in `cargo test`.
    command = ["cargo", "test", "--workspace", "--features", "valet-aws/live", "--test", "conformance"]
    command += ["--", "--exact", *tests]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VALET_"))}
    done = subprocess.run(command, cwd=ROOT, env=kept | env | {"AWS_REGION": REGION, "VALET_BUCKET": BUCKET, "VALET_BUCKET_OWNER": OWNER})
    return done.returncode == 0


if __name__ == "__main__":
    sorry.run(main)
