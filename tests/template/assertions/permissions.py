"""What each function may do, and who may use it."""

import re

from ..mutate import add, drop, put
from ..stack import ROOT, Stack, listed, text, unless_left_out
from .assertion import COMPANION, CONFIRM, FILES, ISSUE, PAGE, SWEEP, THUMBNAILS, assertion, same


SETTLE = {
    ("SettleRows", "dynamodb:GetItem dynamodb:UpdateItem", "${Table.Arn}"),
    (
        "SettleObjects",
        "s3:DeleteObjectVersion s3:GetObject s3:GetObjectVersion s3:PutObjectVersionTagging",
        "${Bucket.Arn}/uploads/*",
    ),
    ("SeeWhatIsMissing", "s3:ListBucket", "${Bucket.Arn}"),
}
SEE_WHAT_WAS_VERIFIED = ("SeeWhatWasVerified", "s3:GetObjectVersionTagging", "${Bucket.Arn}/uploads/*")
DROP_COPIES = (
    "DropCopies",
    "cloudfront:CreateInvalidation",
    "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Delivery.Outputs.DistributionId}",
)
POLLING = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
TRACES = ("WriteTraces", "xray:PutTelemetryRecords xray:PutTraceSegments", "*")


def logs(logical_id: str) -> tuple[str, str, str]:
    return ("WriteLogs", "logs:CreateLogStream logs:PutLogEvents", f"${{{logical_id}.Arn}}")


MAY = {
    ISSUE: {
        ("KeepGrants", "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem", "${Table.Arn}"),
        ("SignUploads", "s3:PutObject", "${Bucket.Arn}/uploads/*"),
        ("SeeParts", "s3:ListMultipartUploadParts", "${Bucket.Arn}/uploads/*"),
        logs("IssueUploadLogs"),
        TRACES,
    },
    CONFIRM: SETTLE
    | {
        (
            "PutPartsTogether",
            "s3:AbortMultipartUpload s3:ListMultipartUploadParts s3:PutObject",
            "${Bucket.Arn}/uploads/*",
        ),
        logs("ConfirmUploadLogs"),
        TRACES,
    },
    FILES: {
        ("ManageRows", "dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem", "${Table.Arn}"),
        ("SeeEveryVersion", "s3:ListBucketVersions", "${Bucket.Arn}"),
        ("RemoveEveryVersion", "s3:DeleteObjectVersion", "${Bucket.Arn}/uploads/* ${Bucket.Arn}/thumbnails/*"),
        DROP_COPIES,
        logs("ManageFilesLogs"),
        TRACES,
    },
    THUMBNAILS: SETTLE
    | {
        SEE_WHAT_WAS_VERIFIED,
        ("WriteThumbnails", "s3:DeleteObject s3:PutObject", "${Bucket.Arn}/thumbnails/*"),
        ("ConsumeArrivals", "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", "${ThumbnailQueue.Arn}"),
        logs("GenerateThumbnailsLogs"),
        TRACES,
    },
    SWEEP: SETTLE
    | {
        SEE_WHAT_WAS_VERIFIED,
        ("CountRows", "dynamodb:Query", "${Table.Arn}"),
        ("FindWhatIsDue", "dynamodb:Query", "${Table.Arn}/index/due"),
        ("KeepCursors", "dynamodb:PutItem", "${Table.Arn}"),
        ("WalkThroughTheBucket", "s3:ListBucketMultipartUploads s3:ListBucketVersions", "${Bucket.Arn}"),
        ("AbortMultipartUploads", "s3:AbortMultipartUpload", "${Bucket.Arn}/uploads/*"),
        ("RemoveThumbnails", "s3:DeleteObject s3:DeleteObjectVersion", "${Bucket.Arn}/thumbnails/*"),
        DROP_COPIES,
        ("TellOfArrivals", "sqs:SendMessage", "${ThumbnailQueue.Arn}"),
        logs("SweepUploadsLogs"),
        TRACES,
    },
    COMPANION: {
        ("KeepGrantsAndSessions", "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem", "${Table.Arn}"),
        ("SignUploads", "s3:PutObject", "${Bucket.Arn}/uploads/*"),
        ("SeeAndForgetParts", "s3:AbortMultipartUpload s3:ListMultipartUploadParts", "${Bucket.Arn}/uploads/*"),
        *(may for may in SETTLE if may[0] != "SettleRows"),
        logs("CompanionLogs"),
        TRACES,
    },
    PAGE: {logs("ServePageLogs"), TRACES},
}


# What a statement allows besides, and the condition of the template under which it does.
MAY_IF = {
    (binary, "SettleObjects"): {("ScansForMalware", "s3:GetObjectVersionTagging")} for binary in (CONFIRM, COMPANION)
}


def actions(statement: dict) -> tuple[list[str], set[tuple[str, str]]]:
    """What a statement is always about, and what only under a condition, with that."""
    always, sometimes = [], set()
    for action in listed(statement["Action"]):
        if isinstance(action, str):
            always.append(action)
        else:
            sometimes.add((action["Fn::If"][0], unless_left_out(action)))
    return always, sometimes


# No statement has a condition but these.
ONLY_IF = {
    "SignUploads": {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}},
    "KeepCursors": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["SWEEP"]}},
}


@assertion(
    drop("IssueUploadRole > Policies > 0 > PolicyDocument > Statement > SignUploads > Condition"),
    put("IssueUploadRole > Policies > 0 > PolicyDocument > Statement > SignUploads > Resource", {"Fn::Sub": "${Bucket.Arn}/*"}),
    add("ConfirmUploadRole > Policies > 0 > PolicyDocument > Statement > SettleObjects > Action", "s3:PutObject"),
    drop("GenerateThumbnailsRole > Policies > 0 > PolicyDocument > Statement > WriteThumbnails"),
    put("ManageFilesRole > Policies > 0 > PolicyDocument > Statement > RemoveEveryVersion > Resource", {"Fn::Sub": "${Bucket.Arn}/*"}),
    put("ManageFilesRole > Policies > 0 > PolicyDocument > Statement > DropCopies > Resource", "*"),
    put("ManageFilesRole > Policies > 0 > PolicyDocument > Statement > ManageRows > Resource", {"Fn::Sub": "${Table.Arn}/*"}),
    add("IssueUploadRole > Policies > 0 > PolicyDocument > Statement > KeepGrants > Condition", {"Bool": {"aws:SecureTransport": "true"}}),
    drop("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > KeepCursors > Condition"),
    put("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > FindWhatIsDue > Resource", {"Fn::GetAtt": ["Table", "Arn"]}),
    put("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > CountRows > Resource", {"Fn::Sub": "${Table.Arn}/*"}),
    put("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > TellOfArrivals > Resource", "*"),
    drop("CompanionRole > Policies > 0 > PolicyDocument > Statement > SignUploads > Condition"),
    add("CompanionRole > Policies > 0 > PolicyDocument > Statement > KeepGrantsAndSessions > Action", "dynamodb:Query"),
    put("ServePageRole > Policies > 0 > PolicyDocument > Statement > WriteLogs > Resource", "*"),
    put("ConfirmUploadRole > Policies > 0 > PolicyDocument > Statement > SettleObjects > Action > 4 > Fn::If > 0", "ServesUppy"),
    put("ConfirmUploadRole > Policies > 0 > PolicyDocument > Statement > SettleObjects > Action > 4", "s3:GetObjectVersionTagging"),
)
def each_function_may_do_exactly_what_the_table_says(stack: Stack) -> None:
    same(set(stack.functions()), set(MAY))
    for binary, function in stack.functions().items():
        found = set()
        for statement in stack.role_statements(function):
            members = {"Sid", "Effect", "Action", "Resource"} | ({"Condition"} if statement["Sid"] in ONLY_IF else set())
            same((statement["Sid"], set(statement)), (statement["Sid"], members))
            same((statement["Sid"], statement.get("Condition")), (statement["Sid"], ONLY_IF.get(statement["Sid"])))
            same((statement["Sid"], statement["Effect"]), (statement["Sid"], "Allow"))
            resources = " ".join(listed(text(statement["Resource"])))
            always, sometimes = actions(statement)
            same((binary, statement["Sid"], sometimes), (binary, statement["Sid"], MAY_IF.get((binary, statement["Sid"]), set())))
            found.add((statement["Sid"], " ".join(sorted(always)), resources))
        same((binary, found), (binary, MAY[binary]))


@assertion(
    put("ConfirmUploadRole > Policies > 0 > PolicyDocument > Statement > SettleRows > Action", "dynamodb:GetItem"),
    put("IssueUploadRole > Policies > 0 > PolicyDocument > Statement > KeepGrants > Action", ["dynamodb:GetItem", "dynamodb:PutItem"]),
    add("IssueUploadRole > Policies > 0 > PolicyDocument > Statement > KeepGrants > Action", "dynamodb:DeleteItem"),
    put("GenerateThumbnailsRole > Policies > 0 > PolicyDocument > Statement > SeeWhatIsMissing > Action", "s3:ListBucketVersions"),
    put("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > WalkThroughTheBucket > Action", "s3:ListBucketVersions"),
    drop("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > AbortMultipartUploads"),
    drop("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > TellOfArrivals"),
    drop("CompanionRole > Policies > 0 > PolicyDocument > Statement > SettleObjects > Action > 4"),
    put("ManageFilesRole > Policies > 0 > PolicyDocument > Statement > DropCopies > Action", "cloudfront:GetInvalidation"),
    put("ServePageRole > Policies > 0 > PolicyDocument > Statement > WriteTraces > Action", "s3:GetObject"),
    drop("GenerateThumbnailsRole > Policies > 0 > PolicyDocument > Statement > SeeWhatWasVerified"),
    drop("SweepUploadsRole > Policies > 0 > PolicyDocument > Statement > SeeWhatWasVerified"),
)
def each_function_may_do_what_its_ports_need(stack: Stack) -> None:
    needed = actions_by_port()
    for binary, function in stack.functions().items():
        code = (ROOT / "functions" / binary / "src" / "handler.rs").read_text()
        used = re.search(r"use valet_core::ports::\{?([^;}]+)\}?;", code)
        # The page's function has no ports: it calls nobody.
        ports = re.findall(r"\w+", used[1]) if used else []
        assert ports or binary == PAGE, f"{binary} names no ports"
        asked = {action for port in ports for action in needed.get(port, set())}
        # The runtime's own: the code says nothing of them.
        allowed = set()
        for statement in stack.role_statements(function):
            always, sometimes = actions(statement)
            allowed |= {*always, *(action for _, action in sometimes)}
        allowed = {action for action in allowed if action.split(":")[0] in ("s3", "dynamodb", "sqs", "cloudfront")} - POLLING
        same((binary, allowed), (binary, asked))


def actions_by_port() -> dict[str, set[str]]:
    """What the doc of each port says that it takes."""
    source = ROOT / "crates" / "core" / "src"
    code = "".join(file.read_text() for file in (source / "ports.rs", *sorted((source / "ports").glob("*.rs"))))
    found = {}
    for name, body in re.findall(r"^pub trait (\w+)(.*?)^}", code, re.MULTILINE | re.DOTALL):
        said = re.search(r"IAM:\s*(?:///\s*)?((?:`[\w:]+`,?\s*(?:///\s*)?)+)", body)
        found[name] = set(re.findall(r"`([\w:]+)`", said[1])) if said else set()
    return found


@assertion(
    put("ConfirmUploadFunction > Role", {"Fn::GetAtt": ["GenerateThumbnailsRole", "Arn"]}),
    add("IssueUploadRole > ManagedPolicyArns", ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]),
    put("IssueUploadRole > AssumeRolePolicyDocument > Statement > 0 > Principal", {"AWS": "*"}),
)
def each_function_has_a_role_of_its_own_that_only_lambda_takes(stack: Stack) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in stack.functions().values()]
    # malware.py says who takes the scanner's.
    same(sorted([*roles, "ScannerRole"]), sorted(stack.of_type("AWS::IAM::Role")))
    for logical_id in roles:
        role = stack.properties(logical_id)
        assert not role.get("ManagedPolicyArns"), f"{logical_id} takes a managed policy, whose actions nobody here has read"
        trusts = [(s["Effect"], s["Principal"], s["Action"]) for s in role["AssumeRolePolicyDocument"]["Statement"]]
        same(trusts, [("Allow", {"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")])


@assertion(
    put("ConfirmUploadRole > Policies > 0 > PolicyDocument > Statement > SettleRows > Action", "dynamodb:*"),
    put("BucketPolicy > PolicyDocument > Statement > ServeThumbnails > Action", "s3:Get*"),
    add("IssueUploadRole > Policies > 0 > PolicyDocument > Statement > KeepGrants > NotAction", "s3:GetObject"),
)
def no_allowed_action_is_a_wildcard(stack: Stack) -> None:
    statements = [statement for _, statement in stack.resource_statements()]
    for function in stack.functions().values():
        statements += stack.role_statements(function)
    for statement in statements:
        assert "NotAction" not in statement, f"{statement.get('Sid')} allows all but a few"
        if statement["Effect"] == "Allow":
            always, sometimes = actions(statement)
            wild = [action for action in (*always, *(action for _, action in sometimes)) if "*" in action]
            assert not wild, f"{statement.get('Sid')} allows {wild}"


@assertion(
    drop("ThumbnailQueuePolicy > PolicyDocument > Statement > BucketSendsArrivals > Condition > StringEquals"),
    drop("ThumbnailQueuePolicy > PolicyDocument > Statement > BucketSendsArrivals > Condition > ArnEquals"),
    drop("BucketPolicy > PolicyDocument > Statement > ServeThumbnails > Condition"),
    put("BucketPolicy > PolicyDocument > Statement > ServeThumbnails > Principal", {"AWS": "*"}),
)
def nobody_is_allowed_but_services_that_name_their_source(stack: Stack) -> None:
    # A role's trust in Lambda is left out: only who may pass the role can put it on a function, in the same account.
    for policy, statement in stack.resource_statements():
        if statement["Effect"] != "Allow":
            continue
        where = f"{policy} {statement.get('Sid')}"
        same((where, list(statement["Principal"])), (where, ["Service"]))
        keys = {key.lower() for operator in statement.get("Condition", {}).values() for key in operator}
        assert "aws:sourcearn" in keys, f"{where} names no source: any customer's {statement['Principal']['Service']} could use it"
        # CloudFront's source is a distribution's ARN, which holds the account. A bucket's ARN does not.
        if statement["Principal"]["Service"] == "s3.amazonaws.com":
            assert "aws:sourceaccount" in keys, f"{where}: a bucket name does not say whose bucket it is"


@assertion(
    drop("IssueUploadFunctionLimitsPermission > SourceArn"),
    put("ConfirmUploadFunctionCancelPermission > SourceArn", {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*"}),
    put("IssueUploadFunctionReadPermission > Principal", "*"),
)
def the_api_may_invoke_a_function_for_its_own_routes_only(stack: Stack) -> None:
    allowed = set()
    for logical_id, permission in stack.of_type("AWS::Lambda::Permission").items():
        if permission["Principal"] == "events.amazonaws.com":
            continue  # schedule.py says which
        if permission["FunctionName"]["Ref"] == "ServePageFunction":
            continue  # page.py says which
        same((logical_id, permission["Principal"]), (logical_id, "apigateway.amazonaws.com"))
        assert "SourceArn" in permission, f"{logical_id} lets every API of every customer in"
        allowed.add((permission["FunctionName"]["Ref"], text(permission["SourceArn"])))
    expected = set()
    for route, operation in stack.routes().items():
        method, path = route.split()
        uri = operation["x-amazon-apigateway-integration"]["uri"]
        # Of a function with a condition it has the condition too.
        uri = uri["Fn::If"][1] if "Fn::If" in uri else uri
        function = re.search(r"\$\{(\w+)\.Arn\}", uri["Fn::Sub"])[1]
        path = re.sub(r"\{\w+\}", "*", path)
        expected.add((function, f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*/{method}{path}"))
    same(allowed, expected)
