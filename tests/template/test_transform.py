"""What infra/tools/transform.py makes of the template for the local engine."""

import json
import subprocess
import sys

import pytest

from infra.tools import transform

from .stack import PARAMETERS, ROOT, TEMPLATE, expanded

# A template in a bucket may have no more, which is where `sam deploy` and infra/local/deploy.py put them.
TEMPLATE_BYTES = 1 << 20
CODE = {
    binary: {"S3Bucket": "artifacts", "S3Key": f"{binary}.zip"}
    for binary in ("issue-upload", "confirm-upload", "manage-files", "generate-thumbnails", "sweep-uploads", "companion", "serve-page")
}
URLS = {path: f"http://127.0.0.1:4566/artifacts/{path}" for path in expanded().nested}


def engine() -> dict:
    return transform.for_engine(expanded().parent, CODE, URLS)


def of_type(template: dict, kind: str) -> dict[str, dict]:
    return {name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == kind}


def of_api(template: dict, kind: str) -> dict[str, dict]:
    """Those of the API that SAM makes; the page's is written out in the template."""
    return {name: properties for name, properties in of_type(template, kind).items() if properties["ApiId"] == {"Ref": "Api"}}


def test_an_api_that_is_written_out_is_left_alone():
    native, template = expanded().parent, engine()
    written_out = [name for name in native["Resources"] if name.startswith("Page")]
    assert len(written_out) == 5
    assert [name for name in written_out if native["Resources"][name] != template["Resources"][name]] == []


def test_each_operation_becomes_a_route_behind_the_authorizer():
    template = engine()
    routes = of_api(template, "AWS::ApiGatewayV2::Route")
    assert {route["RouteKey"] for route in routes.values()} == set(expanded().routes())
    for route in routes.values():
        if "/uppy/{session}/" in route["RouteKey"]:
            assert "AuthorizerId" not in route, route
            continue
        assert route["AuthorizationType"] == "JWT"
        assert route["AuthorizerId"] == {"Ref": "ApiJwtAuthorizer"}
        assert route["AuthorizationScopes"] == [{"Ref": "RequiredScope"}]


def test_each_route_leads_to_the_function_of_its_operation():
    template = engine()
    reached = {}
    for route in of_api(template, "AWS::ApiGatewayV2::Route").values():
        slash, (prefix, integration) = route["Target"]["Fn::Join"]
        assert (slash, prefix) == ("/", "integrations")
        reached[route["RouteKey"]] = template["Resources"][integration["Ref"]]["Properties"]["IntegrationUri"]
    wanted = {route: operation["x-amazon-apigateway-integration"]["uri"] for route, operation in expanded().routes().items()}
    # Of a function with a condition SAM names the address under it once more; the route has it already.
    assert reached == {route: uri["Fn::If"][1] if "Fn::If" in uri else uri for route, uri in wanted.items()}


def test_the_authorizer_keeps_issuer_and_audience():
    authorizer, = of_type(engine(), "AWS::ApiGatewayV2::Authorizer").values()
    pool = {name: {"Fn::GetAtt": ["SignInPool", f"Outputs.{name}"]} for name in ("Issuer", "ClientId")}
    assert authorizer["JwtConfiguration"] == {
        "Issuer": {"Fn::If": ["MakesUserPool", pool["Issuer"], {"Ref": "JwtIssuer"}]},
        "Audience": [{"Fn::If": ["MakesUserPool", pool["ClientId"], {"Ref": "JwtAudience"}]}],
    }
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]


def test_an_open_route_stays_open_and_is_not_given_an_authorizer():
    native = expanded().parent
    del native["Resources"]["Api"]["Properties"]["Body"]["paths"]["/v1/limits"]["get"]["security"]
    routes = of_type(transform.for_engine(native, CODE, URLS), "AWS::ApiGatewayV2::Route")
    assert ["AuthorizerId" in route for route in routes.values() if route["RouteKey"] == "GET /v1/limits"] == [False]


def test_the_origin_is_that_of_the_parameters():
    api = of_type(engine(), "AWS::ApiGatewayV2::Api")["Api"]
    assert api["CorsConfiguration"]["allowOrigins"][0] == PARAMETERS["CorsOrigin"]
    assert "Body" not in api


def test_a_concurrency_from_a_parameter_is_a_number_to_the_engine_which_makes_none_of_a_text():
    of_native = of_type(expanded().parent, "AWS::Lambda::EventSourceMapping").values()
    of_engine = of_type(engine(), "AWS::Lambda::EventSourceMapping").values()
    assert [mapping["ScalingConfig"] for mapping in of_native] == [{"MaximumConcurrency": {"Ref": "ThumbnailConcurrency"}}]
    assert [mapping["ScalingConfig"] for mapping in of_engine] == [{"MaximumConcurrency": 20}]


def test_code_and_nested_template_come_from_the_given_addresses():
    template = engine()
    code = {name: properties["Code"] for name, properties in of_type(template, "AWS::Lambda::Function").items()}
    assert code == {name: CODE[binary] for name, binary in transform.functions(template).items()}
    assert {stack["TemplateURL"] for stack in of_type(template, "AWS::CloudFormation::Stack").values()} == set(URLS.values())


def test_nothing_but_the_api_the_code_the_addresses_and_a_number_is_changed():
    native, template = expanded().parent, engine()
    changed = {name for name in native["Resources"] if native["Resources"][name] != template["Resources"][name]}
    functions = {
        "IssueUploadFunction",
        "ConfirmUploadFunction",
        "ManageFilesFunction",
        "GenerateThumbnailsFunction",
        "SweepUploadsFunction",
        "ServePageFunction",
        "CompanionFunction",
    }
    assert changed == {"Api", "Delivery", "GenerateThumbnailsFunctionArrivals", "MalwareProtection", "Monitoring", "SignInPool", *functions}
    assert {section: template[section] for section in template if section != "Resources"} == {
        section: native[section] for section in native if section != "Resources"
    }


def test_missing_code_is_named():
    with pytest.raises(transform.NotTransformable, match="confirm-upload"):
        transform.for_engine(expanded().parent, {name: where for name, where in CODE.items() if name != "confirm-upload"}, URLS)


def test_a_missing_address_is_named():
    with pytest.raises(transform.NotTransformable, match=r"infra/delivery\.yaml"):
        transform.for_engine(expanded().parent, CODE, {})


def test_a_template_that_sam_refuses_is_refused_with_its_reason(tmp_path):
    wrong = tmp_path / "template.yaml"
    wrong.write_text(TEMPLATE.read_text().replace("CodeUri: .", "Kode: ."))
    with pytest.raises(transform.NotTransformable, match="Kode"):
        transform.transform(wrong, PARAMETERS)


def test_each_template_is_small_enough_to_be_deployed():
    assert len(json.dumps(engine())) < TEMPLATE_BYTES
    for template in expanded().templates():
        assert len(json.dumps(template)) < TEMPLATE_BYTES


def test_a_route_of_a_function_with_a_condition_has_the_condition():
    template = engine()
    conditions = expanded().conditional_routes()
    assert set(conditions.values()) == {None, "ServesUppy"}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGatewayV2::Route" and resource["Properties"]["ApiId"] == {"Ref": "Api"}:
            assert resource.get("Condition") == conditions[resource["Properties"]["RouteKey"]]
            _, (_, integration) = resource["Properties"]["Target"]["Fn::Join"]
            assert template["Resources"][integration["Ref"]].get("Condition") == resource.get("Condition")


def test_a_route_of_two_forms_is_refused():
    native = expanded().parent
    paths = native["Resources"]["Api"]["Properties"]["Body"]["paths"]
    paths["/v1/limits"] = {"Fn::If": ["ServesUppy", paths["/v1/limits"], paths["/v1/files"]]}
    with pytest.raises(transform.NotTransformable, match="ServesUppy"):
        transform.for_engine(native, CODE, URLS)


def test_the_command_prints_the_same_every_time():
    command = [sys.executable, ROOT / "infra" / "tools" / "transform.py", TEMPLATE, *(f"{k}={v}" for k, v in PARAMETERS.items())]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout for _ in range(2))
    assert first == second
    assert json.loads(first) == expanded().parent
