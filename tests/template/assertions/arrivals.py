"""The way of an event from the bucket through the queue to the thumbnails."""

from ..mutate import drop, put
from ..stack import STACK_GUID, Stack, listed, text
from .assertion import THUMBNAILS, assertion, same


@assertion(
    drop("Bucket > NotificationConfiguration > QueueConfigurations > 0 > Filter"),
    put("Bucket > NotificationConfiguration > QueueConfigurations > 0 > Filter > S3Key > Rules > prefix > Value", ""),
    put("Bucket > NotificationConfiguration > QueueConfigurations > 0 > Event", "s3:ObjectCreated:Put"),
)
def only_arrivals_under_uploads_are_notified(stack: Stack) -> None:
    same(
        text(stack.properties("Bucket")["NotificationConfiguration"]),
        {
            # malware.py says what for.
            "EventBridgeConfiguration": ["if ScansForMalware", {"EventBridgeEnabled": True}, "${AWS::NoValue}"],
            "QueueConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Queue": "${ThumbnailQueue.Arn}",
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "uploads/"}]}},
                }
            ]
        },
    )


@assertion(
    put("Bucket > BucketName", "valet-uploads"),
    put("ThumbnailQueuePolicy > PolicyDocument > Statement > BucketSendsArrivals > Condition > ArnEquals > aws:SourceArn", "arn:aws:s3:::*"),
    put("ThumbnailQueuePolicy > PolicyDocument > Statement > BucketSendsArrivals > Action", "sqs:*"),
    put("ThumbnailQueuePolicy > PolicyDocument > Statement > 1 > Fn::If > 1 > Condition > ArnEquals > aws:SourceArn", {"Fn::GetAtt": ["SweepUploadsFunctionSchedule", "Arn"]}),
    drop("ThumbnailQueuePolicy > PolicyDocument > Statement > 1"),
)
def the_queue_takes_messages_from_this_bucket_and_of_verdicts_about_it_alone(stack: Stack) -> None:
    bucket = text(stack.properties("Bucket")["BucketName"])
    same(bucket, f"valet-{STACK_GUID}")
    allowed = [text(s) for policy, s in stack.resource_statements() if policy == "ThumbnailQueuePolicy" and s["Effect"] == "Allow"]
    same(
        allowed,
        [
            {
                "Sid": "BucketSendsArrivals",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "${ThumbnailQueue.Arn}",
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": f"arn:${{AWS::Partition}}:s3:::{bucket}"},
                    "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
                },
            },
            {
                "Sid": "ScannerTellsOfVerdicts",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "${ThumbnailQueue.Arn}",
                "Condition": {"ArnEquals": {"aws:SourceArn": "${VerdictRule.Arn}"}},
            },
        ],
    )


@assertion(drop("Bucket > DependsOn"))
def the_bucket_is_made_after_the_policy_that_its_notification_needs(stack: Stack) -> None:
    assert "ThumbnailQueuePolicy" in listed(stack.resource("Bucket").get("DependsOn", []))


@assertion(
    put("GenerateThumbnailsFunction > Timeout", 61),
    drop("ThumbnailQueue > VisibilityTimeout"),
)
def a_message_stays_hidden_for_six_timeouts(stack: Stack) -> None:
    needed = 6 * stack.functions()[THUMBNAILS]["Timeout"]
    found = stack.properties("ThumbnailQueue").get("VisibilityTimeout", 30)
    assert found >= needed, f"a message comes back after {found} s, {needed} s are needed"


@assertion(
    drop("ThumbnailQueue > RedrivePolicy"),
    put("ThumbnailQueue > RedrivePolicy > maxReceiveCount", 1),
    drop("ThumbnailDeadLetterQueue > MessageRetentionPeriod"),
    put("ThumbnailQueue > MessageRetentionPeriod", 1209600),
)
def a_message_that_failed_five_times_waits_fourteen_days(stack: Stack) -> None:
    queue = stack.properties("ThumbnailQueue")
    same(text(queue.get("RedrivePolicy")), {"deadLetterTargetArn": "${ThumbnailDeadLetterQueue.Arn}", "maxReceiveCount": 5})
    kept = stack.properties("ThumbnailDeadLetterQueue").get("MessageRetentionPeriod", 345600)
    same(kept, 14 * 24 * 3600)
    assert kept > queue.get("MessageRetentionPeriod", 345600), "a message's age counts from its first queue"


@assertion(
    put("GenerateThumbnailsFunctionArrivals > BatchSize", 10),
    drop("GenerateThumbnailsFunctionArrivals > FunctionResponseTypes"),
    drop("GenerateThumbnailsFunctionArrivals > ScalingConfig"),
    put("GenerateThumbnailsFunctionArrivals > EventSourceArn", {"Fn::GetAtt": ["ThumbnailDeadLetterQueue", "Arn"]}),
)
def images_are_made_one_by_one_and_a_failing_one_is_reported(stack: Stack) -> None:
    mapping, = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    same(text(mapping["EventSourceArn"]), "${ThumbnailQueue.Arn}")
    same(mapping["FunctionName"], {"Ref": "GenerateThumbnailsFunction"})
    same(mapping["BatchSize"], 1)
    same(mapping.get("FunctionResponseTypes"), ["ReportBatchItemFailures"])
    same(mapping.get("ScalingConfig"), {"MaximumConcurrency": {"Ref": "ThumbnailConcurrency"}})


@assertion(
    drop("ThumbnailQueue > SqsManagedSseEnabled"),
    put("ThumbnailDeadLetterQueue > SqsManagedSseEnabled", False),
)
def queues_are_encrypted(stack: Stack) -> None:
    for logical_id, queue in stack.of_type("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True, f"{logical_id} is not encrypted"
