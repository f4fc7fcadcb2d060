"""What is deployed in us-east-1: the certificate and the firewall."""

import re

from ..mutate import drop, put
from ..rules import refusals
from ..stack import Stack, text
from .assertion import assertion, same


@assertion(
    drop("Edge's Rules > DeployedWhereCloudFrontLooks"),
    put("Edge's Rules > DeployedWhereCloudFrontLooks > Assertions > 0 > Assert", {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]}),
)
def it_is_deployed_where_cloudfront_looks(stack: Stack) -> None:
    same(refusals(stack.edge, {"AWS::Region": "us-east-1"}), [])
    assert refusals(stack.edge, {"AWS::Region": "eu-central-1"}), "a certificate that CloudFront cannot use can be made"


@assertion(
    put("Parameters > CdnCertificateArn > AllowedPattern", "^.*$"),
    put("Parameters > WebAclArn > AllowedPattern", "^(arn:aws:wafv2:.*)?$"),
)
def what_cloudfront_cannot_use_is_refused_by_pattern(stack: Stack) -> None:
    parameters = stack.parent["Parameters"]
    certificate, acl = "arn:aws:acm:{}:111122223333:certificate/0f6d", "arn:aws:wafv2:{}:111122223333:{}/webacl/valet/0f6d"
    for name, right, wrong in (
        ("CdnCertificateArn", certificate.format("us-east-1"), certificate.format("eu-central-1")),
        ("WebAclArn", acl.format("us-east-1", "global"), acl.format("eu-central-1", "regional")),
    ):
        assert re.search(parameters[name]["AllowedPattern"], right), f"{name}: {right} is refused"
        assert not re.search(parameters[name]["AllowedPattern"], wrong), f"{name}: {wrong} is taken"


@assertion(
    put("WebAcl > Scope", "REGIONAL"),
    drop("WebAcl > Rules > rate"),
    put("WebAcl > Rules > bad-inputs > OverrideAction", {"Count": {}}),
    put("WebAcl > Rules > rate > Statement > RateBasedStatement > AggregateKeyType", "CONSTANT"),
)
def the_firewall_stops_floods_and_known_bad_callers(stack: Stack) -> None:
    acl = stack.properties("WebAcl")
    same(acl["Scope"], "CLOUDFRONT")
    rules = {rule["Name"]: rule for rule in acl["Rules"]}
    same(list(rules), ["rate", "reputation", "bad-inputs"])
    rate = rules["rate"]["Statement"]["RateBasedStatement"]
    same((rate["AggregateKeyType"], text(rate["Limit"])), ("IP", "${RequestsPerFiveMinutes}"))
    assert "Block" in rules["rate"]["Action"]
    for name in ("reputation", "bad-inputs"):
        same((name, rules[name]["OverrideAction"]), (name, {"None": {}}))


@assertion(
    drop("FirewallLogging > RedactedFields"),
    put("FirewallLogging > RedactedFields > 0 > SingleHeader > Name", "user-agent"),
    put("FirewallLogs > LogGroupName", "firewall"),
    put("FirewallLogging > LogDestinationConfigs", ["arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-other"]),
)
def the_firewalls_log_has_no_credentials(stack: Stack) -> None:
    logging = stack.properties("FirewallLogging")
    fields = logging.get("RedactedFields", [])
    for header in ("authorization", "cookie"):
        assert {"SingleHeader": {"Name": header}} in fields, f"{header} is logged"
    assert {"QueryString": {}} in fields, "query strings are logged"
    assert text(stack.properties("FirewallLogs")["LogGroupName"]).startswith("aws-waf-logs-"), "WAF refuses the log group"
    same(text(logging["LogDestinationConfigs"]), ["arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${FirewallLogs}"])


@assertion(
    put("Certificate > ValidationMethod", "EMAIL"),
    put("Certificate > DomainName", "*.example.com"),
    drop("WebAcl > Condition"),
)
def certificate_and_firewall_are_made_when_asked_for(stack: Stack) -> None:
    certificate = stack.properties("Certificate")
    same((text(certificate["DomainName"]), certificate["ValidationMethod"]), ("${DomainName}", "DNS"))
    wanted = {"Certificate": "HasDomain", "WebAcl": "HasFirewall", "FirewallLogs": "HasFirewall", "FirewallLogging": "HasFirewall"}
    same({logical_id: resource.get("Condition") for logical_id, resource in stack.edge["Resources"].items()}, wanted)
