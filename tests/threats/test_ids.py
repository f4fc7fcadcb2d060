"""Nobody learns whether an id is somebody's: another owner's upload answers like one that never was, on every route, in every state."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.web import Reply, send

from .owners import STATES, Attacker, bearer, ready
from .requests import ABOUT, NOBODYS, Target
from .routes import Route, routes

ABOUT_AN_UPLOAD = [route for route in routes() if route.key in ABOUT]
# They hold the time, or an id of the call.
OF_THE_CALL = {"date", "x-amzn-requestid", "apigw-requestid", "x-amz-apigw-id", "x-amz-request-id", "x-amz-id-2", "amz-sdk-invocation-id"}
AT_ONCE = 16
NEIGHBOURS = 2000


def told(reply: Reply, *own: str) -> tuple[int, dict[str, str], str]:
    """All that a caller can see, without what only names this call or repeats what it asked."""
    body = reply.body.decode()
    if body.startswith("{"):
        body = json.dumps({name: value for name, value in json.loads(body).items() if name != "requestId"})
    for text in own:
        body = body.replace(text, "")
    headers = {name: value for name, value in reply.headers.items() if name not in OF_THE_CALL}
    return reply.status, headers, body


def unknown_like(target: Target) -> Target:
    """An id, a key and a name that look the same and are nobody's."""
    digits = uuid.uuid4().hex
    other = str(uuid.UUID(f"01936f2e8b5a7{digits[13:16]}9{digits[17:]}"))
    owner = target.key.split("/")[-2]
    return Target(other, target.key.replace(target.id, other).replace(owner, uuid.uuid4().hex), uuid.uuid4().hex)


@pytest.fixture(scope="module")
def alice(new_user):
    return new_user()


@pytest.fixture(scope="module")
def targets(alice, storage) -> dict[str, Target]:
    """Alice's uploads, one in each state."""
    return {state: make(alice, storage) for state, make in STATES.items()}


@pytest.mark.parametrize("state", STATES)
def test_anothers_upload_reads_like_one_that_never_was(targets, alice, mallory: Attacker, storage, state):
    target = targets[state]
    before = storage.row(alice.owner, target.id)
    assert before is not None

    def differs(route: Route) -> str | None:
        theirs, nobodys = mallory.ask(route, target), mallory.ask(route, unknown_like(target))
        same = told(theirs) == told(nobodys) and theirs.status == 404
        return None if same else f"{route.key}: {theirs} is not {nobodys}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert [found for found in pool.map(differs, ABOUT_AN_UPLOAD) if found] == []
    after = storage.row(alice.owner, target.id)
    # Its own event may have settled it meanwhile; nothing that was asked here has.
    if state not in ("arrived", "by_form"):
        assert after == before
    assert after["status"] not in ("cancelled", "deleted") or state in ("cancelled", "deleted")


def test_the_routes_do_answer_whom_they_belong_to(alice, storage):
    """Or the test above would be true of routes that are not there."""
    from .owners import attacker_of, in_parts, loose_parts

    owner = attacker_of(alice)
    asked = {
        "GET /v1/uploads/{id}": in_parts,
        "POST /v1/uploads/{id}/parts": in_parts,
        "GET /v1/files/{id}": ready,
        "GET /v1/files/{id}/url": ready,
        "GET /s3/multipart/{uploadId}/{partNumber}": loose_parts,
        "GET /uppy/{session}/s3/multipart/{uploadId}/{partNumber}": loose_parts,
        "POST /s3/sign": loose_parts,
        "POST /uppy/{session}/s3/sign": loose_parts,
        "DELETE /v1/uploads/{id}": in_parts,
        "DELETE /v1/files/{id}": ready,
    }
    for route in ABOUT_AN_UPLOAD:
        if route.key in asked:
            reply = owner.ask(route, asked[route.key](alice, storage))
            assert reply.status < 300, (route.key, reply)


SPELLINGS = {
    "upper case": lambda known: known.upper(),
    "without hyphens": lambda known: known.replace("-", ""),
    "in braces": lambda known: f"%7B{known}%7D",
    "as a URN": lambda known: f"urn:uuid:{known}",
    "with a space": lambda known: f"{known}%20",
    "with a zero byte": lambda known: f"{known}%00",
    "with an extension": lambda known: f"{known}.jpg",
    "as another version": lambda known: f"{known[:14]}4{known[15:]}",
    "nil": lambda _: "00000000-0000-0000-0000-000000000000",
    "all ones": lambda _: "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "of the table": lambda known: f"UPLOAD%23{known}",
    "half": lambda known: known[:18],
    "twice encoded": lambda known: "%25" + f"{ord(known[0]):02x}" + known[1:],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_no_id_reads_like_one_that_never_was(alice, targets, spelling):
    """Asked by the owner, of an upload that is there: an id has one spelling."""
    spelled = SPELLINGS[spelling](targets["ready"].id)
    for method, rest in (("GET", "/v1/uploads/{}"), ("POST", "/v1/uploads/{}/url"), ("POST", "/v1/uploads/{}/confirm"), ("GET", "/v1/files/{}"), ("GET", "/v1/files/{}/url"), ("DELETE", "/v1/files/{}")):
        reply, nobodys = (send(method, alice.api_url + rest.format(one), bearer(alice)) for one in (spelled, NOBODYS.id))
        assert told(reply) == told(nobodys), (method, rest, spelled)
    assert alice.read({"id": targets["ready"].id}).json()["status"] == "ready"


def test_two_thousand_neighbours_of_an_id_are_nobodys(alice, targets, mallory: Attacker):
    """Ids made a moment before and after, and with a bit flipped: to a stranger, and to the owner, each is as unknown as any other."""
    known = uuid.UUID(targets["ready"].id).int
    guessed = {known + step for step in range(-600, 601)} | {known ^ (1 << bit) for bit in range(62)} | {known + (step << 80) for step in range(-400, 401)}
    guessed = [guess for guess in guessed if guess != known][:NEIGHBOURS]
    assert len(guessed) == NEIGHBOURS
    unknown = told(mallory.user.read({"id": NOBODYS.id}))
    assert told(mallory.user.read({"id": str(uuid.UUID(int=known))})) == unknown

    def seen(place: int) -> tuple:
        who = alice if place % 4 == 0 else mallory.user
        return told(who.read({"id": str(uuid.UUID(int=guessed[place]))}))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(map(str, pool.map(seen, range(NEIGHBOURS)))) == {str(unknown)}


def test_a_cursor_leads_nobody_to_anothers_files(alice, new_user, storage):
    """A cursor is a place in one's own list: another's, whoever names it, lists what is one's own."""
    bob = new_user()
    theirs = [ready(alice, storage).id for _ in range(2)]
    own = [ready(bob, storage).id for _ in range(2)]
    cursor = alice.files("?limit=1").json()["nextCursor"]
    for query in ("", f"?cursor={cursor}", f"?limit=1&cursor={cursor}"):
        reply = bob.files(query)
        assert reply.status == 200, reply
        assert {item["id"] for item in reply.json()["items"]} <= set(own), query
    assert {item["id"] for item in alice.files().json()["items"]} >= set(theirs)
    assert {item["id"] for item in bob.files().json()["items"]} == set(own)
