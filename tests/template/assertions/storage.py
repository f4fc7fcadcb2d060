"""The bucket and the table: closed, recoverable, kept."""

from ..mutate import add, drop, put
from ..stack import Stack
from .assertion import assertion, same


@assertion(
    drop("Bucket > PublicAccessBlockConfiguration > RestrictPublicBuckets"),
    put("Bucket > PublicAccessBlockConfiguration > BlockPublicPolicy", False),
    put("Bucket > OwnershipControls > Rules > 0 > ObjectOwnership", "ObjectWriter"),
    put("Bucket > VersioningConfiguration > Status", "Suspended"),
    put("Bucket > BucketEncryption > ServerSideEncryptionConfiguration > 0", {}),
)
def the_bucket_is_private_encrypted_and_versioned(stack: Stack) -> None:
    for logical_id, bucket in stack.of_type("AWS::S3::Bucket").items():
        access = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        same((logical_id, bucket.get("PublicAccessBlockConfiguration")), (logical_id, dict.fromkeys(access, True)))
        same(bucket["OwnershipControls"], {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        encryption, = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        same(encryption, {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}})
        same(bucket["VersioningConfiguration"], {"Status": "Enabled"})


@assertion(
    drop("Bucket > LifecycleConfiguration > Rules > abort-unfinished-multipart-uploads"),
    put("Bucket > LifecycleConfiguration > Rules > abort-unfinished-multipart-uploads > AbortIncompleteMultipartUpload > DaysAfterInitiation", 1),
    put("Bucket > LifecycleConfiguration > Rules > expire-noncurrent-versions > NoncurrentVersionExpiration > NoncurrentDays", 365),
    put("Bucket > LifecycleConfiguration > Rules > expire-noncurrent-versions > Status", "Disabled"),
    add("Bucket > LifecycleConfiguration > Rules > expire-noncurrent-versions > ExpirationInDays", 7),
)
def what_nobody_needs_leaves_the_bucket(stack: Stack) -> None:
    rules = stack.properties("Bucket")["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules), "a lifecycle rule is switched off"
    same([rule["AbortIncompleteMultipartUpload"] for rule in rules if "AbortIncompleteMultipartUpload" in rule], [{"DaysAfterInitiation": 7}])
    same([rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule], [{"NoncurrentDays": 7}])
    assert not any("Expiration" in rule or "ExpirationInDays" in rule for rule in rules), "a rule deletes files that are in use"


@assertion(
    drop("Bucket > DeletionPolicy"),
    put("Table > UpdateReplacePolicy", "Delete"),
    drop("Table > DeletionProtectionEnabled"),
    put("Table > PointInTimeRecoverySpecification > PointInTimeRecoveryEnabled", False),
)
def files_and_rows_outlive_the_stack(stack: Stack) -> None:
    for logical_id in ("Bucket", "Table"):
        resource = stack.resource(logical_id)
        same((logical_id, resource.get("DeletionPolicy")), (logical_id, "Retain"))
        same((logical_id, resource.get("UpdateReplacePolicy")), (logical_id, "Retain"))
    table = stack.properties("Table")
    assert table.get("DeletionProtectionEnabled") is True, "the table can be deleted"
    same(table.get("PointInTimeRecoverySpecification"), {"PointInTimeRecoveryEnabled": True})


@assertion(
    put("Table > BillingMode", "PROVISIONED"),
    drop("Table > KeySchema > 1"),
    put("Table > TimeToLiveSpecification > AttributeName", "expires_at"),
    put("Table > TimeToLiveSpecification > Enabled", False),
)
def the_table_is_keyed_by_owner_and_upload_and_forgets_by_ttl(stack: Stack) -> None:
    table = stack.properties("Table")
    same(table["BillingMode"], "PAY_PER_REQUEST")
    same(table["KeySchema"], [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
    same({a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}, {"pk": "S", "sk": "S", "due_shard": "S", "due_at": "N"})
    same(table.get("TimeToLiveSpecification"), {"AttributeName": "ttl", "Enabled": True})


@assertion(
    drop("Table > GlobalSecondaryIndexes"),
    put("Table > GlobalSecondaryIndexes > 0 > IndexName", "overdue"),
    put("Table > GlobalSecondaryIndexes > 0 > Projection > ProjectionType", "ALL"),
    put("Table > GlobalSecondaryIndexes > 0 > KeySchema > 0 > AttributeName", "pk"),
)
def what_is_due_is_found_by_an_index_that_holds_nothing_else(stack: Stack) -> None:
    index, = stack.properties("Table").get("GlobalSecondaryIndexes", [{}])
    # The name and the keys are those of crates/aws/src/sweep_table.rs; the rows themselves are read in the table.
    same(
        index,
        {
            "IndexName": "due",
            "KeySchema": [{"AttributeName": "due_shard", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    )
