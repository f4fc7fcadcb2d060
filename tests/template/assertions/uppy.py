"""What is there for unmodified Uppy clients, and that nothing of it is there unless asked for."""

from ..mutate import add, drop, put
from ..rules import condition
from ..stack import Stack, text
from .assertion import assertion, same

CALLS = (
    "GET /s3/params",
    "POST /s3/multipart",
    "GET /s3/multipart/{uploadId}",
    "GET /s3/multipart/{uploadId}/{partNumber}",
    "POST /s3/multipart/{uploadId}/complete",
    "DELETE /s3/multipart/{uploadId}",
    "POST /s3/sign",
)
OF_SESSIONS = tuple(call.replace("/s3/", "/uppy/{session}/s3/") for call in CALLS)
ROUTES = ("POST /v1/uppy-sessions", *CALLS, *OF_SESSIONS)


@assertion(
    put("Parameters > Uppy > Default", "true"),
    put("Conditions > ServesUppy", {"Fn::Equals": [{"Ref": "Uppy"}, "false"]}),
    drop("CompanionFunction > Condition"),
    drop("CompanionRole > Condition"),
    drop("CompanionLogs > Condition"),
    drop("CompanionThrottles > Condition"),
    put("Monitoring's Conditions > HasCompanion", {"Fn::Equals": [{"Ref": "Companion"}, ""]}),
    add("IssueUploadFunction > Condition", "ServesUppy"),
)
def nothing_of_it_is_made_unless_asked_for(stack: Stack) -> None:
    same(stack.parent["Parameters"]["Uppy"]["Default"], "false")
    assert condition(stack.parent, "ServesUppy", {"Uppy": "true"}) and not condition(stack.parent, "ServesUppy", {})
    assert condition(stack.monitoring, "HasCompanion", {"Companion": "a"}) and not condition(stack.monitoring, "HasCompanion", {})
    for template, name in ((stack.parent, "ServesUppy"), (stack.monitoring, "HasCompanion")):
        ours = {logical_id for logical_id in template["Resources"] if logical_id.startswith("Companion")}
        same({logical_id for logical_id, resource in template["Resources"].items() if resource.get("Condition") == name}, ours)
    same({"CompanionFunction", "CompanionRole", "CompanionLogs"} - set(stack.parent["Resources"]), set())
    same(text(stack.properties("Monitoring")["Parameters"]["Companion"]), ["if ServesUppy", "${CompanionFunction}", ""])


@assertion(
    drop("Api > Body > paths > /uppy/{session}/s3/sign"),
    put("Api > Body > paths > /s3/params > Fn::If > 0", "MakesUserPool"),
    put("Api > Body > paths > /uppy/{session}/s3/params > Fn::If > 1 > get > Fn::If > 1 > x-amazon-apigateway-integration > uri", {"Fn::Sub": "${IssueUploadFunction.Arn}"}),
)
def its_routes_are_there_with_it_and_twice_with_and_without_a_session(stack: Stack) -> None:
    conditional = {route: condition for route, condition in stack.conditional_routes().items() if condition}
    same(conditional, dict.fromkeys(ROUTES, "ServesUppy"))
    for route in ROUTES:
        uri = text(stack.routes()[route]["x-amazon-apigateway-integration"]["uri"])
        assert uri[0] == "if ServesUppy" and "${CompanionFunction.Arn}" in uri[1], f"{route} reaches {uri}"
    for path, item in stack.properties("Api")["Body"]["paths"].items():
        if "Fn::If" in item:
            # Whichever stands outside decides whether the path is there.
            same((path, item["Fn::If"][0]), (path, "ServesUppy"))


@assertion(
    put("Bucket > CorsConfiguration > CorsRules > uploads > AllowedMethods > Fn::If > 2", ["PUT", "POST"]),
    put("Bucket > CorsConfiguration > CorsRules > uploads > AllowedMethods > Fn::If > 0", "MakesUserPool"),
    put("Bucket > CorsConfiguration > CorsRules > uploads > ExposedHeaders > Fn::If > 1", ["etag"]),
)
def a_browser_may_talk_to_the_bucket_as_uppy_does_only_with_it(stack: Stack) -> None:
    rule, = stack.properties("Bucket")["CorsConfiguration"]["CorsRules"]
    same(rule["AllowedMethods"], {"Fn::If": ["ServesUppy", ["GET", "PUT", "POST", "DELETE"], ["PUT"]]})
    with_it, without = (sorted(headers) for headers in rule["ExposedHeaders"]["Fn::If"][1:])
    same((with_it, without), (["etag", "location", "x-amz-checksum-crc64nvme"], ["etag", "x-amz-checksum-crc64nvme"]))


@assertion(
    put("Delivery > Parameters > Forms", "true"),
    put("Delivery's Conditions > TakesForms", {"Fn::Not": [{"Fn::Equals": [{"Ref": "Forms"}, "true"]}]}),
    add("Delivery's Parameters > Forms > Default", "true"),
)
def forms_are_taken_only_with_it(stack: Stack) -> None:
    same(text(stack.properties("Delivery")["Parameters"]["Forms"]), "${Uppy}")
    assert "Default" not in stack.delivery["Parameters"]["Forms"], "forms are taken where nobody says so"
    assert condition(stack.delivery, "TakesForms", {"Forms": "true"}) and not condition(stack.delivery, "TakesForms", {"Forms": "false"})


@assertion(
    put("Parameters > PublicApiUrl > Default", "https://api.example.com"),
    put("Parameters > PublicApiUrl > AllowedPattern", ".*"),
)
def sessions_are_told_at_the_address_that_is_called_unless_another_is_given(stack: Stack) -> None:
    cdn, api = (stack.parent["Parameters"][name] for name in ("PublicCdnUrl", "PublicApiUrl"))
    same((api["Default"], api["AllowedPattern"]), ("", cdn["AllowedPattern"]))
