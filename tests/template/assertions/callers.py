"""Who may call the API, from where, and what is written down of it."""

import json
import re

from ..mutate import add, drop, put
from ..stack import PARAMETERS, Stack, text
from .assertion import assertion, same
from .uppy import OF_SESSIONS
from .uppy import ROUTES as UPPY


@assertion(
    drop("Api > Body > paths > /v1/limits"),
    put("Api > Body > paths > /v1/usage > get > x-amazon-apigateway-integration > uri > Fn::Sub", "${ManageFilesFunction.Arn}"),
    add("Api > Body > paths > /v1/uploads > get", {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": "${IssueUploadFunction.Arn}"}}}),
    put("Api > Body > paths > /v1/uploads/{id} > delete > x-amazon-apigateway-integration > uri > Fn::Sub", "${IssueUploadFunction.Arn}"),
)
def the_routes_are_those_of_the_api_and_reach_their_function(stack: Stack) -> None:
    reached = {
        route: re.search(r"\$\{(\w+)\.Arn\}", operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"])[1]
        for route, operation in stack.routes().items()
        if route not in UPPY
    }
    same(
        reached,
        {
            "POST /v1/uploads": "IssueUploadFunction",
            "POST /v1/uploads/batch": "IssueUploadFunction",
            "POST /get-upload-url": "IssueUploadFunction",
            "GET /v1/uploads/{id}": "IssueUploadFunction",
            "POST /v1/uploads/{id}/url": "IssueUploadFunction",
            "POST /v1/uploads/{id}/parts": "IssueUploadFunction",
            "GET /v1/limits": "IssueUploadFunction",
            "GET /v1/usage": "IssueUploadFunction",
            "POST /v1/uploads/{id}/confirm": "ConfirmUploadFunction",
            "POST /confirm-upload": "ConfirmUploadFunction",
            "DELETE /v1/uploads/{id}": "ConfirmUploadFunction",
            "GET /v1/files": "ManageFilesFunction",
            "GET /v1/files/{id}": "ManageFilesFunction",
            "GET /v1/files/{id}/url": "ManageFilesFunction",
            "DELETE /v1/files/{id}": "ManageFilesFunction",
        },
    )


@assertion(
    drop("Api > Body > paths > /v1/limits > get > security"),
    put("Api > Body > paths > /v1/uploads > post > security", [{"Jwt": []}]),
    put("Api > Body > paths > /v1/uploads/{id} > delete > security", [{"NONE": []}]),
    put("Api > Body > paths > /s3/sign > Fn::If > 1 > post > Fn::If > 1 > security", [{"NONE": []}]),
    put("Api > Body > paths > /v1/uppy-sessions > Fn::If > 1 > post > Fn::If > 1 > security", [{"NONE": []}]),
)
def every_route_asks_for_a_token_with_the_scope_but_those_of_sessions(stack: Stack) -> None:
    for route, operation in stack.routes().items():
        security = text(operation.get("security"))
        expected = [{"NONE": []}] if route in OF_SESSIONS else [{"Jwt": ["valet/files"]}]
        same((route, security), (route, expected))


@assertion(
    put("Parameters > RequiredScope > AllowedPattern", r"^\S*$"),
    put("Parameters > RequiredScope > Default", ""),
)
def no_stack_goes_without_a_scope(stack: Stack) -> None:
    # An ID token passes issuer and audience: that it carries no scope is what refuses it.
    scope = stack.parent["Parameters"]["RequiredScope"]
    assert not re.search(scope["AllowedPattern"], ""), "a stack can be deployed that takes ID tokens"
    assert re.search(scope["AllowedPattern"], scope["Default"]), "the default does not pass its own pattern"


@assertion(
    put("Api > Body > components > securitySchemes > Jwt > x-amazon-apigateway-authorizer > jwtConfiguration > issuer", "https://other.example.com"),
    drop("Api > Body > components > securitySchemes > Jwt > x-amazon-apigateway-authorizer > jwtConfiguration > audience"),
    put("Api > Body > components > securitySchemes > Jwt > x-amazon-apigateway-authorizer > identitySource", "$request.querystring.token"),
)
def a_token_is_checked_against_issuer_and_audience(stack: Stack) -> None:
    schemes = stack.properties("Api")["Body"]["components"]["securitySchemes"]
    same(
        text({name: scheme["x-amazon-apigateway-authorizer"] for name, scheme in schemes.items()}),
        {
            "Jwt": {
                "type": "jwt",
                "identitySource": "$request.header.Authorization",
                "jwtConfiguration": {
                    "issuer": ["if MakesUserPool", "${SignInPool.Outputs.Issuer}", PARAMETERS["JwtIssuer"]],
                    "audience": [["if MakesUserPool", "${SignInPool.Outputs.ClientId}", PARAMETERS["JwtAudience"]]],
                },
            }
        },
    )


@assertion(
    put("Parameters > JwtIssuer > Default", "https://issuer.example.com"),
    put("Parameters > JwtAudience > Default", "valet"),
)
def issuer_and_audience_have_no_default(stack: Stack) -> None:
    for name in ("JwtIssuer", "JwtAudience"):
        same((name, stack.parent["Parameters"][name]["Default"]), (name, ""))


@assertion(
    put("Api > Body > x-amazon-apigateway-cors > allowOrigins", ["*"]),
    put("Bucket > CorsConfiguration > CorsRules > uploads > AllowedOrigins", ["*"]),
    add("Bucket > CorsConfiguration > CorsRules > uploads > AllowedOrigins", "https://*.example.com"),
)
def cross_origin_calls_come_from_the_one_origin_and_the_page(stack: Stack) -> None:
    page = ["if ServesPage", ["if HasPublicPageUrl", PARAMETERS["PublicPageUrl"], "${PageApi.ApiEndpoint}"], "${AWS::NoValue}"]
    api = stack.properties("Api")["Body"]["x-amazon-apigateway-cors"]["allowOrigins"]
    same(text(api), [PARAMETERS["CorsOrigin"], page])
    for bucket in stack.of_type("AWS::S3::Bucket").values():
        for rule in bucket["CorsConfiguration"]["CorsRules"]:
            same(text(rule["AllowedOrigins"]), [PARAMETERS["CorsOrigin"], page])


@assertion(
    put("Parameters > CorsOrigin > AllowedPattern", ".+"),
    put("Parameters > CorsOrigin > AllowedPattern", "^https://[a-z.]+$"),
    put("Parameters > PublicPageUrl > AllowedPattern", ".*"),
)
def the_origin_cannot_be_a_pattern(stack: Stack) -> None:
    for name in ("CorsOrigin", "PublicPageUrl"):
        pattern = re.compile(stack.parent["Parameters"][name]["AllowedPattern"])
        for wrong in ("*", "https://*.example.com", "https://app.example.com/", "https://a.example.com,https://b.example.com", "null"):
            assert not pattern.search(wrong), f"{name}: {wrong!r} passes for an origin"
        for right in ("https://app.example.com", "http://localhost:3000"):
            assert pattern.search(right), f"{name}: {right!r} does not pass for an origin"
        # An origin must be given; the page's is its API's own unless another is.
        same((name, pattern.search("") is None), (name, name == "CorsOrigin"))


@assertion(
    put("Bucket > CorsConfiguration > CorsRules > uploads > AllowedHeaders", ["*"]),
    add("Bucket > CorsConfiguration > CorsRules > uploads > AllowedHeaders", "x-amz-acl"),
)
def a_browser_may_send_what_a_grant_signs_and_nothing_else(stack: Stack) -> None:
    rule, = stack.properties("Bucket")["CorsConfiguration"]["CorsRules"]
    checksums = ["x-amz-checksum-crc64nvme", "x-amz-checksum-sha256"]
    same(sorted(rule["AllowedHeaders"]), ["cache-control", "content-type", "if-none-match", *checksums])


@assertion(
    put("Api > Body > x-amazon-apigateway-cors > allowMethods", ["*"]),
    put("Api > Body > x-amazon-apigateway-cors > allowHeaders", ["content-type"]),
)
def a_browser_may_call_every_route(stack: Stack) -> None:
    cors = stack.properties("Api")["Body"]["x-amazon-apigateway-cors"]
    same(set(cors["allowMethods"]), {route.split()[0] for route in stack.routes()})
    same(sorted(cors["allowHeaders"]), ["authorization", "content-type", "idempotency-key"])


@assertion(
    put("Api > Body > x-amazon-apigateway-cors > exposeHeaders", ["x-request-id"]),
    drop("Api > Body > x-amazon-apigateway-cors > exposeHeaders"),
)
def a_browser_may_read_when_to_ask_again(stack: Stack) -> None:
    same(stack.properties("Api")["Body"]["x-amazon-apigateway-cors"].get("exposeHeaders"), ["retry-after"])


@assertion(
    drop("ApiApiGatewayDefaultStage > RouteSettings"),
    put("ApiApiGatewayDefaultStage > RouteSettings > DELETE /v1/files/{id} > ThrottlingRateLimit", 1000),
    drop("ApiApiGatewayDefaultStage > RouteSettings > DELETE /v1/files/{id} > ThrottlingBurstLimit"),
)
def deletions_which_cloudfront_charges_for_are_throttled_further(stack: Stack) -> None:
    settings = stack.properties("ApiApiGatewayDefaultStage").get("RouteSettings", {})
    same(set(settings), {"DELETE /v1/files/{id}"})
    same(settings["DELETE /v1/files/{id}"], {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 100})
    assert set(settings) <= set(stack.routes()), "throttles a route that there is not"


@assertion(
    put("ApiApiGatewayDefaultStage > AccessLogSettings > Format", '{"requestId":"$context.requestId","caller":"$context.authorizer.claims.sub"}'),
    put("ApiApiGatewayDefaultStage > AccessLogSettings > Format", '{"requestId":"$context.status"}'),
    put("ApiApiGatewayDefaultStage > AccessLogSettings > Format", '{"requestId":"$context.requestId","path":"$context.path"}'),
    put("ApiApiGatewayDefaultStage > AccessLogSettings > DestinationArn", {"Fn::GetAtt": ["IssueUploadLogs", "Arn"]}),
    put("PageStage > AccessLogSettings > Format", '{"requestId":"$context.requestId","query":"$context.queryString"}'),
)
def the_access_log_is_json_without_tokens_or_paths(stack: Stack) -> None:
    for stage in stack.of_type("AWS::ApiGatewayV2::Stage").values():
        settings = stage["AccessLogSettings"]
        same(text(settings["DestinationArn"]), "${ApiLogs.Arn}")
        fields = json.loads(settings["Format"])
        assert fields["requestId"] == "$context.requestId", "no request id to find a request by"
        for value in fields.values():
            assert not re.search(r"authorizer|header|query|path|\$input|\$request", value, re.IGNORECASE), f"{value} may carry a token"
