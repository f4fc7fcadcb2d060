"""The page: off unless asked for, public, and in nobody's way."""

from ..mutate import add, drop, put
from ..rules import condition
from ..stack import Stack, text
from .assertion import assertion, same
from .shape import needs

RESOURCES = {"PageApi", "PageStage", "PageIntegration", "PageRoute", "PagePermission", "ServePageFunction", "ServePageRole", "ServePageLogs"}
ALARMS = {"ServePageErrors", "ServePageThrottles"}


@assertion(
    put("Parameters > Page > Default", "true"),
    drop("PageApi > Condition"),
    drop("ServePageFunction > Condition"),
    drop("PagePermission > Condition"),
    drop("Outputs > PageUrl > Condition"),
    put("Conditions > ServesPage", {"Fn::Equals": [{"Ref": "Page"}, "false"]}),
    drop("ServePageErrors > Condition"),
    put("Monitoring's Conditions > HasPage", {"Fn::Equals": [{"Ref": "ServePage"}, ""]}),
)
def there_is_no_page_unless_one_is_asked_for(stack: Stack) -> None:
    assert condition(stack.parent, "ServesPage", {"Page": "true"}) and not condition(stack.parent, "ServesPage", {})
    conditional = {name for name, resource in stack.parent["Resources"].items() if resource.get("Condition") == "ServesPage"}
    same(conditional, RESOURCES)
    assert condition(stack.monitoring, "HasPage", {"ServePage": "a"}) and not condition(stack.monitoring, "HasPage", {})
    same({name for name, resource in stack.monitoring["Resources"].items() if resource.get("Condition") == "HasPage"}, ALARMS)
    same(stack.parent["Outputs"]["PageUrl"].get("Condition"), "ServesPage")


@assertion(
    add("PageApi > Body", {"Ref": "Api"}),
    put("PageApi > Description", {"Fn::GetAtt": ["Bucket", "Arn"]}),
)
def the_pages_address_is_known_before_anything_else_is_made(stack: Stack) -> None:
    waits_for = needs(stack.resource("PageApi")) & set(stack.parent["Resources"])
    assert not waits_for, f"PageApi waits for {sorted(waits_for)}, which let its address in"


@assertion(
    put("PageRoute > RouteKey", "GET /"),
    put("PageRoute > AuthorizationType", "JWT"),
    put("PageRoute > Target", {"Fn::Sub": "integrations/${Api}"}),
    put("PageIntegration > PayloadFormatVersion", "1.0"),
    put("PageStage > AutoDeploy", False),
)
def every_path_leads_to_the_page_without_a_token(stack: Stack) -> None:
    for name in ("PageStage", "PageIntegration", "PageRoute"):
        same((name, stack.properties(name)["ApiId"]), (name, {"Ref": "PageApi"}))
    route, integration, stage = (stack.properties(name) for name in ("PageRoute", "PageIntegration", "PageStage"))
    same((route["RouteKey"], route["AuthorizationType"], text(route["Target"])), ("$default", "NONE", "integrations/${PageIntegration}"))
    same((integration["IntegrationType"], integration["PayloadFormatVersion"]), ("AWS_PROXY", "2.0"))
    assert text(integration["IntegrationUri"]).endswith("/functions/${ServePageFunction.Arn}/invocations")
    same((stage["StageName"], stage["AutoDeploy"]), ("$default", True))


@assertion(
    drop("PagePermission > SourceArn"),
    put("PagePermission > Principal", "*"),
    put("PagePermission > FunctionName", {"Ref": "IssueUploadFunction"}),
    put("PagePermission > SourceArn", {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*"}),
)
def the_pages_api_may_invoke_its_function_and_no_other_may(stack: Stack) -> None:
    allowed = [p for p in stack.of_type("AWS::Lambda::Permission").values() if p["FunctionName"] == {"Ref": "ServePageFunction"}]
    same(len(allowed), 1)
    permission, = allowed
    same((permission["Principal"], permission["Action"]), ("apigateway.amazonaws.com", "lambda:InvokeFunction"))
    same(text(permission.get("SourceArn", "")), "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${PageApi}/*")
