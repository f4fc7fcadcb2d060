"""Every action a role allows is needed: without it something that works fails, with it again it works.

The actions are those of tests/template, which compares them with the template and with the ports of each function. What the
engine lets pass without permission is listed, and a test says that it does: no silence is taken for a proof.
"""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from infra.local.deploy import STACK
from infra.local.stack import Stack
from tests.template.assertions.assertion import COMPANION, CONFIRM, FILES, ISSUE, PAGE, SWEEP, THUMBNAILS
from tests.template.assertions.permissions import MAY

from .polling import eventually
from .samples import MP4, PHOTO
from .storage import Storage
from .test_events import put_as_owner, some_id
from .test_order import arrival
from .uppy import call, key_query
from .user import Secrets, User
from .web import Reply, send

HOUR = 3_600_000
PART_BYTES = 5 << 20
ROLES = {
    ISSUE: "IssueUploadRole",
    CONFIRM: "ConfirmUploadRole",
    FILES: "ManageFilesRole",
    THUMBNAILS: "GenerateThumbnailsRole",
    SWEEP: "SweepUploadsRole",
    COMPANION: "CompanionRole",
    PAGE: "ServePageRole",
}


class Trial:
    """A stack whose arrivals wait until a trial hands them over, and a user of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.storage = Storage(stack)
        self.user = User(stack.api_url, stack.token(sub="somebody"), "somebody", Secrets())

    @contextmanager
    def queue_open(self) -> Iterator[None]:
        """Arrivals are worked off meanwhile."""
        lambdas, function = self.stack.client("lambda"), self.stack.outputs.functions[THUMBNAILS]
        (mapping,) = lambdas.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        try:
            yield
        finally:
            lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def hand_over(self, grant: dict, *, version: str | None = None) -> bool:
        """Tells the function of an upload's object past the queue; whether it says that it is done."""
        key = self.key(grant)
        event = {"Records": [arrival(self.storage.bucket, key, version)]}
        function = self.stack.outputs.functions[THUMBNAILS]
        answer = self.stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return "FunctionError" not in answer

    def sweep(self) -> dict:
        """What a run says: its numbers, or why it failed."""
        answer = self.stack.client("lambda").invoke(FunctionName=self.stack.outputs.functions[SWEEP], Payload=b"{}")
        return json.loads(answer["Payload"].read())

    def set_back(self, grant: dict, milliseconds: int, *names: str) -> None:
        """Makes times of an upload's row lie further back."""
        update = "SET " + ", ".join(f"{name} = {name} - :by" for name in names)
        key = {"pk": {"S": f"OWNER#{self.user.owner}"}, "sk": {"S": f"UPLOAD#{grant['id']}"}}
        values = {":by": {"N": str(milliseconds)}}
        self.storage.dynamodb.update_item(TableName=self.storage.table, Key=key, UpdateExpression=update, ExpressionAttributeValues=values)

    def key(self, grant: dict) -> str:
        return f"uploads/{self.user.owner}/{grant['id']}.{PHOTO.extension}"

    def version(self, grant: dict) -> str:
        return self.storage.head(self.key(grant))["VersionId"]

    def confirmed(self) -> dict:
        grant = self.user.upload(PHOTO)
        assert self.user.confirm(grant).status == 200
        return grant

    def status(self, grant: dict) -> str:
        return self.storage.row(self.user.owner, grant["id"])["status"]


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    with Stack() as stack:
        trial = Trial(stack)
        lambdas, function = stack.client("lambda"), stack.outputs.functions[SWEEP]
        # What lies in the bucket cannot be made older.
        hurried = stack.outputs.environment[SWEEP] | {"OBJECT_AGE_SECONDS": "0", "MULTIPART_AGE_SECONDS": "0"}
        lambdas.update_function_configuration(FunctionName=function, Environment={"Variables": hurried})
        with trial.queue_open():
            pass  # It closes behind us.
        yield trial


@contextmanager
def without(stack: Stack, function: str, sid: str, action: str) -> Iterator[None]:
    """The function's role lacks an action of a statement, or the statement if it has no other."""
    iam = stack.client("iam")
    described = stack.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=ROLES[function])
    role = described["StackResourceDetail"]["PhysicalResourceId"]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    reduced = copy.deepcopy(policy)
    (statement,) = (s for s in reduced["Statement"] if s["Sid"] == sid)
    allowed = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    assert action in allowed
    statement["Action"] = [other for other in allowed if other != action]
    if not statement["Action"]:
        reduced["Statement"].remove(statement)
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(reduced))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def issues(trial: Trial) -> bool:
    return trial.user.issue({"filename": "a.jpg", "contentType": "image/jpeg", "size": 1}).status == 201


def reads(trial: Trial, grant: dict) -> bool:
    return trial.user.read(grant).status == 200


def puts(trial: Trial, grant: dict) -> bool:
    return trial.user.put(grant, PHOTO.content).status == 200


def confirms(trial: Trial, grant: dict) -> bool:
    return trial.user.confirm(grant).status == 200


def cancels(trial: Trial, grant: dict) -> bool:
    return trial.user.cancel(grant).status == 204 and trial.storage.versions(trial.key(grant)) == []


def lists(trial: Trial) -> bool:
    return trial.user.files().status == 200


def reads_the_file(trial: Trial, grant: dict) -> bool:
    return trial.user.file(grant).status == 200


def deletes(trial: Trial, grant: dict) -> bool:
    return trial.user.delete(grant).status == 204 and trial.storage.versions(trial.key(grant)) == []


def sees_what_is_missing(trial: Trial, grant: dict) -> bool:
    """The client hears the same either way; the log does not."""
    assert trial.user.confirm(grant).status == 409
    line = eventually(lambda: next((found for found in trial.stack.logs() if grant["id"] in found and "not_uploaded" in found), None), "the line")
    return json.loads(line)["level"] == "INFO"


def sees_parts(trial: Trial, grant: dict) -> bool:
    return trial.user.call("GET", f"/v1/uploads/{grant['id']}?include=parts").status == 200


def forgets_parts(trial: Trial, grant: dict) -> bool:
    return trial.user.cancel(grant).status == 204


def verifies_by_event(trial: Trial, grant: dict) -> bool:
    return trial.hand_over(grant) and trial.status(grant) == "ready"


def verifies_a_version(trial: Trial, grant: dict) -> bool:
    return trial.hand_over(grant, version=trial.version(grant)) and trial.status(grant) == "ready"


def makes_a_thumbnail(trial: Trial, grant: dict) -> bool:
    done = trial.hand_over(grant, version=trial.version(grant))
    return done and trial.user.read(grant).json()["file"]["thumbnails"]["status"] == "ready"


def removes_what_nobody_asked_for(trial: Trial, grant: dict) -> bool:
    done = trial.hand_over(grant, version=trial.version(grant))
    return done and trial.storage.versions(trial.key(grant)) == []


def takes_from_the_queue(trial: Trial) -> bool:
    grant = trial.user.upload(PHOTO)
    with trial.queue_open():
        eventually(lambda: trial.status(grant) == "ready", "the arrival is worked off")
    return True


def logs(trial: Trial) -> bool:
    """Every function is called and says so in its log."""
    grant = trial.user.upload(PHOTO)
    assert trial.user.confirm(grant).status == 200 and trial.hand_over(grant)

    def said() -> list[str]:
        return [json.loads(line)["message"] for line in trial.stack.logs() if grant["id"] in line]

    eventually(lambda: sorted(said()) == ["event", "request", "request"], "a line of each function")
    return True


def says_that_it_swept(trial: Trial) -> bool:
    before = len(trial.stack.logs())
    trial.sweep()
    eventually(lambda: any('"message":"sweep"' in line for line in trial.stack.logs()[before:]), "the line of the run")
    return True


def expires(trial: Trial, grant: dict) -> bool:
    trial.sweep()
    return trial.status(grant) == "expired"


def settles_what_nobody_told_of(trial: Trial, grant: dict) -> bool:
    trial.sweep()
    return trial.status(grant) == "ready"


def settles_at_the_end_of_the_grant(trial: Trial, grant: dict) -> bool:
    """The walk, which knows the version, would come by in the same run."""
    return trial.sweep().get("failed") == 0 and trial.status(grant) == "ready"


def removes_what_came_late(trial: Trial, grant: dict) -> bool:
    trial.sweep()
    return trial.storage.versions(trial.key(grant)) == []


def to_be_counted(trial: Trial) -> dict:
    """A grant whose owner's uploads were to be counted again yesterday."""
    grant = granted(trial)
    key = {"pk": {"S": f"OWNER#{trial.user.owner}"}, "sk": {"S": "USAGE"}}
    day = {":day": {"N": str(25 * 3_600_000)}}
    trial.storage.dynamodb.update_item(TableName=trial.storage.table, Key=key, UpdateExpression="SET due_at = due_at - :day", ExpressionAttributeValues=day)
    return grant


def counts_again(trial: Trial, _: dict) -> bool:
    return trial.sweep().get("recounted") == 1


def remembers_its_place(trial: Trial) -> bool:
    return "errorType" not in trial.sweep()


def removes_what_no_row_leads_to(trial: Trial, left: dict) -> bool:
    trial.sweep()
    return trial.storage.versions(left["key"]) == []


def removes_a_thumbnail_of_nothing(trial: Trial, left: dict) -> bool:
    trial.sweep()
    found = trial.storage.s3.list_objects_v2(Bucket=trial.storage.bucket, Prefix=left["key"])
    return found["KeyCount"] == 0


def aborts_what_no_row_names(trial: Trial, left: dict) -> bool:
    trial.sweep()
    found = trial.storage.s3.list_multipart_uploads(Bucket=trial.storage.bucket).get("Uploads", [])
    return all(upload["Key"] != left["key"] for upload in found)


def asks_again_for_thumbnails(trial: Trial, grant: dict) -> bool:
    before = trial.storage.row(trial.user.owner, grant["id"])["due_at"]
    trial.sweep()
    return trial.storage.row(trial.user.owner, grant["id"])["due_at"] > before


def finishes_a_deletion(trial: Trial, grant: dict) -> bool:
    trial.sweep()
    return "due_at" not in trial.storage.row(trial.user.owner, grant["id"])


def passes_over_what_is_gone(trial: Trial, grant: dict) -> bool:
    return trial.hand_over(grant)


def granted(trial: Trial) -> dict:
    return trial.user.grant(PHOTO)


def arrived(trial: Trial) -> dict:
    return trial.user.upload(PHOTO)


def arrived_with_checksum(trial: Trial) -> dict:
    return trial.user.upload(PHOTO, checksum=True)


def confirmed(trial: Trial) -> dict:
    return trial.confirmed()


def in_parts(trial: Trial) -> dict:
    """Granted in two parts, none of which has arrived."""
    wanted = {"filename": f"{uuid.uuid4()}.mp4", "contentType": "video/mp4", "size": PART_BYTES + 1, "partSize": PART_BYTES}
    reply = trial.user.issue(wanted)
    assert reply.status == 201, reply
    return reply.json()


def all_parts(trial: Trial) -> dict:
    """Both parts have arrived."""
    grant = in_parts(trial)
    for part in grant["multipart"]["parts"]:
        content = MP4.content.ljust(PART_BYTES, b"\0") if part["partNumber"] == 1 else b"\0"
        assert send(part["method"], part["url"], part["headers"], content).status == 200
    return grant


def late(trial: Trial) -> dict:
    """Cancelled before its bytes arrived."""
    grant = trial.user.grant(PHOTO)
    assert trial.user.cancel(grant).status == 204
    assert trial.user.put(grant, PHOTO.content).status == 200
    return grant


def ended(trial: Trial, grant: dict) -> dict:
    """Its grant is over, and its grace."""
    trial.set_back(grant, 3 * HOUR, "expires_at", "due_at", "created_at")
    return grant


def unused(trial: Trial) -> dict:
    return ended(trial, granted(trial))


def unheard(trial: Trial) -> dict:
    return ended(trial, arrived(trial))


def unheard_with_checksum(trial: Trial) -> dict:
    return ended(trial, arrived_with_checksum(trial))


def long_late(trial: Trial) -> dict:
    grant = late(trial)
    trial.set_back(grant, 26 * HOUR, "expires_at", "due_at", "created_at")
    return grant


def waiting_for_thumbnails(trial: Trial) -> dict:
    grant = confirmed(trial)
    trial.set_back(grant, HOUR, "confirmed_at", "due_at")
    return grant


def half_deleted(trial: Trial) -> dict:
    """Deleted, and a thumbnail came in just then; its second look is due."""
    grant = confirmed(trial)
    assert deletes(trial, grant)
    put_as_owner(trial.storage, f"thumbnails/{trial.user.owner}/{grant['id']}/small.jpg", PHOTO.content)
    trial.set_back(grant, 48 * HOUR, "due_at")
    return grant


def rowless(trial: Trial) -> dict:
    upload_id = some_id()
    key = f"uploads/{trial.user.owner}/{upload_id}.jpg"
    put_as_owner(trial.storage, key, PHOTO.content)
    return {"id": upload_id, "key": key}


def thumbnail_of_nothing(trial: Trial) -> dict:
    key = f"thumbnails/{trial.user.owner}/{some_id()}/small.jpg"
    put_as_owner(trial.storage, key, PHOTO.content)
    return {"key": key}


def nobodys_parts(trial: Trial) -> dict:
    key = f"uploads/{trial.user.owner}/{some_id()}.mp4"
    trial.storage.s3.create_multipart_upload(Bucket=trial.storage.bucket, Key=key)
    return {"key": key}


def uppy(trial: Trial, request: str, begun: dict | None = None, body: object = None) -> Reply:
    """A call of Uppy's, about an upload in parts where there is one."""
    if begun:
        request = f"{request.replace('{id}', begun['uploadId'])}?{key_query(begun['key'])}"
    return call(trial.stack.api_url, request, {"authorization": f"Bearer {trial.user.token}"}, body)


def begins_for_uppy(trial: Trial) -> bool:
    return uppy(trial, "POST /s3/multipart", body={"filename": "a.mp4", "type": "video/mp4"}).status == 200


def begun_for_uppy(trial: Trial, content: bytes | None = None) -> dict:
    """An upload in parts, the only one of which may have arrived."""
    begun = uppy(trial, "POST /s3/multipart", body={"filename": "a.mp4", "type": "video/mp4"}).json()
    if content:
        url = uppy(trial, "GET /s3/multipart/{id}/1", begun).json()["url"]
        begun["etag"] = send("PUT", url, {}, content).headers["etag"]
    return begun


def sent_for_uppy(trial: Trial) -> dict:
    return begun_for_uppy(trial, MP4.content)


def sent_something_else_for_uppy(trial: Trial) -> dict:
    return begun_for_uppy(trial, b"<!doctype html>")


def opens_a_session(trial: Trial) -> bool:
    return uppy(trial, "POST /v1/uppy-sessions").status == 201


def lists_for_uppy(trial: Trial, begun: dict) -> bool:
    return uppy(trial, "GET /s3/multipart/{id}", begun).status == 200


def aborts_for_uppy(trial: Trial, begun: dict) -> bool:
    return uppy(trial, "DELETE /s3/multipart/{id}", begun).status == 200


def complete_for_uppy(trial: Trial, begun: dict) -> Reply:
    return uppy(trial, "POST /s3/multipart/{id}/complete", begun, {"parts": [{"PartNumber": 1, "ETag": begun["etag"]}]})


def completes_for_uppy(trial: Trial, begun: dict) -> bool:
    return complete_for_uppy(trial, begun).status == 200


def refuses_for_uppy(trial: Trial, begun: dict) -> bool:
    return complete_for_uppy(trial, begun).status == 422 and trial.storage.versions(begun["key"]) == []


def says_so_for_uppy(trial: Trial) -> bool:
    before = len(trial.stack.logs())
    assert opens_a_session(trial)
    eventually(lambda: any('"http.route":"/v1/uppy-sessions"' in line for line in trial.stack.logs()[before:]), "the line of the call")
    return True


def shows_the_page(trial: Trial) -> bool:
    return send("GET", trial.stack.page_url + "/").status == 200


Prepare = Callable[[Trial], dict]
Attempt = Callable[..., bool]

LOGS: dict[str, Attempt] = {
    **dict.fromkeys((ISSUE, CONFIRM, FILES, THUMBNAILS), logs),
    SWEEP: says_that_it_swept,
    COMPANION: says_so_for_uppy,
    PAGE: shows_the_page,
}

# What has to be there first, and what then fails without the action.
NEEDED: dict[tuple[str, str, str], tuple[Prepare | None, Attempt]] = {
    (ISSUE, "KeepGrants", "dynamodb:PutItem"): (None, issues),
    (ISSUE, "KeepGrants", "dynamodb:GetItem"): (granted, reads),
    (ISSUE, "KeepGrants", "dynamodb:UpdateItem"): (None, issues),
    (ISSUE, "SignUploads", "s3:PutObject"): (granted, puts),
    (ISSUE, "SeeParts", "s3:ListMultipartUploadParts"): (in_parts, sees_parts),
    (CONFIRM, "PutPartsTogether", "s3:ListMultipartUploadParts"): (all_parts, confirms),
    (CONFIRM, "PutPartsTogether", "s3:PutObject"): (all_parts, confirms),
    (CONFIRM, "PutPartsTogether", "s3:AbortMultipartUpload"): (in_parts, forgets_parts),
    (CONFIRM, "SettleRows", "dynamodb:GetItem"): (arrived, confirms),
    (CONFIRM, "SettleRows", "dynamodb:UpdateItem"): (arrived, confirms),
    (CONFIRM, "SettleObjects", "s3:GetObject"): (arrived, confirms),
    (CONFIRM, "SettleObjects", "s3:GetObjectVersion"): (arrived_with_checksum, confirms),
    (CONFIRM, "SettleObjects", "s3:PutObjectVersionTagging"): (arrived, confirms),
    (CONFIRM, "SettleObjects", "s3:DeleteObjectVersion"): (arrived, cancels),
    (FILES, "ManageRows", "dynamodb:GetItem"): (confirmed, reads_the_file),
    (FILES, "ManageRows", "dynamodb:Query"): (None, lists),
    (FILES, "ManageRows", "dynamodb:UpdateItem"): (confirmed, deletes),
    (FILES, "SeeEveryVersion", "s3:ListBucketVersions"): (confirmed, deletes),
    (FILES, "RemoveEveryVersion", "s3:DeleteObjectVersion"): (confirmed, deletes),
    (FILES, "DropCopies", "cloudfront:CreateInvalidation"): (confirmed, deletes),
    (THUMBNAILS, "SettleRows", "dynamodb:GetItem"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleRows", "dynamodb:UpdateItem"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleObjects", "s3:GetObject"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleObjects", "s3:GetObjectVersion"): (arrived, verifies_a_version),
    (THUMBNAILS, "SettleObjects", "s3:PutObjectVersionTagging"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleObjects", "s3:DeleteObjectVersion"): (late, removes_what_nobody_asked_for),
    (THUMBNAILS, "SeeWhatWasVerified", "s3:GetObjectVersionTagging"): (rowless, removes_what_nobody_asked_for),
    (THUMBNAILS, "WriteThumbnails", "s3:PutObject"): (confirmed, makes_a_thumbnail),
    (SWEEP, "SettleRows", "dynamodb:GetItem"): (unused, expires),
    (SWEEP, "SettleRows", "dynamodb:UpdateItem"): (unused, expires),
    (SWEEP, "FindWhatIsDue", "dynamodb:Query"): (unused, expires),
    (SWEEP, "CountRows", "dynamodb:Query"): (to_be_counted, counts_again),
    (SWEEP, "KeepCursors", "dynamodb:PutItem"): (None, remembers_its_place),
    (SWEEP, "SettleObjects", "s3:GetObject"): (unheard, settles_at_the_end_of_the_grant),
    (SWEEP, "SettleObjects", "s3:GetObjectVersion"): (unheard_with_checksum, settles_what_nobody_told_of),
    (SWEEP, "SettleObjects", "s3:PutObjectVersionTagging"): (unheard, settles_what_nobody_told_of),
    (SWEEP, "SettleObjects", "s3:DeleteObjectVersion"): (long_late, removes_what_came_late),
    (SWEEP, "SeeWhatWasVerified", "s3:GetObjectVersionTagging"): (rowless, removes_what_no_row_leads_to),
    (SWEEP, "WalkThroughTheBucket", "s3:ListBucketVersions"): (rowless, removes_what_no_row_leads_to),
    (SWEEP, "WalkThroughTheBucket", "s3:ListBucketMultipartUploads"): (nobodys_parts, aborts_what_no_row_names),
    (SWEEP, "AbortMultipartUploads", "s3:AbortMultipartUpload"): (nobodys_parts, aborts_what_no_row_names),
    (SWEEP, "RemoveThumbnails", "s3:DeleteObject"): (thumbnail_of_nothing, removes_a_thumbnail_of_nothing),
    (SWEEP, "RemoveThumbnails", "s3:DeleteObjectVersion"): (half_deleted, finishes_a_deletion),
    (SWEEP, "DropCopies", "cloudfront:CreateInvalidation"): (half_deleted, finishes_a_deletion),
    (SWEEP, "TellOfArrivals", "sqs:SendMessage"): (waiting_for_thumbnails, asks_again_for_thumbnails),
    (COMPANION, "KeepGrantsAndSessions", "dynamodb:PutItem"): (None, opens_a_session),
    (COMPANION, "KeepGrantsAndSessions", "dynamodb:GetItem"): (begun_for_uppy, lists_for_uppy),
    (COMPANION, "KeepGrantsAndSessions", "dynamodb:UpdateItem"): (begun_for_uppy, aborts_for_uppy),
    (COMPANION, "SignUploads", "s3:PutObject"): (None, begins_for_uppy),
    (COMPANION, "SeeAndForgetParts", "s3:ListMultipartUploadParts"): (begun_for_uppy, lists_for_uppy),
    (COMPANION, "SeeAndForgetParts", "s3:AbortMultipartUpload"): (begun_for_uppy, aborts_for_uppy),
    (COMPANION, "SettleObjects", "s3:GetObject"): (sent_for_uppy, completes_for_uppy),
    (COMPANION, "SettleObjects", "s3:GetObjectVersion"): (sent_for_uppy, completes_for_uppy),
    (COMPANION, "SettleObjects", "s3:PutObjectVersionTagging"): (sent_for_uppy, completes_for_uppy),
    (COMPANION, "SettleObjects", "s3:DeleteObjectVersion"): (sent_something_else_for_uppy, refuses_for_uppy),
}

# What works on the engine without, though not on AWS: it answers 404 for what is missing to everyone, writes the logs and
# empties the queue by itself, and takes no traces.
LET_PASS: dict[tuple[str, str, str], tuple[Prepare | None, Attempt]] = {
    (CONFIRM, "SeeWhatIsMissing", "s3:ListBucket"): (granted, sees_what_is_missing),
    (THUMBNAILS, "SeeWhatIsMissing", "s3:ListBucket"): (granted, passes_over_what_is_gone),
    (SWEEP, "SeeWhatIsMissing", "s3:ListBucket"): (unused, expires),
    (COMPANION, "SeeWhatIsMissing", "s3:ListBucket"): (sent_for_uppy, completes_for_uppy),
    **{(THUMBNAILS, "ConsumeArrivals", f"sqs:{what}"): (None, takes_from_the_queue) for what in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")},
    **{(function, "WriteLogs", f"logs:{what}"): (None, LOGS[function]) for function in ROLES for what in ("CreateLogStream", "PutLogEvents")},
    **{(function, "WriteTraces", f"xray:{what}"): (None, LOGS[function]) for function in ROLES for what in ("PutTraceSegments", "PutTelemetryRecords")},
}
# A thumbnail is removed when its upload is deleted between its writing and its recording: no test of a deployed stack hits
# that moment. crates/core does, on ports.
NEEDS_A_RACE = {(THUMBNAILS, "WriteThumbnails", "s3:DeleteObject")}


@pytest.mark.parametrize(("need", "how"), [pytest.param(need, how, id=" ".join(need)) for need, how in NEEDED.items()])
def test_without_it_something_fails_and_with_it_again_works(trial, need, how):
    prepare, attempt = how
    given = [prepare(trial)] if prepare else []
    with without(trial.stack, *need):
        assert not attempt(trial, *given), "it works without"
    again = [prepare(trial)] if prepare else []
    assert attempt(trial, *again), "it does not work with all that the role allows"


@pytest.mark.parametrize(("need", "how"), [pytest.param(need, how, id=" ".join(need)) for need, how in LET_PASS.items()])
def test_what_the_engine_lets_pass_is_known(trial, need, how):
    """Should it learn to ask, this fails, and the row moves up."""
    prepare, attempt = how
    given = [prepare(trial)] if prepare else []
    with without(trial.stack, *need):
        assert attempt(trial, *given)


def test_every_action_of_every_role_is_tried():
    allowed = {(function, sid, action) for function, statements in MAY.items() for sid, actions, _ in statements for action in actions.split()}
    assert NEEDED.keys() | LET_PASS.keys() | NEEDS_A_RACE == allowed
    assert len(NEEDED) + len(LET_PASS) + len(NEEDS_A_RACE) == len(allowed)
