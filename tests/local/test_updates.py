"""What lives through updates and deletions: a changed function touches nothing that is kept, and a deleted stack can be deployed again."""

import json

import pytest
from botocore.exceptions import ClientError

from infra.local.deploy import ARTIFACTS, STACK, deploy, package
from infra.local.places import FUNCTIONS
from infra.local.stack import Stack

from .http import request
from .processes import eventually

STATEFUL = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::CloudFormation::Stack"}


@pytest.fixture
def stack(echo):
    with Stack(functions=dict.fromkeys(FUNCTIONS, echo)) as running:
        yield running


def physical_ids(cloudformation) -> dict[str, str]:
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


def status(cloudformation) -> str:
    try:
        return cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationError"
        return "gone"


def stored(stack, template: dict) -> str:
    """Where a template lies that has more bytes than a call takes."""
    stack.s3.put_object(Bucket=ARTIFACTS, Key="another.json", Body=json.dumps(template))
    return f"{stack.endpoint}/{ARTIFACTS}/another.json"


def test_a_changed_function_changes_nothing_that_is_kept(stack, echo, tmp_path):
    changed = tmp_path / "bootstrap"
    changed.write_text(echo.read_text() + "\n# Another build.\n")
    stack.s3.put_object(Bucket=ARTIFACTS, Key="issue-upload-changed.zip", Body=package(changed))
    cloudformation = stack.client("cloudformation")
    template = cloudformation.get_template(StackName=STACK)["TemplateBody"]
    template["Resources"]["IssueUploadFunction"]["Properties"]["Code"]["S3Key"] = "issue-upload-changed.zip"
    given = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    cloudformation.create_change_set(
        StackName=STACK,
        ChangeSetName="one-function",
        TemplateURL=stored(stack, template),
        Parameters=[{"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True} for parameter in given],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def described() -> dict:
        return cloudformation.describe_change_set(StackName=STACK, ChangeSetName="one-function")

    assert eventually(lambda: described()["Status"] == "CREATE_COMPLETE")
    changes = [change["ResourceChange"] for change in described()["Changes"]]

    # What is made from the function's ARN is looked at again, and keeps its value.
    edited = {c["LogicalResourceId"] for c in changes if any(detail["Evaluation"] == "Static" for detail in c["Details"])}
    assert edited == {"IssueUploadFunction"}
    assert {change["Action"] for change in changes} == {"Modify"}
    assert not [change for change in changes if change["ResourceType"] in STATEFUL or change["Replacement"] == "True"]

    before = physical_ids(cloudformation)
    stack.s3.put_object(Bucket=stack.bucket, Key="kept", Body=b"bytes")
    cloudformation.execute_change_set(StackName=STACK, ChangeSetName="one-function")

    assert eventually(lambda: status(cloudformation) == "UPDATE_COMPLETE")
    assert physical_ids(cloudformation) == before
    assert stack.s3.get_object(Bucket=stack.bucket, Key="kept")["Body"].read() == b"bytes"
    function = stack.client("lambda").get_function(FunctionName=before["IssueUploadFunction"])
    assert function["Configuration"]["CodeSize"] == len(package(changed))


def test_a_deleted_stack_leaves_files_and_rows_and_can_be_deployed_again_twice(stack, echo):
    cloudformation, lambdas = stack.client("cloudformation"), stack.client("lambda")
    buckets = []
    for round in range(2):
        stack.s3.put_object(Bucket=stack.bucket, Key="kept", Body=b"bytes")
        row = {"pk": {"S": f"OWNER#{round}"}, "sk": {"S": "UPLOAD#1"}}
        stack.dynamodb.put_item(TableName=stack.table, Item=row)
        buckets.append(stack.bucket)

        cloudformation.delete_stack(StackName=STACK)
        assert eventually(lambda: status(cloudformation) == "gone", 30)
        assert lambdas.list_functions()["Functions"] == []
        assert not stack.sqs.list_queues().get("QueueUrls")
        assert stack.dynamodb.get_item(TableName=stack.table, Key=row)["Item"] == row
        for bucket in buckets:
            assert stack.s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"bytes"

        stack.outputs = deploy(stack.engine, stack.issuer.url, dict.fromkeys(FUNCTIONS, echo))
        assert stack.bucket not in buckets
        reply = request("GET", f"{stack.api_url}/v1/limits", headers={"Authorization": f"Bearer {stack.token()}"})
        assert reply.status == 200


def test_a_second_stack_stands_beside_the_first(stack):
    cloudformation = stack.client("cloudformation")
    template = cloudformation.get_template(StackName=STACK)["TemplateBody"]
    given = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    cloudformation.create_stack(
        StackName="second",
        TemplateURL=stored(stack, template),
        Parameters=[{key: parameter[key] for key in ("ParameterKey", "ParameterValue")} for parameter in given],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def second() -> dict:
        return cloudformation.describe_stacks(StackName="second")["Stacks"][0]

    assert eventually(lambda: second()["StackStatus"] == "CREATE_COMPLETE", 30), second()
    # The addresses that were given are the same; all that is made is not.
    made = [{o["OutputKey"]: o["OutputValue"] for o in s["Outputs"]} for s in (cloudformation.describe_stacks(StackName=STACK)["Stacks"][0], second())]
    assert {name for name in made[0] if made[0][name] == made[1][name]} == {"CdnUrl", "PageUrl"}


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"JwtIssuer": ""}, "SignIn=own-issuer needs JwtIssuer"),
        ({"SignIn": "cognito"}, "JwtIssuer belongs to SignIn=own-issuer"),
        ({"CdnDomainName": "files.example.com"}, "CdnDomainName needs CdnCertificateArn"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_anything_is_made(engine, issuer, echo, parameters, reason):
    with pytest.raises(ClientError, match=reason):
        deploy(engine, issuer.url, dict.fromkeys(FUNCTIONS, echo), parameters)
    assert status(engine.client("cloudformation")) == "gone"
