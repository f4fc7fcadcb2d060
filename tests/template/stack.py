"""The templates as CloudFormation gets them, for the assertions to read and the mutations to change.

They are expanded once and never deployed: what an engine or AWS makes of them is for other suites.
"""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.tools import transform

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
PARAMETERS = {
    "JwtIssuer": "https://issuer.example.com",
    "JwtAudience": "valet",
    "RequiredScope": "valet/files",
    "CorsOrigin": "https://app.example.com",
    "PublicPageUrl": "https://page.example.com",
    "Architecture": "arm64",
}
STACK_GUID = "0f6d3c52-9a41-4f0e-8e0b-3a4c1d2e5f60"
PSEUDO = {"AWS::StackId": f"arn:aws:cloudformation:eu-central-1:111122223333:stack/valet/{STACK_GUID}"}


# Deployed by itself: CloudFront wants what it holds in another region.
EDGE = "infra/edge.yaml"


@dataclass
class Stack:
    """The parent template, those that it nests, by their file, and the one for us-east-1; all native."""

    parent: dict
    nested: dict[str, dict]
    edge: dict

    @property
    def delivery(self) -> dict:
        return self.nested["infra/delivery.yaml"]

    @property
    def monitoring(self) -> dict:
        return self.nested["infra/monitoring.yaml"]

    @property
    def malware(self) -> dict:
        return self.nested["infra/malware.yaml"]

    @property
    def sign_in(self) -> dict:
        return self.nested["infra/sign-in.yaml"]

    def templates(self) -> list[dict]:
        return [self.parent, *self.nested.values(), self.edge]

    def resource(self, logical_id: str) -> dict:
        for template in self.templates():
            if logical_id in template["Resources"]:
                return template["Resources"][logical_id]
        raise KeyError(f"no resource is called {logical_id}")

    def properties(self, logical_id: str) -> dict:
        return self.resource(logical_id)["Properties"]

    def of_type(self, kind: str) -> dict[str, dict]:
        """Logical id to properties."""
        return {
            logical_id: resource.get("Properties", {})
            for template in self.templates()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def functions(self) -> dict[str, dict]:
        """Binary to properties."""
        return {binary: self.properties(logical_id) for logical_id, binary in transform.functions(self.parent).items()}

    def role(self, function: dict) -> dict:
        return self.properties(function["Role"]["Fn::GetAtt"][0])

    def role_statements(self, function: dict) -> list[dict]:
        return [statement for policy in self.role(function)["Policies"] for statement in policy["PolicyDocument"]["Statement"]]

    def resource_statements(self) -> Iterator[tuple[str, dict]]:
        """Every statement of a policy that lies on a bucket, a queue or a topic, with the policy's logical id."""
        for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            for logical_id, properties in self.of_type(kind).items():
                for statement in properties["PolicyDocument"]["Statement"]:
                    yield logical_id, unless_left_out(statement)

    def routes(self) -> dict[str, dict]:
        """Route key, such as `GET /v1/limits`, to the operation in the API's OpenAPI body."""
        return {f"{method} {path}": operation for method, path, operation, _ in transform.operations(self.properties("Api")["Body"])}

    def conditional_routes(self) -> dict[str, str | None]:
        """Route key to the condition that it is made under, if any."""
        return {f"{method} {path}": condition for method, path, _, condition in transform.operations(self.properties("Api")["Body"])}


@functools.cache
def _expanded() -> bytes:
    parent = transform.transform(TEMPLATE, PARAMETERS)
    return pickle.dumps(Stack(parent, transform.nested(parent, TEMPLATE), transform.load(ROOT / EDGE)))


def expanded() -> Stack:
    """A copy that may be changed."""
    return pickle.loads(_expanded())


def text(value: object) -> object:
    """A value with its intrinsics written out: parameters by their value, resources as ${LogicalId} or ${LogicalId.Attribute}."""
    if isinstance(value, list):
        return [text(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (name, argument), = value.items()
        if name == "Ref":
            return PARAMETERS.get(argument, PSEUDO.get(argument, f"${{{argument}}}"))
        if name == "Fn::GetAtt":
            return f"${{{'.'.join(argument)}}}"
        if name == "Fn::Join":
            return argument[0].join(text(argument[1]))
        if name == "Fn::Split":
            return text(argument[1]).split(argument[0])
        if name == "Fn::Select":
            return text(argument[1])[int(argument[0])]
        if name == "Fn::Sub":
            template, names = (argument, {}) if isinstance(argument, str) else argument
            return re.sub(r"\$\{(\w+)\}", lambda name: str(text(names.get(name[1], {"Ref": name[1]}))), template)
        if name == "Fn::If":
            return [f"if {argument[0]}", *text(argument[1:])]
    return {key: text(item) for key, item in value.items()}


def unless_left_out(node: dict) -> dict:
    """What stands under an Fn::If whose other branch is nothing; anything else is itself."""
    if set(node) != {"Fn::If"}:
        return node
    _, node, otherwise = node["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}, "it is there either way"
    return node


def listed(value: object) -> list:
    """IAM says one thing without a list."""
    return value if isinstance(value, list) else [value]
