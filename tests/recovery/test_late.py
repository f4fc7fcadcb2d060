"""What comes days late: events of old objects, a dead-letter queue that nobody looked at for a week, a URL that is used once more."""

import json

import pytest

from tests.e2e.samples import PDF, PHOTO
from tests.e2e.test_events import put_as_owner
from tests.faults.passing import HOUR
from tests.recovery.conftest import Recovery

WEEK = 7 * 24 * HOUR


def arrivals(recovery: Recovery, owner: str, count: int = 1) -> list[str]:
    return recovery.courier.take(owner, count)


def dead(recovery: Recovery, bodies: list[str]) -> None:
    for body in bodies:
        recovery.storage.sqs.send_message(QueueUrl=recovery.storage.dead_letter_queue_url, MessageBody=body)


@pytest.mark.parametrize("ends", ["ready", "deleted", "cancelled"])
def test_an_event_that_comes_again_a_week_later_changes_nothing(recovery, ends):
    user = recovery.user()
    grant = user.upload(PHOTO)
    (body,) = arrivals(recovery, user.owner)
    if ends == "cancelled":
        assert user.cancel(grant).status == 204
    else:
        recovery.courier.work_off(body)
    if ends == "deleted":
        assert user.delete(grant).status == 204
    recovery.passing.set_back(user.owner, WEEK)
    before = recovery.copy()
    for _ in range(2):
        recovery.courier.work_off(body)
    assert recovery.copy() == before
    assert recovery.storage.row(user.owner, grant["id"])["status"] == ends
    assert len(recovery.storage.versions(f"uploads/{user.owner}")) == (ends == "ready")
    assert recovery.wrong() == []


def test_an_event_of_nobodys_object_removes_it_and_leaves_no_row(recovery):
    user = recovery.user()
    key = f"uploads/{user.owner}/01936f2e-8b5a-7c3d-9e4f-0123456789ab.jpg"
    put_as_owner(recovery.storage, key, PHOTO.content)
    (body,) = arrivals(recovery, user.owner)
    for _ in range(2):
        recovery.courier.work_off(body)
    assert (recovery.storage.versions(key), recovery.copy()) == ([], [])


def test_a_week_old_dead_letter_queue_is_worked_off(recovery):
    """Some of what lies there is done by now, one way or the other; the rest becomes files."""
    user = recovery.user()
    grants = {name: user.upload(PHOTO) for name in ("verified", "deleted", "cancelled", "settled by the sweep", "to do")}
    document = user.upload(PDF)
    bodies = arrivals(recovery, user.owner, len(grants) + 1)
    for name in ("verified", "deleted"):
        assert user.confirm(grants[name]).status == 200
    assert user.delete(grants["deleted"]).status == 204
    assert user.cancel(grants["cancelled"]).status == 204
    late = user.grant(PHOTO)
    recovery.passing.set_back(user.owner, WEEK)
    keep = {grants["to do"]["id"], document["id"]}
    # Their grants go on: the sweep has not come to them.
    for upload_id in keep:
        _move(recovery, user.owner, upload_id, -2 * WEEK)
    # The walk would come to them all the same.
    recovery.passing.hurry(walk_pages=0)
    recovery.passing.sweep()
    recovery.passing.hurry()
    recovery.courier.take_all()
    assert user.put(late, PHOTO.content).status == 200
    bodies += arrivals(recovery, user.owner)
    for upload_id in keep:
        _move(recovery, user.owner, upload_id, 2 * WEEK)
    dead(recovery, [*bodies, *bodies[:2], "not an event"])
    moved = recovery.redrive()
    assert (moved.code, moved.out) == (0, f"{len(bodies) + 3} moved\n"), moved
    for body in _queued(recovery):
        recovery.courier.deliver(body)
    row = lambda grant: recovery.storage.row(user.owner, grant["id"])  # noqa: E731
    states = {name: row(grant)["status"] for name, grant in (grants | {"late": late, "document": document}).items()}
    ready = {"verified", "settled by the sweep", "to do", "document"}
    assert states == dict.fromkeys(ready, "ready") | {"deleted": "deleted", "cancelled": "cancelled", "late": "expired"}
    assert {row(grants[name])["thumbnails"]["status"] for name in ready - {"document"}} == {"ready"}
    for grant in (grants["deleted"], grants["cancelled"], late):
        assert recovery.storage.versions(f"uploads/{user.owner}/{grant['id']}") == []
    assert recovery.wrong() == []


def test_a_url_that_is_used_again_after_its_file_was_deleted_brings_nothing_back_even_if_the_table_is_lost(recovery):
    user = recovery.user()
    grant, kept = user.upload(PHOTO), user.upload(PDF)
    for each in (grant, kept):
        assert user.confirm(each).status == 200
    recovery.deliver_all()
    assert user.delete(grant).status == 204
    recovery.restore([])
    assert user.put(grant, PHOTO.content).status == 200
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    assert recovery.served(key) is None
    done = recovery.reindex()
    assert (done.code, done.told) == (0, {grant["id"]: "unverified", kept["id"]: "rebuilt"})
    recovery.deliver_all()
    assert recovery.storage.versions(key) == []
    assert [file["id"] for file in user.files().json()["items"]] == [kept["id"]]
    assert recovery.wrong() == []


def _move(recovery: Recovery, owner: str, upload_id: str, milliseconds: int) -> None:
    """Makes the times of one row lie further back, or ahead."""
    recovery.storage.dynamodb.update_item(
        TableName=recovery.storage.table,
        Key={"pk": {"S": f"OWNER#{owner}"}, "sk": {"S": f"UPLOAD#{upload_id}"}},
        UpdateExpression="SET expires_at = expires_at - :by, due_at = due_at - :by",
        ExpressionAttributeValues={":by": {"N": str(milliseconds)}},
    )


def _queued(recovery: Recovery) -> list[str]:
    """Every message in the queue, those that are no events too."""
    bodies = []
    while found := recovery.storage.sqs.receive_message(QueueUrl=recovery.storage.queue_url, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            recovery.storage.sqs.delete_message(QueueUrl=recovery.storage.queue_url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    assert any(json.loads(body).get("Records") for body in bodies if body.startswith("{"))
    return bodies
