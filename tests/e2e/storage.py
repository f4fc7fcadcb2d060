"""What lies in the bucket and the table, seen as the account's owner. It must never write: tests that do so do it in sight."""

from boto3.dynamodb.types import TypeDeserializer

from infra.local.stack import Stack


class Storage:
    """The stores of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.s3 = stack.s3
        self.dynamodb = stack.dynamodb
        self.sqs = stack.sqs
        self.bucket = stack.bucket
        self.table = stack.table
        self.queue_url = stack.queue_url
        self.dead_letter_queue_url = stack.dead_letter_queue_url

    def row(self, owner: str, upload_id: str) -> dict | None:
        """The table's item as plain values; numbers as int."""
        key = {"pk": {"S": f"OWNER#{owner}"}, "sk": {"S": f"UPLOAD#{upload_id}"}}
        item = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else plain(TypeDeserializer().deserialize({"M": item}))

    def head(self, key: str) -> dict:
        """An object's headers."""
        return self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")

    def content(self, key: str) -> bytes:
        """An object's bytes."""
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def tags(self, key: str) -> dict[str, str]:
        """An object's tags."""
        found = self.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def versions(self, prefix: str) -> list[str]:
        """The version ids below a prefix, delete markers included."""
        found = self.s3.list_object_versions(Bucket=self.bucket, Prefix=prefix)
        return [version["VersionId"] for kind in ("Versions", "DeleteMarkers") for version in found.get(kind, [])]

    def waiting(self) -> int:
        """How many events wait or are being worked on."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def dead_letters(self) -> list[str]:
        """The bodies in the dead-letter queue, which stay there."""
        found = self.sqs.receive_message(QueueUrl=self.dead_letter_queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in found.get("Messages", [])]


def plain(value: object) -> object:
    """What boto3 made of an item, with whole numbers."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    # The only other type a row has is a number, and every number in it is whole.
    return value if isinstance(value, str) else int(value)
