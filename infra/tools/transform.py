"""Turns the SAM template into plain CloudFormation, offline, and that into what the local engine understands.

It never talks to AWS or to the engine, and never changes what a resource means: the engine's form says the same things
in the types the engine reads.

As a module:

    native = transform("template.yaml", {"JwtIssuer": ..., "JwtAudience": ...})
        Native CloudFormation, as AWS itself would expand it. Parameters that are given, or have a default, are put in
        where SAM reads them; all of them stay declared, so pass the same ones when the stack is created.
    functions(native) == {"IssueUploadFunction": "issue-upload", ...}
        Logical id to binary.
    nested(native, "template.yaml") == {"infra/delivery.yaml": {...}}
        The local templates that AWS::CloudFormation::Stack resources name, parsed.
    engine = for_engine(native, code={"issue-upload": {"S3Bucket": ..., "S3Key": ...}, ...},
                        nested_urls={"infra/delivery.yaml": "http://127.0.0.1:4566/bucket/delivery.json"})
        What create_stack on the engine takes: code and nested templates must already lie in a bucket of the engine. The
        code is a zip with the binary in it under the name `bootstrap`; a nested template is JSON at a path-style URL.

As a command, `transform.py template.yaml [--engine] [Name=value ...]` prints the result as JSON.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform as sam_transform
from samtranslator.yaml_helper import yaml_parse

CODE_BUCKET = "code-of-the-functions"
"""Stands where `sam package` would put its bucket; for_engine replaces it."""


class NotTransformable(Exception):
    """The template cannot be expanded; the text says why, one problem a line."""


class _NoManagedPolicies:
    """The translator asks IAM for the account's managed policies; the template names none."""

    def load(self) -> dict:
        return {}


def load(path: str | Path) -> dict:
    """A template as written, its short-form intrinsics (!Ref) in their long form."""
    return parse(Path(path).read_text())


def parse(text: str) -> dict:
    """The same of its text."""
    return json.loads(json.dumps(yaml_parse(text)))


def transform(template_path: str | Path, parameters: dict[str, str] | None = None) -> dict:
    """The native CloudFormation that SAM makes of the template."""
    source = load(template_path)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{CODE_BUCKET}/{_binary(resource)}"
    source.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    # The translator wants a region for its ARNs, though it calls none.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    try:
        native = sam_transform(source, dict(parameters or {}), _NoManagedPolicies())
    except InvalidDocumentException as invalid:
        raise NotTransformable("\n".join(cause.message for cause in invalid.causes)) from invalid
    # Sorted, because the translator's own order changes from run to run.
    return json.loads(json.dumps(native, sort_keys=True))


def functions(native: dict) -> dict[str, str]:
    """Logical id to binary, of every function."""
    return {
        logical_id: _binary(resource)
        for logical_id, resource in native["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def _binary(function: dict) -> str:
    return function["Metadata"]["BuildProperties"]["Binary"]


def nested(native: dict, template_path: str | Path) -> dict[str, dict]:
    """The local templates that the stack nests, by the path it names them with."""
    folder = Path(template_path).resolve().parent
    urls = {
        resource["Properties"]["TemplateURL"]
        for resource in native["Resources"].values()
        if resource["Type"] == "AWS::CloudFormation::Stack"
    }
    return {url: load(folder / url) for url in sorted(urls)}


def for_engine(native: dict, code: dict[str, dict], nested_urls: dict[str, str]) -> dict:
    """The same stack in the types the local engine reads."""
    engine = copy.deepcopy(native)
    resources = engine["Resources"]
    for logical_id, binary in functions(native).items():
        if binary not in code:
            raise NotTransformable(f"no code was given for the function {binary}")
        resources[logical_id]["Properties"]["Code"] = dict(code[binary])
    for logical_id, resource in list(resources.items()):
        if resource["Type"] == "AWS::CloudFormation::Stack":
            url = resource["Properties"]["TemplateURL"]
            if url not in nested_urls:
                raise NotTransformable(f"no address was given for the nested template {url}")
            resource["Properties"]["TemplateURL"] = nested_urls[url]
        elif resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in resource["Properties"]:
            _explode(resources, logical_id)
        elif resource["Type"] == "AWS::Lambda::EventSourceMapping":
            _count(resource, engine["Parameters"])
    return engine


def _count(mapping: dict, parameters: dict) -> None:
    """Has a concurrency that a parameter gives be the number that is the parameter's default: the engine passes on a text, and then polls no queue.
    Where it came from is noted."""
    scaling = mapping["Properties"].get("ScalingConfig", {})
    given = scaling.get("MaximumConcurrency")
    if isinstance(given, dict):
        scaling["MaximumConcurrency"] = int(parameters[given["Ref"]]["Default"])
        mapping["Metadata"] = {"MaximumConcurrency": given}


def _explode(resources: dict, api_id: str) -> None:
    """Replaces an API's OpenAPI Body, which the engine ignores, by routes, integrations and authorizers."""
    api = resources[api_id]
    body = api["Properties"].pop("Body")
    api["Properties"].pop("FailOnWarnings", None)
    api["Properties"] |= {"Name": api_id, "ProtocolType": "HTTP"}
    cors = body.get("x-amazon-apigateway-cors")
    if cors:
        # In the API's own spelling: the engine stores CloudFormation's AllowOrigins and looks for allowOrigins.
        api["Properties"]["CorsConfiguration"] = cors

    ref = {"Ref": api_id}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        settings = scheme["x-amazon-apigateway-authorizer"]
        jwt = settings["jwtConfiguration"]
        source = settings["identitySource"]
        resources[f"{api_id}{name}Authorizer"] = _native(
            "AWS::ApiGatewayV2::Authorizer",
            ApiId=ref,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=source if isinstance(source, list) else [source],
            JwtConfiguration={"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
        )
    for method, path, operation, condition in operations(body):
        if method == "OPTIONS":
            continue  # the preflight, which the engine answers from the CORS configuration
        _route(resources, api_id, method, path, operation, condition)


def operations(body: dict) -> Iterator[tuple[str, str, dict, str | None]]:
    """Method, path and operation of every route in an API's OpenAPI body, with the condition it is made under, if any.

    SAM writes the routes of a function with a condition as Fn::If, around the method and, where it has the path to itself, the path.
    """
    for path, item in body["paths"].items():
        methods, of_path = _unless(item)
        for method, operation in methods.items():
            operation, of_method = _unless(operation)
            yield method.upper(), path, operation, of_method or of_path


def _unless(node: dict) -> tuple[dict, str | None]:
    """What stands under an Fn::If whose other branch is nothing, and its condition."""
    if set(node) != {"Fn::If"}:
        return node, None
    condition, node, otherwise = node["Fn::If"]
    if otherwise != {"Ref": "AWS::NoValue"}:
        raise NotTransformable(f"a route has two forms, by {condition}")
    return node, condition


def _route(resources: dict, api_id: str, method: str, path: str, operation: dict, condition: str | None) -> None:
    """Adds the route of one operation and its integration."""
    ref = {"Ref": api_id}
    integration = operation["x-amazon-apigateway-integration"]
    # The address is under the same condition once more, which the resource now carries.
    uri, of_uri = _unless(integration["uri"])
    if of_uri not in (None, condition):
        raise NotTransformable(f"{method} {path} is there under another condition than its function, {of_uri}")
    name = api_id + method.title() + "".join(word.title() for word in re.findall(r"\w+", path))
    resources[f"{name}Integration"] = _native(
        "AWS::ApiGatewayV2::Integration",
        ApiId=ref,
        IntegrationType="AWS_PROXY",
        IntegrationUri=uri,
        PayloadFormatVersion=integration["payloadFormatVersion"],
    )
    route = _native(
        "AWS::ApiGatewayV2::Route",
        ApiId=ref,
        RouteKey=f"{method} {path}",
        Target={"Fn::Join": ["/", ["integrations", {"Ref": f"{name}Integration"}]]},
    )
    for requirement in operation.get("security", []):
        for authorizer, scopes in requirement.items():
            if authorizer == "NONE":
                continue  # open to everybody
            route["Properties"] |= {
                "AuthorizationType": "JWT",
                "AuthorizerId": {"Ref": f"{api_id}{authorizer}Authorizer"},
                "AuthorizationScopes": scopes,
            }
    resources[f"{name}Route"] = route
    if condition:
        for kind in ("Integration", "Route"):
            resources[f"{name}{kind}"]["Condition"] = condition


def _native(kind: str, **properties: object) -> dict:
    return {"Type": kind, "Properties": properties}


def main() -> int:
    parser = argparse.ArgumentParser(description="Expand the SAM template offline.")
    parser.add_argument("template", type=Path)
    parser.add_argument("parameters", nargs="*", metavar="Name=value")
    parser.add_argument("--engine", action="store_true", help="print the form for the local engine, with example code addresses")
    arguments = parser.parse_args()
    try:
        native = transform(arguments.template, dict(pair.split("=", 1) for pair in arguments.parameters))
        if arguments.engine:
            code = {binary: {"S3Bucket": CODE_BUCKET, "S3Key": f"{binary}.zip"} for binary in functions(native).values()}
            native = for_engine(native, code, {url: url for url in nested(native, arguments.template)})
    except NotTransformable as problem:
        print(f"{arguments.template}: {problem}", file=sys.stderr)
        return 1
    json.dump(native, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
