"""What one owner may hold: however it is asked for, no more is granted than fits, and whatever ends gives its room back.

The stack has the limits that the template gives one; a test that wants others tells them to the functions that grant. After each
test what an owner is told is what its rows come to.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.stack import Stack

from . import expect
from .samples import MP4, PHOTO, PNG
from .test_grants import rows
from .test_sweep import LONG_AGO, Swept
from .test_uppy_bounds import bearer, params, sign
from .test_uppy_contract import with_session
from .uppy import call, post_form
from .user import User, wanted
from .web import Reply, send

MIB = 1 << 20
GRANTING = ("issue-upload", "companion")
NAMES = {"files": "OWNER_MAX_FILES", "bytes": "OWNER_MAX_BYTES", "pending": "OWNER_MAX_PENDING", "grantsPerMinute": "OWNER_GRANTS_PER_MINUTE"}
DEFAULTS = {"files": 10000, "bytes": 100 * 1024 * MIB, "pending": 100, "grantsPerMinute": 600}
RACERS = 50
FITTING = 17


class Bounded(Swept):
    """A stack whose limits can be told, with a sweep that can be run."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.users: list[User] = []

    def user(self) -> User:
        user = super().user()
        self.users.append(user)
        return user

    def limit(self, **limits: int) -> None:
        """From now on these limits, and of the others none."""
        told = {name: str(limits.get(what, 0)) for what, name in NAMES.items()}
        for name in GRANTING:
            environment = {"Variables": self.stack.outputs.environment[name] | told}
            self.stack.client("lambda").update_function_configuration(FunctionName=self.stack.outputs.functions[name], Environment=environment)

    def restore(self) -> None:
        """The limits that the stack was deployed with."""
        for name in GRANTING:
            environment = {"Variables": self.stack.outputs.environment[name]}
            self.stack.client("lambda").update_function_configuration(FunctionName=self.stack.outputs.functions[name], Environment=environment)

    def counted(self, user: User) -> dict[str, int]:
        """What a user's rows come to."""
        found = [self.storage.row(user.owner, upload_id) for upload_id in rows(self.storage, user)]
        held = [row for row in found if row["status"] in ("pending", "ready")]
        sizes = [row.get("size_bytes", row.get("max_bytes")) for row in held]
        return {"files": len(held), "bytes": sum(sizes), "pending": sum(row["status"] == "pending" for row in held)}


@pytest.fixture(scope="module")
def deployed() -> Iterator[Bounded]:
    with Stack(roomy=False) as stack:
        yield Bounded(stack)


@pytest.fixture
def bounded(deployed) -> Iterator[Bounded]:
    """The stack as it was deployed; whoever was there is told afterwards what they hold, exactly."""
    deployed.users.clear()
    yield deployed
    for user in deployed.users:
        assert used(user) == deployed.counted(user), user.owner
    deployed.restore()


@pytest.fixture
def user(bounded) -> User:
    return bounded.user()


def usage(user: User) -> dict:
    """What the API tells a user."""
    reply = user.call("GET", "/v1/usage")
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store"), reply
    return reply.json()


def used(user: User) -> dict[str, int]:
    """How much of each is held."""
    told = usage(user)
    return {what: told[what]["used"] for what in ("files", "bytes", "pending")}


def asking(size: int = 1000) -> dict:
    """A grant for so many bytes, which need not come."""
    return wanted(b"", "image/jpeg", "jpg") | {"size": size}


def batch(user: User, items: list[dict]) -> list[dict]:
    reply = user.call("POST", "/v1/uploads/batch", {"items": items})
    assert reply.status == 200, reply
    return reply.json()["items"]


def full(reply: Reply, status: int, code: str) -> dict:
    """The reply is this refusal; what can pass says after how long."""
    told = expect.problem(reply, status, code)
    assert ("retry-after" in reply.headers) is (status == 429), reply
    return told


def test_the_hundred_and_first_pending_upload_is_told_to_wait(bounded, user):
    granted = [item for _ in range(2) for item in batch(user, [asking(1) for _ in range(50)])]
    assert Counter(item["status"] for item in granted) == {201: 100}
    refused = user.issue(asking(1))
    full(refused, 429, "too_many_pending")
    assert refused.headers["retry-after"] == "10"
    assert len(rows(bounded.storage, user)) == 100
    told = usage(user)
    assert {what: count["limit"] for what, count in told.items()} == DEFAULTS
    assert {what: count["used"] for what, count in told.items() if what != "grantsPerMinute"} == {"files": 100, "bytes": 100, "pending": 100}
    assert user.cancel(granted[0]["upload"]).status == 204
    assert user.issue(asking(1)).status == 201
    full(user.issue(asking(1)), 429, "too_many_pending")


@pytest.mark.parametrize(("what", "limit"), [("files", 3), ("bytes", 3 * 1000 + 999)])
def test_what_is_too_much_until_something_is_deleted_is_final_and_nothing_of_it_is_kept(bounded, user, what, limit):
    bounded.limit(**{what: limit})
    granted = [user.issue(asking(1000)).json() for _ in range(3)]
    told = full(user.issue(asking(1000)), 403, "quota_exceeded")
    assert str(limit) in told["detail"]
    assert rows(bounded.storage, user) == sorted(grant["id"] for grant in granted)
    bounded.limit(**{what: limit + 1})
    assert user.issue(asking(1000)).status == 201


def test_a_file_that_no_owner_could_hold_is_refused_and_so_is_one_in_parts(bounded, user):
    bounded.limit(bytes=20 * MIB)
    full(user.issue(asking(20 * MIB + 1)), 403, "quota_exceeded")
    film = wanted(b"", "video/mp4", "mp4") | {"size": 21 * MIB}
    full(user.issue(film), 403, "quota_exceeded")
    assert rows(bounded.storage, user) == []
    assert user.issue(film | {"size": 20 * MIB}).status == 201


@pytest.mark.parametrize("what", ["pending", "files", "bytes", "grantsPerMinute"])
def test_of_fifty_at_once_exactly_as_many_are_granted_as_fit(bounded, what):
    bounded.limit(**{what: FITTING * 1000 + 999 if what == "bytes" else FITTING})
    user, replies, began = racing(bounded)
    statuses = Counter(reply.status for reply in replies)
    assert statuses[201] == FITTING, (statuses, began)
    refusal = {"pending": (429, "too_many_pending"), "grantsPerMinute": (429, "too_many_grants")}.get(what, (403, "quota_exceeded"))
    for reply in replies:
        if reply.status != 201:
            full(reply, *refusal)
    assert rows(bounded.storage, user) == sorted(reply.json()["id"] for reply in replies if reply.status == 201)


def racing(bounded: Bounded) -> tuple[User, list[Reply], float]:
    """Fifty requests at once, all within one minute of the clock; who is told that it is busy asks again, as a client does."""

    def ask(user: User) -> Reply:
        deadline = time.monotonic() + 30
        while (reply := user.issue(asking(1000))).status == 503 and time.monotonic() < deadline:
            assert reply.json()["retryable"], reply
        return reply

    for _ in range(3):
        user, began = bounded.user(), time.time()
        with ThreadPoolExecutor(RACERS) as racers:
            replies = list(racers.map(ask, [user] * RACERS))
        if began // 60 == time.time() // 60:
            return user, replies, began
    raise AssertionError("fifty requests take longer than a minute")


def test_one_place_that_is_left_is_granted_once_however_many_batches_race_for_it(bounded, user):
    bounded.limit(pending=30)
    with ThreadPoolExecutor(4) as racers:
        answers = list(racers.map(lambda _: batch(user, [asking(1) for _ in range(10)]), range(4)))
    codes = Counter(item.get("problem", {}).get("code", 201) for items in answers for item in items)
    assert codes == {201: 30, "too_many_pending": 10}


def test_each_end_of_an_upload_gives_its_room_back(bounded, user):
    bounded.limit(files=1)

    def ended(how: Callable[[dict], object]) -> None:
        """Grants, refuses another one, ends, and has room again."""
        grant = user.grant(PNG)
        full(user.issue(asking()), 403, "quota_exceeded")
        how(grant)
        assert used(user) == {"files": 0, "bytes": 0, "pending": 0}, how.__name__

    def cancel(grant: dict) -> None:
        assert user.cancel(grant).status == 204
        assert user.cancel(grant).status == 204, "once more gives no more"

    def reject(grant: dict) -> None:
        # What is sent is no PNG.
        assert user.put(grant, b"<!doctype html>".ljust(len(PNG.content))).status == 200
        expect.problem(user.confirm(grant), 422, "content_mismatch")

    def delete(grant: dict) -> None:
        assert user.put(grant, PNG.content).status == 200
        assert user.confirm(grant).status == 200
        assert used(user) == {"files": 1, "bytes": len(PNG.content), "pending": 0}, "a file counts on, and is not pending"
        full(user.issue(asking()), 403, "quota_exceeded")
        assert user.delete(grant).status == user.delete(grant).status == 204

    def expire(grant: dict) -> None:
        bounded.set_back(user, grant["id"], LONG_AGO, "expires_at", "due_at", "created_at")
        assert used(user)["pending"] == 1, "its grace is the sweep's to end"
        assert bounded.sweep()["expired"] == 1

    for how in (cancel, reject, delete, expire, cancel):
        ended(how)


def test_a_grant_counts_what_it_may_bring_and_a_file_what_it_has(bounded, user):
    query = "filename=a.png&type=image/png"
    form = call(user.api_url, f"GET /s3/params?{query}", bearer(user)).json()
    types = {each["contentType"]: each["maxSize"] for each in user.call("GET", "/v1/limits").json()["types"]}
    assert used(user) == {"files": 1, "bytes": types["image/png"], "pending": 1}
    assert post_form(form["url"], form["fields"], PNG.content).status == 201
    upload_id = form["fields"]["key"].split("/")[-1].split(".")[0]
    assert user.settled({"id": upload_id})["status"] == "ready"
    assert used(user) == {"files": 1, "bytes": len(PNG.content), "pending": 0}


def test_no_more_grants_than_a_minute_has_are_given_in_one(bounded):
    bounded.limit(grantsPerMinute=5)
    for _ in range(3):
        user, began = bounded.user(), time.time()
        replies = [user.issue(asking(1)) for _ in range(6)]
        told, now = usage(user), time.time()
        if began // 60 == now // 60:
            break
    else:
        raise AssertionError("six requests take longer than a minute")
    assert [reply.status for reply in replies] == [201] * 5 + [429]
    full(replies[-1], 429, "too_many_grants")
    left = 60 - began % 60
    assert left - (now - began) - 1 <= int(replies[-1].headers["retry-after"]) <= left + 1
    assert told["grantsPerMinute"] == {"used": 5, "limit": 5}
    # To give one back opens no minute again.
    assert user.cancel(replies[0].json()).status == 204
    if time.time() // 60 == began // 60:
        full(user.issue(asking(1)), 429, "too_many_grants")


def test_of_a_batch_what_fits_is_granted_in_order_and_the_rest_says_why(bounded, user):
    bounded.limit(bytes=10_000, pending=3)
    sizes = [4000, 7000, 6000, 1]
    items = batch(user, [asking(size) for size in sizes])
    assert [item["status"] for item in items] == [201, 403, 201, 403]
    refused = [item["problem"] for item in items if "problem" in item]
    assert [(problem["code"], problem["retryable"], "retryAfter" in problem) for problem in refused] == [("quota_exceeded", False, False)] * 2
    assert rows(bounded.storage, user) == sorted(item["upload"]["id"] for item in items if "upload" in item)
    assert user.cancel(items[0]["upload"]).status == 204
    items = batch(user, [asking(1) for _ in range(5)])
    assert [item["status"] for item in items] == [201, 201, 429, 429, 429]
    assert {(item["problem"]["code"], item["problem"]["retryAfter"]) for item in items[2:]} == {("too_many_pending", 10)}


def test_a_repeated_request_gets_its_upload_again_where_nothing_more_fits(bounded, user):
    bounded.limit(files=2, pending=2)
    asked = asking()
    first = user.issue(asked, {"idempotency-key": "mine"})
    keyed = [asking(), asking()]
    batched = user.call("POST", "/v1/uploads/batch", {"items": keyed}, {"idempotency-key": "ours"}).json()["items"]
    assert [item["status"] for item in batched] == [201, 403]
    again = user.issue(asked, {"idempotency-key": "mine"})
    assert (again.status, again.json()["id"]) == (201, first.json()["id"])
    repeated = user.call("POST", "/v1/uploads/batch", {"items": keyed}, {"idempotency-key": "ours"}).json()["items"]
    assert [item["status"] for item in repeated] == [201, 403]
    assert repeated[0]["upload"]["id"] == batched[0]["upload"]["id"]
    assert used(user)["files"] == 2


def test_what_one_owner_holds_is_no_other_owners(bounded, user):
    bounded.limit(files=1, pending=1)
    other = bounded.user()
    assert user.issue(asking(7)).status == 201
    full(user.issue(asking(7)), 403, "quota_exceeded")
    assert used(other) == {"files": 0, "bytes": 0, "pending": 0}
    assert usage(other)["grantsPerMinute"] == {"used": 0}
    assert other.issue(asking(9)).status == 201
    assert (used(user)["bytes"], used(other)["bytes"]) == (7, 9)


def test_the_tutorials_route_and_those_of_uppy_are_under_the_same_limits(bounded, user):
    bounded.limit(pending=2)
    assert user.call("POST", "/get-upload-url", asking()).status == 200
    assert params(user, size=1).status == 200
    film = {"filename": "a.mp4", "type": "video/mp4", "metadata": {"size": 6 * MIB}}
    session = with_session(user)
    refused = [
        params(user, size=1),
        call(user.api_url, "POST /s3/multipart", bearer(user), film),
        call(session.endpoint, "POST /s3/multipart", session.headers, film),
        sign(user, method="PUT", key="a.png", contentType="image/png"),
        sign(user, method="POST", key="a.mp4", contentType="video/mp4"),
    ]
    for reply in refused:
        assert (reply.status, reply.headers["retry-after"]) == (429, "10"), reply
        told = reply.json()
        # Uppy 3 to 5 show the message and nothing else.
        assert (told["code"], told["error"], told["message"]) == ("too_many_pending", "too_many_pending", told["detail"])
        assert "2 uploads are pending" in told["message"]
    full(user.call("POST", "/get-upload-url", asking()), 429, "too_many_pending")
    assert len(rows(bounded.storage, user)) == 2


def test_a_browser_may_read_when_to_ask_again(bounded, user):
    bounded.limit(pending=1)
    origin = {"origin": "http://localhost:3000"}
    assert user.issue(asking(), origin).status == 201
    refused = user.issue(asking(), origin)
    full(refused, 429, "too_many_pending")
    assert refused.headers["access-control-allow-origin"] == origin["origin"]
    assert "retry-after" in refused.headers["access-control-expose-headers"].lower()


def test_0_is_no_limit(bounded, user):
    bounded.limit()
    assert all("limit" not in count for count in usage(user).values())
    assert [item["status"] for _ in range(3) for item in batch(user, [asking(1) for _ in range(50)])] == [201] * 150
    film = wanted(MP4.content, "video/mp4", "mp4") | {"size": 46 << 30}
    assert [user.issue(film).status for _ in range(3)] == [201] * 3


def test_a_new_limit_takes_nothing_away_and_grants_nothing_more(bounded, user):
    grant = user.upload(PNG)
    assert user.confirm(grant).status == 200
    pending = user.grant(PHOTO)
    bounded.limit(files=1, bytes=10)
    assert {what: count.get("limit") for what, count in usage(user).items()} == {"files": 1, "bytes": 10, "pending": None, "grantsPerMinute": None}
    full(user.issue(asking(1)), 403, "quota_exceeded")
    assert user.put(pending, PHOTO.content).status == 200
    assert user.confirm(pending).status == 200
    assert send("GET", user.confirm(grant).json()["fileUrl"]).status == 200
    assert used(user)["files"] == 2
