"""On the patched engine GuardDuty's events can be put by hand, and nobody else's of AWS."""

import json

import pytest


def put(engine, source: str) -> dict:
    entry = {"Source": source, "DetailType": "something", "Detail": json.dumps({"s3ObjectDetails": {"bucketName": "b"}})}
    return engine.client("events").put_events(Entries=[entry])


def test_an_event_of_guardduty_reaches_the_queue_of_its_rule(engine):
    events, sqs = engine.client("events"), engine.client("sqs")
    url = sqs.create_queue(QueueName="verdicts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for name, bucket in (("ours", "b"), ("theirs", "c")):
        pattern = {"source": ["aws.guardduty"], "detail": {"s3ObjectDetails": {"bucketName": [bucket]}}}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    assert put(engine, "aws.guardduty")["FailedEntryCount"] == 0
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    said = json.loads(message["Body"])
    assert (said["source"], said["detail-type"], said["detail"]["s3ObjectDetails"]) == ("aws.guardduty", "something", {"bucketName": "b"})


@pytest.mark.parametrize("source", ["aws.s3", "aws.guardduty2", "aws."])
def test_any_other_event_of_aws_is_refused(engine, source):
    (entry,) = put(engine, source)["Entries"]
    assert entry["ErrorCode"] == "NotAuthorizedForSourceException"
