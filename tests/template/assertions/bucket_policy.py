"""What the bucket refuses, and the one reader it has."""

from ..mutate import drop, put
from ..stack import Stack, text, unless_left_out
from .assertion import BUCKET_ARN, assertion, same


def bucket_statement(stack: Stack, sid: str) -> dict:
    found = [text(statement) for policy, statement in stack.resource_statements() if policy == "BucketPolicy" and statement["Sid"] == sid]
    assert len(found) == 1, f"the bucket policy has {len(found)} statements {sid}"
    return found[0]


def denied(stack: Stack, sid: str, action: object, resource: object, condition: dict) -> None:
    same(
        bucket_statement(stack, sid),
        {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, "Condition": condition},
    )


@assertion(
    drop("BucketPolicy > PolicyDocument > Statement > ServeVerifiedFiles > Condition > StringEquals > s3:ExistingObjectTag/verified"),
    put("BucketPolicy > PolicyDocument > Statement > ServeThumbnails > Resource", {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}/*"}),
    drop("BucketPolicy > PolicyDocument > Statement > ServeVerifiedFiles > Condition > StringEquals > AWS:SourceArn"),
    drop("BucketPolicy > PolicyDocument > Statement > ServeVerifiedFiles > Condition > StringEquals > s3:ExistingObjectTag/GuardDutyMalwareScanStatus"),
    put("BucketPolicy > PolicyDocument > Statement > ServeVerifiedFiles > Condition > StringEquals > s3:ExistingObjectTag/GuardDutyMalwareScanStatus > Fn::If > 1", "UNSUPPORTED"),
    put("BucketPolicy > PolicyDocument > Statement > ServeVerifiedFiles > Condition > StringEquals > s3:ExistingObjectTag/GuardDutyMalwareScanStatus > Fn::If > 0", "TakesForms"),
    put("BucketPolicy > PolicyDocument > Statement > ServeVerifiedFiles > Action", ["s3:GetObject", "s3:ListBucket"]),
)
def only_this_distribution_reads_and_uploads_only_when_verified_and_clean_if_they_are_scanned(stack: Stack) -> None:
    clean = ["if DemandsVerdict", "NO_THREATS_FOUND", "${AWS::NoValue}"]
    arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"
    same(
        [text(s) for policy, s in stack.resource_statements() if policy == "BucketPolicy" and s["Effect"] == "Allow"],
        [
            {
                "Sid": "ServeVerifiedFiles",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"{BUCKET_ARN}/uploads/*",
                "Condition": {
                    "StringEquals": {
                        "AWS:SourceArn": arn,
                        "s3:ExistingObjectTag/verified": "true",
                        "s3:ExistingObjectTag/GuardDutyMalwareScanStatus": clean,
                    }
                },
            },
            {
                "Sid": "ServeThumbnails",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"{BUCKET_ARN}/thumbnails/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
            },
        ],
    )


@assertion(
    drop("BucketPolicy > PolicyDocument > Statement > DenyWithoutTls"),
    put("BucketPolicy > PolicyDocument > Statement > DenyWithoutTls > Effect", "Allow"),
    drop("ThumbnailQueuePolicy > PolicyDocument > Statement > DenyWithoutTls"),
    put("ThumbnailDeadLetterQueuePolicy > PolicyDocument > Statement > DenyWithoutTls > Action", "sqs:SendMessage"),
)
def nothing_is_read_or_written_without_tls(stack: Stack) -> None:
    without = {"Bool": {"aws:SecureTransport": "false"}}
    denied(stack, "DenyWithoutTls", "s3:*", [BUCKET_ARN, f"{BUCKET_ARN}/*"], without)
    for queue in stack.of_type("AWS::SQS::Queue"):
        found = [
            (statement["Principal"], statement["Action"], text(statement["Resource"]))
            for _, statement in stack.resource_statements()
            if statement["Effect"] == "Deny" and statement["Condition"] == without
        ]
        assert ("*", "sqs:*", f"${{{queue}.Arn}}") in found, f"{queue} can be spoken to without TLS"


@assertion(put("ThumbnailQueuePolicy > Queues", [{"Ref": "ThumbnailDeadLetterQueue"}]))
def queue_policies_lie_on_the_queue_they_speak_of(stack: Stack) -> None:
    for logical_id, policy in stack.of_type("AWS::SQS::QueuePolicy").items():
        queue, = policy["Queues"]
        for statement in map(unless_left_out, policy["PolicyDocument"]["Statement"]):
            same((logical_id, text(statement["Resource"])), (logical_id, f"${{{queue['Ref']}.Arn}}"))


@assertion(
    drop("BucketPolicy > PolicyDocument > Statement > DenyOldTls"),
    put("BucketPolicy > PolicyDocument > Statement > DenyOldTls > Condition > NumericLessThan > s3:TlsVersion", "1.1"),
)
def tls_below_1_2_is_refused(stack: Stack) -> None:
    denied(stack, "DenyOldTls", "s3:*", [BUCKET_ARN, f"{BUCKET_ARN}/*"], {"NumericLessThan": {"s3:TlsVersion": "1.2"}})


@assertion(
    drop("BucketPolicy > PolicyDocument > Statement > DenyOverwrite"),
    put("BucketPolicy > PolicyDocument > Statement > DenyOverwrite > Condition > Null > s3:if-none-match", "false"),
    put("BucketPolicy > PolicyDocument > Statement > DenyOverwrite > Condition > Bool > s3:ObjectCreationOperation", "false"),
    put("BucketPolicy > PolicyDocument > Statement > DenyOverwrite > Resource", {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}/thumbnails/*"}),
    put("BucketPolicy > PolicyDocument > Statement > DenyOverwrite > Resource > Fn::If > 2", {"Ref": "AWS::NoValue"}),
    put("BucketPolicy > PolicyDocument > Statement > DenyOverwrite > NotResource > Fn::If > 1", [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}/uploads/*"}]),
    put("BucketPolicy > PolicyDocument > Statement > DenyOverwrite > Principal", {"Service": "s3.amazonaws.com"}),
)
def a_put_that_could_overwrite_is_refused(stack: Stack) -> None:
    statement = bucket_statement(stack, "DenyOverwrite")
    # Where forms are taken, everywhere but under theirs; thumbnails are written over by whoever makes them again, GuardDuty's test object by it.
    forms = statement.pop("NotResource")
    elsewhere = [f"{BUCKET_ARN}/{key}" for key in ("uploads/open/*", "thumbnails/*", "malware-protection-resource-validation-object")]
    same(forms, ["if TakesForms", elsewhere, "${AWS::NoValue}"])
    same(
        statement,
        {
            "Sid": "DenyOverwrite",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": ["if TakesForms", "${AWS::NoValue}", f"{BUCKET_ARN}/uploads/*"],
            "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        },
    )


@assertion(
    drop("BucketPolicy > PolicyDocument > Statement > DenyOldSignatures"),
    put("Parameters > UrlLifetimeSeconds > MaxValue", 3600),
    put("BucketPolicy > PolicyDocument > Statement > DenyOldSignatures > Condition", {"NumericGreaterThan": {"s3:signatureAge": "900"}}),
)
def a_signature_older_than_the_longest_url_is_refused(stack: Stack) -> None:
    longest = stack.parent["Parameters"]["UrlLifetimeSeconds"]["MaxValue"]
    milliseconds = str(longest * 1000)
    denied(stack, "DenyOldSignatures", "s3:*", [BUCKET_ARN, f"{BUCKET_ARN}/*"], {"NumericGreaterThan": {"s3:signatureAge": milliseconds}})


@assertion(
    drop("BucketPolicy > PolicyDocument > Statement > DenySignedReads"),
    put("BucketPolicy > PolicyDocument > Statement > DenySignedReads > Action", ["s3:GetObjectVersion"]),
)
def signed_urls_read_nothing(stack: Stack) -> None:
    denied(
        stack,
        "DenySignedReads",
        ["s3:GetObject", "s3:GetObjectVersion"],
        f"{BUCKET_ARN}/*",
        {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}},
    )
