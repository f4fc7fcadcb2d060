"""Many grants at once, of which half are left in every state a client can leave one in; and what the sweep must make of them.

It speaks plain HTTP, as clients do that nobody has written yet. It must never mend anything itself.
"""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from boto3.dynamodb.types import TypeDeserializer

from tests.e2e.user import Secrets, User
from tests.e2e.web import Reply, send
from tests.heavy.files import CONTENT_TYPE, FTYP
from tests.heavy.scenarios import Broken, Setting

# Grants that end within the minute, and a sweep that waits for nothing after that and looks at everything.
SHORT = {
    "GRANT_LIFETIME_SECONDS": "60",
    "MULTIPART_LIFETIME_SECONDS": "60",
    "GRACE_SECONDS": "0",
    "OBJECT_AGE_SECONDS": "0",
    "MULTIPART_AGE_SECONDS": "0",
    "WALK_PAGES": "100",
}
SWEEP = "sweep-uploads"
# What EventBridge sends every quarter of an hour; the function reads none of it.
SCHEDULED = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
MOST_RUNS = 50
SMALL = 4096
PART_SIZE = 5 << 20
# Two parts, the second of which is short.
LARGE = PART_SIZE + SMALL
AT_ONCE = 32
OWNERS = 20


class Fate(StrEnum):
    """How far a client goes."""

    DONE = "confirmed"
    DONE_IN_PARTS = "confirmed, in parts"
    NOTHING = "granted"
    NOTHING_IN_PARTS = "granted, in parts"
    ARRIVED = "sent, not confirmed"
    SOME_PARTS = "one part of two sent"
    ALL_PARTS = "all parts sent, not confirmed"
    CANCELLED = "cancelled"
    CANCELLED_IN_PARTS = "cancelled after a part"
    SENT_AFTER_CANCEL = "cancelled, then sent"

    @property
    def is_in_parts(self) -> bool:
        """Whether the file is large."""
        return self in (Fate.DONE_IN_PARTS, Fate.NOTHING_IN_PARTS, Fate.SOME_PARTS, Fate.ALL_PARTS, Fate.CANCELLED_IN_PARTS)

    @property
    def ends_as(self) -> str:
        """The state after the sweep. What arrived in time is a file, though nobody confirmed it; parts that nobody put together are none."""
        match self:
            case Fate.DONE | Fate.DONE_IN_PARTS | Fate.ARRIVED:
                return "ready"
            case Fate.NOTHING | Fate.NOTHING_IN_PARTS | Fate.SOME_PARTS | Fate.ALL_PARTS:
                return "expired"
            case Fate.CANCELLED | Fate.CANCELLED_IN_PARTS | Fate.SENT_AFTER_CANCEL:
                return "cancelled"


FINISHED = (Fate.DONE, Fate.DONE, Fate.DONE, Fate.DONE_IN_PARTS)
ABANDONED = tuple(fate for fate in Fate if fate not in FINISHED)


@dataclass(frozen=True)
class Left:
    """A grant and how it was left."""

    fate: Fate
    owner: str
    id: str


@dataclass
class Swept:
    """What came of all of them."""

    grants: int
    fates: dict[str, int]
    states: dict[str, int]
    open_multiparts_before: int
    seconds_to_leave: float
    # What each run of the sweep answered.
    runs: list[dict]
    seconds_to_sweep: float

    def json(self) -> dict:
        """For machines."""
        return {
            "grants": self.grants,
            "fates": self.fates,
            "states": self.states,
            "openMultipartUploadsBefore": self.open_multiparts_before,
            "secondsToLeave": self.seconds_to_leave,
            "sweeps": len(self.runs),
            "swept": {name: sum(run[name] for run in self.runs) for name in ("expired", "settled", "aborted", "removed")},
            "secondsToSweep": self.seconds_to_sweep,
        }


def leave(setting: Setting, count: int) -> list[Left]:
    """As many grants, half of them finished, each of another fate, all under way together."""
    dice = random.Random(f"grants/{setting.seed}")
    fates = [dice.choice(FINISHED) if number % 2 else ABANDONED[number // 2 % len(ABANDONED)] for number in range(count)]
    dice.shuffle(fates)
    secrets = Secrets()
    users = [User(setting.stack.api_url, setting.stack.token(f"owner-{number}"), f"owner-{number}", secrets) for number in range(OWNERS)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda pair: _leave(users[pair[0] % OWNERS], pair[1]), enumerate(fates)))


def pass_time(setting: Setting, left: list[Left], *, is_patient: bool) -> None:
    """Waits until every grant has ended, or sets the rows back as if it had: to an hour ago, and what arrived stays in time."""
    if is_patient:
        ends = max(int(row["expires_at"]) for row in _rows(setting).values()) / 1000
        time.sleep(max(0.0, ends + 1 - time.time()))
        return
    then = {"N": str(int((time.time() - 3600) * 1000))}
    for grant in left:
        if grant.fate.ends_as == "cancelled" or grant.fate in FINISHED:
            continue
        attributes = ["due_at"] if grant.fate is Fate.ARRIVED else ["due_at", "expires_at"]
        setting.stack.stack.dynamodb.update_item(
            TableName=setting.stack.stack.table,
            Key={"pk": {"S": f"OWNER#{grant.owner}"}, "sk": {"S": f"UPLOAD#{grant.id}"}},
            UpdateExpression="SET " + ", ".join(f"{name} = :then" for name in attributes),
            ConditionExpression=" AND ".join(f"attribute_exists({name})" for name in attributes),
            ExpressionAttributeValues={":then": then},
        )


def abandon_and_sweep(setting: Setting, count: int, *, is_patient: bool) -> Swept:
    """Leaves grants, lets their time pass, sweeps until there is nothing to do, and looks at everything."""
    began = time.monotonic()
    left = leave(setting, count)
    seconds_to_leave = time.monotonic() - began
    before = len(_multiparts(setting))
    pass_time(setting, left, is_patient=is_patient)
    began, runs = time.monotonic(), []
    while not runs or _did_something(runs[-1]):
        if len(runs) == MOST_RUNS:
            raise Broken(f"the sweep does not come to an end: {runs[-1]}")
        runs.append(setting.stack.front.invoke(SWEEP, SCHEDULED))
        setting.say(f"swept: {runs[-1]}")
    seconds = time.monotonic() - began
    rows = _rows(setting)
    for grant in left:
        found = rows.get((grant.owner, grant.id), {}).get("status")
        if found != grant.fate.ends_as:
            raise Broken(f"a grant that was {grant.fate} is {found} and not {grant.fate.ends_as}")
    if found := _multiparts(setting):
        raise Broken(f"{len(found)} multipart uploads are still open")
    _look_for_orphans(setting, rows)
    fates = Counter(grant.fate.value for grant in left)
    states = Counter(row["status"] for row in rows.values())
    return Swept(len(left), dict(sorted(fates.items())), dict(states), before, seconds_to_leave, runs, seconds)


def _did_something(run: dict) -> bool:
    return run["truncated"] or any(run[name] for name in ("expired", "settled", "aborted", "removed", "failed"))


def _leave(user: User, fate: Fate) -> Left:
    content = FTYP + bytes((LARGE if fate.is_in_parts else SMALL) - len(FTYP))
    wanted = {"filename": f"{fate.name.lower()}.mp4", "contentType": CONTENT_TYPE, "size": len(content)}
    if fate.is_in_parts:
        wanted["partSize"] = PART_SIZE
    grant = _must(user.issue(wanted), 201).json()
    match fate:
        case Fate.DONE | Fate.ARRIVED:
            _must(user.put(grant, content), 200)
        case Fate.DONE_IN_PARTS | Fate.ALL_PARTS:
            _put_parts(grant, content, 2)
        case Fate.SOME_PARTS | Fate.CANCELLED_IN_PARTS:
            _put_parts(grant, content, 1)
    match fate:
        case Fate.DONE | Fate.DONE_IN_PARTS:
            _must(user.confirm(grant), 200)
        case Fate.CANCELLED | Fate.CANCELLED_IN_PARTS | Fate.SENT_AFTER_CANCEL:
            _must(user.cancel(grant), 204)
    if fate is Fate.SENT_AFTER_CANCEL:
        # The URL outlives the grant by some minutes, and S3 knows nothing of grants.
        _must(user.put(grant, content), 200)
    return Left(fate, user.owner, grant["id"])


def _put_parts(grant: dict, content: bytes, count: int) -> None:
    size = grant["multipart"]["partSize"]
    for part in grant["multipart"]["parts"][:count]:
        begin = (part["partNumber"] - 1) * size
        _must(send(part["method"], part["url"], part["headers"], content[begin : begin + part["size"]]), 200)


def _must(reply: Reply, status: int) -> Reply:
    if reply.status != status:
        raise Broken(f"an answer was {reply.status} and not {status}: {reply.body[:300]!r}")
    return reply


def _multiparts(setting: Setting) -> list[dict]:
    pages = setting.stack.store.s3.get_paginator("list_multipart_uploads").paginate(Bucket=setting.stack.bucket)
    return [upload for page in pages for upload in page.get("Uploads", [])]


def _rows(setting: Setting) -> dict[tuple[str, str], dict]:
    """Every upload's row, by owner and id."""
    pages = setting.stack.stack.dynamodb.get_paginator("scan").paginate(TableName=setting.stack.stack.table, ConsistentRead=True)
    items = [TypeDeserializer().deserialize({"M": item}) for page in pages for item in page["Items"]]
    split = [(item["pk"].partition("#"), item["sk"].partition("#"), item) for item in items]
    return {(pk[2], sk[2]): item for pk, sk, item in split if (pk[0], sk[0]) == ("OWNER", "UPLOAD")}


def _look_for_orphans(setting: Setting, rows: dict[tuple[str, str], dict]) -> None:
    """Every version of every object is the one that its ready row names, and every ready row has its object."""
    pages = setting.stack.store.s3.get_paginator("list_object_versions").paginate(Bucket=setting.stack.bucket)
    found = set()
    for page in pages:
        if markers := page.get("DeleteMarkers"):
            raise Broken(f"{len(markers)} delete markers are left, the first of {markers[0]['Key']}")
        for version in page.get("Versions", []):
            _, owner, name = version["Key"].split("/")
            row = rows.get((owner, name.partition(".")[0]), {})
            if row.get("status") != "ready" or row.get("version_id") != version["VersionId"]:
                raise Broken(f"{version['Key']} is an orphan: its row is {row.get('status', 'missing')}")
            found.add((owner, name.partition(".")[0]))
    ready = {key for key, row in rows.items() if row["status"] == "ready"}
    if ready != found:
        raise Broken(f"{len(ready - found)} files have lost their object")
