"""The matrix is made of recorded calls: none of what the functions may call stayed out of it. Holds of whole runs only."""

from tests.template.assertions.permissions import MAY

# Permissions that are called otherwise than the operation.
CALLED = {
    "GetObjectVersionTagging": "GetObjectTagging",
    "ListBucketVersions": "ListObjectVersions",
    "ListBucketMultipartUploads": "ListMultipartUploads",
    "ListMultipartUploadParts": "ListParts",
}
# Those that are asked for beside another, and those of the queue's poller, which is Lambda's own.
NO_CALLS = {
    "ListBucket",
    "GetObjectVersion",
    "PutObjectVersionTagging",
    "DeleteObjectVersion",
    "ReceiveMessage",
    "DeleteMessage",
    "GetQueueAttributes",
}


def test_every_operation_that_a_role_allows_was_tried(tried):
    actions = {action for statements in MAY.values() for _, actions, _ in statements for action in actions.split()}
    allowed = {CALLED.get(name, name) for service, _, name in (action.partition(":") for action in actions) if service not in ("logs", "xray")}
    assert allowed - {str(run.fault.operation) for run in tried.runs if run.fault} == NO_CALLS
