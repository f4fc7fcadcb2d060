"""Deploys template.yaml into the running engine.

It must never change what the template says; what the engine cannot read, infra/tools/transform.py spells differently.
"""

import hashlib
import io
import json
import os
import platform
import time
import zipfile
from pathlib import Path

from infra.local.engine import Engine
from infra.local.issuer import AUDIENCE, CLIENT
from infra.local.outputs import Outputs
from infra.local.places import TEMPLATE
from infra.local.sorry import Sorry
from infra.tools import transform

STACK = "valet"
# Where the code and the nested templates lie; on AWS `sam deploy` has such a bucket too.
ARTIFACTS = "valet-artifacts"
DEPLOYING_SECONDS = 120


def deploy(engine: Engine, issuer_url: str, binaries: dict[str, Path], parameters: dict[str, str] | None = None) -> Outputs:
    """Creates the stack and returns its addresses and names."""
    given = {
        "JwtIssuer": issuer_url,
        "JwtAudience": AUDIENCE,
        "CorsOrigin": "http://localhost:3000",
        "Page": "true",
        "PageClientId": CLIENT,
        "PublicPageUrl": engine.page_url,
        "Architecture": _architecture(),
        "PublicCdnUrl": engine.cdn_url,
        "PublicApiUrl": engine.api_url,
        "Uppy": "true",
        "LocalEngine": "true",
    } | (parameters or {})
    try:
        native = transform.transform(TEMPLATE, given)
        code, urls = _upload(engine, native, binaries)
        body = transform.for_engine(native, code, urls)
    except transform.NotTransformable as problem:
        raise Sorry(f"template.yaml cannot be deployed: {problem}") from problem
    _create(engine, body, given)
    return _finish(engine, native, issuer_url)


def _architecture() -> str:
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def _upload(engine: Engine, native: dict, binaries: dict[str, Path]) -> tuple[dict[str, dict], dict[str, str]]:
    s3 = engine.client("s3")
    s3.create_bucket(Bucket=ARTIFACTS)
    code = {}
    for name in transform.functions(native).values():
        archive = package(binaries[name])
        # Named by its content, as `sam package` does it.
        key = f"{name}-{hashlib.sha256(archive).hexdigest()[:16]}.zip"
        s3.put_object(Bucket=ARTIFACTS, Key=key, Body=archive)
        code[name] = {"S3Bucket": ARTIFACTS, "S3Key": key}
    urls = {}
    for path, template in transform.nested(native, TEMPLATE).items():
        key = path.replace("/", "-").rsplit(".", 1)[0] + ".json"
        s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps(template))
        urls[path] = f"{engine.endpoint}/{ARTIFACTS}/{key}"
    return code, urls


def package(binary: Path) -> bytes:
    """A deployment package: the binary under the name Lambda starts, stored because nobody waits for a download here."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        file.writestr(entry, binary.read_bytes())
    return archive.getvalue()


def _create(engine: Engine, body: dict, given: dict[str, str]) -> None:
    cloudformation = engine.client("cloudformation")
    # From the bucket, as `sam deploy` does it: the call itself takes 51,200 bytes.
    engine.client("s3").put_object(Bucket=ARTIFACTS, Key="template.json", Body=json.dumps(body))
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"{engine.endpoint}/{ARTIFACTS}/template.json",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    deadline = time.monotonic() + DEPLOYING_SECONDS
    while (status := _describe(cloudformation)["StackStatus"]) == "CREATE_IN_PROGRESS":
        if time.monotonic() > deadline:
            raise Sorry(f"the stack was not deployed after {DEPLOYING_SECONDS} seconds.")
        time.sleep(0.05)
    if status != "CREATE_COMPLETE":
        raise Sorry(f"the stack could not be deployed: {_why(cloudformation)}")


def _describe(cloudformation) -> dict:
    return cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]


def _why(cloudformation) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed]
    # Newest first: the last one is where it began.
    return reasons[-1] if reasons else "the engine gives no reason."


def _finish(engine: Engine, native: dict, issuer_url: str) -> Outputs:
    stack = _describe(engine.client("cloudformation"))
    said = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    functions, environment = {}, {}
    resources = engine.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    made = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    engine.open_doors(made["Api"], said["CdnDomain"], made.get("PageApi"))
    for logical_id, name in transform.functions(native).items():
        if logical_id not in made:
            continue  # a parameter leaves it out
        functions[name] = made[logical_id]
        configuration = engine.client("lambda").get_function_configuration(FunctionName=functions[name])
        environment[name] = configuration.get("Environment", {}).get("Variables", {})
    return Outputs(
        page_url=said.get("PageUrl", ""),
        api_url=engine.api_url,
        cdn_url=engine.cdn_url,
        cdn_domain=said["CdnDomain"],
        endpoint=engine.endpoint,
        issuer=issuer_url,
        bucket=said["BucketName"],
        table=said["TableName"],
        queue_url=said["ThumbnailQueueUrl"],
        dead_letter_queue_url=said["ThumbnailDeadLetterQueueUrl"],
        functions=functions,
        environment=environment,
        pid=os.getpid(),
    )
