"""The templates as they stand for given parameters: conditions decided, parameters put in, what is not made left out.

Scanners read such a form and not the template, because none of them follows an Fn::If, and few an Fn::Sub. A form must
never say what no deployment could: it only chooses among what the template offers.
"""

import re
from collections.abc import Callable, Mapping

from .rules import condition
from .stack import PARAMETERS, PSEUDO, expanded, text

OWN_ISSUER = {name: PARAMETERS[name] for name in ("JwtIssuer", "JwtAudience", "CorsOrigin")}
EVERYTHING = {
    "SignIn": "cognito",
    "Page": "true",
    "CorsOrigin": PARAMETERS["CorsOrigin"],
    "CdnDomainName": "files.example.com",
    "CdnCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/0f6d3c52-9a41-4f0e-8e0b-3a4c1d2e5f60",
    "CdnHostedZoneId": "Z0123456789",
    "WebAclArn": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/valet/0f6d3c52-9a41-4f0e-8e0b-3a4c1d2e5f60",
    "AlarmEmail": "somebody@example.com",
    "Uppy": "true",
    "MalwareScan": "guardduty",
    "LogRetentionDays": 365,
}
EDGE_EVERYTHING = {"DomainName": "files.example.com", "HostedZoneId": "Z0123456789", "LogRetentionDays": 365}
NOTHING = {"Ref": "AWS::NoValue"}

HERE = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "111122223333",
    "AWS::StackName": "valet",
    "AWS::URLSuffix": "amazonaws.com",
    **PSEUDO,
}
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:eu-central-1:111122223333:table/{}",
    "AWS::Events::Rule": "arn:aws:events:eu-central-1:111122223333:rule/{}",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-central-1:111122223333:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-central-1:111122223333:log-group:{}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "arn:aws:sns:eu-central-1:111122223333:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-central-1:111122223333:{}",
    "AWS::WAFv2::WebACL": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/{}/0f6d3c52",
}


def forms(form: Callable[[dict, Mapping[str, object]], dict]) -> dict[str, dict]:
    """Every template, as with the defaults and with all that can be asked for, by a name of its own."""
    stack = expanded()
    found = {"edge-default": form(stack.edge, {}), "edge-everything": form(stack.edge, EDGE_EVERYTHING)}
    for way, given in (("default", OWN_ISSUER), ("everything", EVERYTHING)):
        parent = form(stack.parent, given)
        found[f"template-{way}"] = parent
        for resource in parent["Resources"].values():
            if resource["Type"] == "AWS::CloudFormation::Stack":
                path = resource["Properties"]["TemplateURL"]
                name = path.removeprefix("infra/").removesuffix(".yaml")
                found[f"{name}-{way}"] = form(stack.nested[path], resource["Properties"]["Parameters"])
    return found


def settled(template: dict, given: Mapping[str, object]) -> dict:
    """The template with these parameters. What a resource answers for itself stays an intrinsic."""
    values = {name: parameter["Default"] for name, parameter in template["Parameters"].items() if "Default" in parameter} | dict(given)
    met = {name: condition(template, name, values) for name in template.get("Conditions", {})}

    def settle(node: object) -> object:
        if isinstance(node, list):
            return [item for item in map(settle, node) if item != NOTHING]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::If"}:
            name, yes, no = node["Fn::If"]
            return settle(yes if met[name] else no)
        if set(node) == {"Ref"}:
            return values.get(node["Ref"], node)
        return {key: value for key, value in ((key, settle(item)) for key, item in node.items()) if value != NOTHING}

    def made(section: str) -> dict:
        return {
            name: settle({key: value for key, value in item.items() if key != "Condition"})
            for name, item in template.get(section, {}).items()
            if met.get(item.get("Condition"), True)
        }

    kept = {name: section for name, section in template.items() if name in ("AWSTemplateFormatVersion", "Description", "Parameters")}
    return kept | {"Resources": made("Resources"), "Outputs": made("Outputs")}


def deployed(template: dict, given: Mapping[str, object]) -> dict:
    """The same with every intrinsic written out, in names that AWS could have given: what a hook sees at a deployment."""
    form = settled(template, given)
    named: dict[str, str] = dict(HERE) | {name: str(value) for name, value in given.items()}
    for logical_id, resource in form["Resources"].items():
        properties = resource.get("Properties", {})
        own = next((properties[name] for name in ("BucketName", "LogGroupName") if name in properties), f"valet-{logical_id}")
        name = _write_out(own, named)
        arn = ARNS.get(resource["Type"], "{}").format(name)
        named[logical_id] = arn if resource["Type"] == "AWS::SNS::Topic" else name
        named[f"{logical_id}.Arn"] = arn
    return {section: _write_out(content, named) if section == "Resources" else content for section, content in form.items()}


def _write_out(node: object, named: Mapping[str, str]) -> object:
    if isinstance(node, dict) and len(node) == 1 and next(iter(node)) in ("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split"):
        written = text(node)
        return re.sub(r"\$\{([\w.:]+)\}", lambda name: named.get(name[1], name[1]), written) if isinstance(written, str) else written
    if isinstance(node, list):
        return [_write_out(item, named) for item in node]
    if isinstance(node, dict):
        return {key: _write_out(item, named) for key, item in node.items()}
    return node


def policies(template: dict) -> dict[str, dict]:
    """Every policy by the resource it lies on: what roles may do, who may use buckets, queues and topics."""
    found = {}
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if "PolicyDocument" in properties:
            found[logical_id] = properties["PolicyDocument"]
        if resource["Type"] == "AWS::IAM::Role":
            policy, = properties["Policies"]
            found[logical_id] = policy["PolicyDocument"]
    return found
