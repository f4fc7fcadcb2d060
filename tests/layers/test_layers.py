"""Each guard of infra/tools/layers.py refuses the breach it is there for, and lets a sound workspace pass."""

from pathlib import Path

import pytest

from infra.tools.layers import check

SOUND = {
    "crates/core/Cargo.toml": '[package]\nname = "valet-core"\n[dependencies]\nserde.workspace = true\n',
    "crates/core/src/lib.rs": "//! Rules; the README speaks of aws_sdk_s3 and std::env.\n",
    "crates/aws/Cargo.toml": '[package]\nname = "valet-aws"\n[dependencies]\naws-sdk-s3.workspace = true\nvalet-core.workspace = true\n',
    "crates/aws/src/lib.rs": "use aws_sdk_s3::Client;\n",
    "crates/aws/tests/live.rs": 'fn endpoint() { std::env::var("X"); }\n',
    "crates/lambda/Cargo.toml": '[package]\nname = "valet-lambda"\n',
    "crates/lambda/src/lib.rs": 'fn f() { std::env::var("X"); }\n',
    "crates/thumbnail/Cargo.toml": '[package]\nname = "valet-thumbnail"\n[dependencies]\nimage.workspace = true\nscaled-jpeg.workspace = true\n',
    "crates/scaled-jpeg/Cargo.toml": '[package]\nname = "scaled-jpeg"\n[dependencies]\nimage.workspace = true\n',
    "crates/client/Cargo.toml": '[package]\nname = "valet-client"\n[dependencies]\nureq.workspace = true\n',
    "crates/client/src/lib.rs": "",
    "crates/cli/src/main.rs": 'fn main() { std::env::var("X"); }\n',
    "crates/cli/Cargo.toml": '[package]\nname = "valet-cli"\n[dependencies]\nvalet-client.workspace = true\n',
    "crates/reindex/Cargo.toml": '[package]\nname = "valet-reindex"\n[dependencies]\nvalet-aws.workspace = true\nvalet-core.workspace = true\n',
    "crates/reindex/src/main.rs": 'fn main() { std::env::var("X"); }\n',
    "crates/reindex/src/args.rs": "",
    "functions/issue-upload/Cargo.toml": '[package]\nname = "issue-upload"\n[dependencies]\nvalet-core.workspace = true\nlambda_http = { workspace = true }\n',
    "functions/issue-upload/src/config.rs": 'fn f() { std::env::var("X"); }\n',
    "functions/issue-upload/src/handler.rs": "use lambda_http::Request;\n",
    "functions/confirm-upload/Cargo.toml": '[package]\nname = "confirm-upload"\n',
}
CORE_TREE = ["valet-core", "serde", "http-types-of-nobody", "imagesize"]


@pytest.fixture
def breaches(tmp_path: Path):
    def check_with(changed: dict[str, str] | None = None, core_tree: list[str] = CORE_TREE) -> list[str]:
        for name, text in (SOUND | (changed or {})).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return check(tmp_path, core_tree)

    return check_with


def test_a_sound_workspace_passes(breaches):
    assert breaches() == []


@pytest.mark.parametrize("name", ["aws-sdk-s3", "aws_lambda_events", "lambda_http", "http", "hyper", "tokio", "image"])
def test_core_must_do_without(breaches, name):
    assert breaches(core_tree=[*CORE_TREE, name]) == [f"valet-core depends on {name}"]


@pytest.mark.parametrize(
    ("file", "added", "word"),
    [
        ("crates/core/Cargo.toml", 'uuid = "1"\n', "uuid.workspace = true"),
        ("crates/core/Cargo.toml", "[dev-dependencies]\nuuid = { version = '1' }\n", "uuid.workspace = true"),
        ("crates/core/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nuuid = '1'\n", "uuid.workspace = true"),
        ("crates/core/Cargo.toml", "valet-aws.workspace = true\n", "lies above it"),
        ("crates/thumbnail/Cargo.toml", "valet-core.workspace = true\n", "bytes and pixels"),
        ("crates/scaled-jpeg/Cargo.toml", "valet-core.workspace = true\n", "knows nothing of us"),
        ("crates/client/Cargo.toml", "valet-core.workspace = true\n", "the HTTP contract alone"),
        ("crates/client/Cargo.toml", "valet-cli.workspace = true\n", "the HTTP contract alone"),
        ("crates/cli/Cargo.toml", "valet-core.workspace = true\n", "the HTTP contract alone"),
        ("crates/aws/Cargo.toml", "valet-client.workspace = true\n", "the client's side"),
        ("crates/cli/Cargo.toml", "valet-reindex.workspace = true\n", "the HTTP contract alone"),
        ("crates/reindex/Cargo.toml", "valet-lambda.workspace = true\n", "the rules and the adapters alone"),
        ("crates/reindex/Cargo.toml", "valet-client.workspace = true\n", "the rules and the adapters alone"),
        ("crates/reindex/Cargo.toml", "aws-sdk-s3.workspace = true\n", "belongs to crates/aws"),
        ("crates/reindex/src/args.rs", "use std::env;\n", "reads the environment"),
        ("functions/issue-upload/Cargo.toml", "valet-reindex.workspace = true\n", "an operator's program"),
        ("crates/lambda/Cargo.toml", "[dependencies]\naws-smithy-types.workspace = true\n", "belongs to crates/aws"),
        ("crates/lambda/Cargo.toml", "[dependencies]\naws-credential-types.workspace = true\n", "belongs to crates/aws"),
        ("functions/issue-upload/Cargo.toml", "confirm-upload.workspace = true\n", "the function confirm-upload"),
        ("functions/issue-upload/src/handler.rs", "use aws_sdk_s3::Client;\n", "speaks to an SDK"),
        ("functions/issue-upload/src/handler.rs", 'fn f() { std::env::var("X"); }\n', "reads the environment"),
        ("crates/core/src/lib.rs", "use std::env;\n", "reads the environment"),
        ("crates/client/src/lib.rs", "use std::env;\n", "reads the environment"),
        ("crates/core/src/lib.rs", "use lambda_http::Request;\n", "uses lambda_http"),
    ],
)
def test_a_breach_is_named(breaches, file, added, word):
    found = breaches({file: SOUND[file] + added})
    assert len(found) == 1, found
    assert file.removesuffix("/Cargo.toml") in found[0]
    assert word in found[0]
