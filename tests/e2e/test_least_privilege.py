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
from tests.template.assertions.assertion import CONFIRM, ISSUE, THUMBNAILS
from tests.template.assertions.permissions import MAY

from .polling import eventually
from .samples import MP4, PHOTO
from .storage import Storage
from .test_order import arrival
from .user import Secrets, User
from .web import send

PART_BYTES = 5 << 20
ROLES = {ISSUE: "IssueUploadRole", CONFIRM: "ConfirmUploadRole", THUMBNAILS: "GenerateThumbnailsRole"}


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


Prepare = Callable[[Trial], dict]
Attempt = Callable[..., bool]

# What has to be there first, and what then fails without the action.
NEEDED: dict[tuple[str, str, str], tuple[Prepare | None, Attempt]] = {
    (ISSUE, "KeepGrants", "dynamodb:PutItem"): (None, issues),
    (ISSUE, "KeepGrants", "dynamodb:GetItem"): (granted, reads),
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
    (THUMBNAILS, "SettleRows", "dynamodb:GetItem"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleRows", "dynamodb:UpdateItem"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleObjects", "s3:GetObject"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleObjects", "s3:GetObjectVersion"): (arrived, verifies_a_version),
    (THUMBNAILS, "SettleObjects", "s3:PutObjectVersionTagging"): (arrived, verifies_by_event),
    (THUMBNAILS, "SettleObjects", "s3:DeleteObjectVersion"): (late, removes_what_nobody_asked_for),
    (THUMBNAILS, "WriteThumbnails", "s3:PutObject"): (confirmed, makes_a_thumbnail),
}

# What works on the engine without, though not on AWS: it answers 404 for what is missing to everyone, writes the logs and
# empties the queue by itself, and takes no traces.
LET_PASS: dict[tuple[str, str, str], tuple[Prepare | None, Attempt]] = {
    (CONFIRM, "SeeWhatIsMissing", "s3:ListBucket"): (granted, sees_what_is_missing),
    (THUMBNAILS, "SeeWhatIsMissing", "s3:ListBucket"): (granted, passes_over_what_is_gone),
    **{(THUMBNAILS, "ConsumeArrivals", f"sqs:{what}"): (None, takes_from_the_queue) for what in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")},
    **{(function, "WriteLogs", f"logs:{what}"): (None, logs) for function in ROLES for what in ("CreateLogStream", "PutLogEvents")},
    **{(function, "WriteTraces", f"xray:{what}"): (None, logs) for function in ROLES for what in ("PutTraceSegments", "PutTelemetryRecords")},
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
