"""Two owners at once: what one does about another's upload, at whatever moment, is as if nobody had done it."""

import itertools
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.polling import eventually
from tests.e2e.samples import PDF
from tests.e2e.uppy import call
from tests.e2e.user import wanted
from tests.e2e.web import send

from .owners import Attacker, bearer, of_grant
from .requests import ABOUT, Target
from .routes import routes

ROUNDS = 30
AT_ONCE = 12
ABOUT_AN_UPLOAD = [route for route in routes() if route.key in ABOUT]
# What may happen to an upload, in its owner's order, and how it stands afterwards.
LIVES = {
    "ready": ("put", "confirm"),
    "deleted": ("put", "confirm", "delete"),
    "cancelled": ("cancel",),
    "removed": ("put", "confirm", "read", "resign"),
}
ENDS = {"ready": "ready", "deleted": "deleted", "cancelled": "cancelled", "removed": "ready"}


def lives(alice, grant: dict, steps: tuple[str, ...]) -> list[int]:
    """The owner's own calls, one after the other, and what they were answered."""
    acts = {
        "put": lambda: alice.put(grant, PDF.content),
        "confirm": lambda: alice.confirm(grant),
        "delete": lambda: alice.delete(grant),
        "cancel": lambda: alice.cancel(grant),
        "read": lambda: alice.read(grant),
        "resign": lambda: alice.resign(grant),
    }
    return [acts[step]().status for step in steps]


def test_whatever_another_owner_does_meanwhile_changes_nothing(new_user, mallory: Attacker, storage):
    """Thirty rounds: the owner uploads, confirms, deletes or cancels, while somebody else asks every route about it, over and over."""
    alice, alone = new_user(), {}
    for name, steps in LIVES.items():
        alone[name] = lives(alice, alice.grant(PDF), steps)
    seen: Counter[int] = Counter()
    for number, (name, steps) in zip(range(ROUNDS), itertools.cycle(LIVES.items())):
        grant = alice.grant(PDF)
        target = of_grant(alice, grant, "pdf")
        # As many calls as there are routes, twice, begun in another order each time.
        asked = (ABOUT_AN_UPLOAD[number % 5 :] + ABOUT_AN_UPLOAD) [: 2 * len(ABOUT_AN_UPLOAD)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            attacks = [pool.submit(mallory.ask, route, target) for route in asked]
            answers = lives(alice, grant, steps)
            seen.update(attack.result().status for attack in attacks)
        assert answers == alone[name], name
        row = storage.row(alice.owner, grant["id"])
        assert row["status"] == ENDS[name], (name, row)
        assert storage.row(mallory.user.owner, grant["id"]) is None
        assert len(storage.versions(target.key)) == (1 if ENDS[name] == "ready" else 0)
    assert set(seen) == {404}, seen
    assert storage.versions(f"uploads/{mallory.user.owner}") == []


def test_a_stranger_who_stores_for_somebody_else_gains_nothing(new_user, mallory: Attacker, storage):
    """A URL is a credential: whoever has it may bring the granted bytes, and they are the owner's all the same."""
    alice = new_user()
    for _ in range(5):
        grant = alice.grant(PDF)
        with ThreadPoolExecutor(4) as pool:
            puts = [pool.submit(who.put, grant, PDF.content) for who in (alice, mallory.user, alice, mallory.user)]
            assert sorted(put.result().status for put in puts) in ([200, 412, 412, 412], [200, 409, 412, 412], [200, 409, 409, 412], [200, 409, 409, 409])
        assert mallory.user.confirm(grant).status == 404
        assert alice.confirm(grant).status == 200
        assert len(storage.versions(f"uploads/{alice.owner}/{grant['id']}.pdf")) == 1


def test_two_owners_with_one_idempotency_key_get_two_uploads(new_user, storage):
    users, key = [new_user() for _ in range(4)], str(uuid.uuid4())
    asked = {user.owner: wanted(PDF.content, PDF.content_type, PDF.extension) for user in users}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = [(user, pool.submit(user.issue, asked[user.owner], {"idempotency-key": key})) for user in users * 3]
        replies = [(user, reply.result()) for user, reply in replies]
    # Of one owner's three at once some may be told to come again.
    assert {reply.status for _, reply in replies} <= {200, 201, 409}, replies
    ids: dict[str, set[str]] = {}
    for user, reply in replies:
        if reply.status != 409:
            ids.setdefault(user.owner, set()).add(reply.json()["id"])
    assert all(len(of_one) == 1 for of_one in ids.values()) and len(ids) == len(users)
    assert len(set.union(*ids.values())) == len(users)
    for owner, (upload_id,) in ids.items():
        assert storage.row(owner, upload_id)["status"] == "pending"


def test_of_many_multipart_uploads_named_at_once_one_is_the_uploads(new_user, storage):
    """A client may begin several with one signature; the first that it names is the upload's, and nothing is signed about another."""
    alice = new_user()
    create = call(alice.api_url, "POST /s3/sign", bearer(alice), {"method": "POST", "key": "a.mp4", "contentType": "video/mp4"}).json()
    begun = [send("POST", create["url"], create["headers"], b"").body.decode().split("<UploadId>")[1].split("<")[0] for _ in range(6)]
    assert len(set(begun)) == 6

    def signs(name: str) -> tuple[str, int]:
        asked = {"method": "PUT", "key": create["key"], "uploadId": name, "partNumber": 1}
        return name, call(alice.api_url, "POST /s3/sign", bearer(alice), asked).status

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(signs, begun * 3))
    signed = {name for name, status in answers if status == 200}
    assert len(signed) == 1, answers
    upload_id = create["key"].rsplit("/", 1)[1].split(".")[0]
    assert {storage.row(alice.owner, upload_id)["multipart_id"]} == signed
    assert {status for name, status in answers if name not in signed} == {404}


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_an_id_that_two_ask_about_while_it_is_deleted_is_gone_for_both(new_user, mallory: Attacker, storage, who):
    alice = new_user()
    grant = alice.upload(PDF)
    assert alice.confirm(grant).status == 200
    target = Target(grant["id"], f"uploads/{alice.owner}/{grant['id']}.pdf")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        deletes = [pool.submit((alice if who == "owner" else mallory.user).delete, grant) for _ in range(6)]
        deletes += [pool.submit(alice.delete, grant)]
        strangers = [pool.submit(mallory.user.file, grant) for _ in range(6)]
        statuses = {delete.result().status for delete in deletes}
        assert {one.result().status for one in strangers} == {404}
    assert statuses == ({204} if who == "owner" else {204, 404})
    eventually(lambda: storage.versions(target.key) == [], "it is gone")
    assert storage.row(alice.owner, grant["id"])["status"] == "deleted"
