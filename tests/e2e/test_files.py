"""Files are listed page by page. A deleted one is gone: from the API, the bucket in every version, and the CDN."""

import pytest

from . import expect
from .polling import eventually
from .samples import PDF, PHOTO
from .web import send

SOME_ID = "01936f2e-8b5a-7c3d-9e4f-0123456789ab"


@pytest.fixture
def invalidations(stack):
    """The paths the distribution was told to forget, as the account's owner sees them: reference to paths."""
    cloudfront = stack.client("cloudfront")
    found = cloudfront.list_distributions()["DistributionList"]["Items"]
    (distribution,) = (item["Id"] for item in found if item["DomainName"] == stack.cdn_domain)

    def look(upload_id: str) -> dict[str, list[str]]:
        listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
        batches = (cloudfront.get_invalidation(DistributionId=distribution, Id=item["Id"])["Invalidation"]["InvalidationBatch"] for item in listed)
        return {batch["CallerReference"]: batch["Paths"]["Items"] for batch in batches if upload_id in batch["CallerReference"]}

    return look


def ready(user, sample=PHOTO) -> dict:
    """A file with all it will ever have."""
    return user.settled(user.upload(sample))["file"]


def pages(user, limit: int) -> list[list[dict]]:
    """Every page of a user's files."""
    found, query = [], f"?limit={limit}"
    while True:
        reply = user.files(query)
        assert reply.status == 200, reply
        assert reply.headers["cache-control"] == "no-store"
        page = reply.json()
        assert set(page) <= {"items", "nextCursor"}
        found.append(page["items"])
        assert len(found) < 50, "it never ends"
        if "nextCursor" not in page:
            return found
        query = f"?limit={limit}&cursor={page['nextCursor']}"


def test_the_pages_hold_every_file_once_newest_first(user, new_user):
    ids = []
    for number in range(25):
        grant = user.upload(PDF)
        assert user.confirm(grant).status == 200
        ids.append(grant["id"])
        if number % 5 == 0:
            # What is no file is in no page.
            user.grant(PDF)
            assert user.cancel(user.grant(PDF)).status == 204
    assert ready(other := new_user(), PDF)
    newest_first = list(reversed(ids))
    for limit in (1, 7, 25, 100):
        found = pages(user, limit)
        assert all(len(page) <= limit for page in found)
        assert [file["id"] for page in found for file in page] == newest_first
    assert len(pages(user, 100)) == 1
    assert [len(page) for page in pages(other, 100)] == [1]
    assert user.files().json()["items"][3] == user.file({"id": newest_first[3]}).json()


def test_a_file_is_in_the_list_as_soon_as_it_is_confirmed_and_as_it_reads_alone(user):
    assert user.files().json() == {"items": []}
    grant = user.upload(PHOTO)
    assert user.files().json() == {"items": []} or user.read(grant).json()["status"] == "ready"
    assert user.confirm(grant).status == 200
    assert [item["id"] for item in user.files().json()["items"]] == [grant["id"]]
    file = user.settled(grant)["file"]
    assert user.files().json() == {"items": [file]}
    assert user.file(grant).json() == file


def test_another_users_cursor_shows_nothing_of_theirs(user, new_user):
    other = new_user()
    for somebody in (user, other):
        for _ in range(2):
            ready(somebody, PDF)
    cursor = other.files("?limit=1").json()["nextCursor"]
    mine = {file["id"] for file in user.files().json()["items"]}
    assert {file["id"] for file in user.files(f"?cursor={cursor}").json()["items"]} <= mine


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?cursor=", "cursor"),
        ("?cursor=nonsense", "cursor"),
        (f"?cursor={SOME_ID}", "cursor"),
        ("?cursor=%00%ff", "cursor"),
        ("?cursor=" + "A" * 3000, "cursor"),
    ],
)
def test_a_bad_query_is_refused_by_name(user, query, pointer):
    told = expect.problem(user.files(query), 400, "invalid_request")
    assert [error["pointer"] for error in told["errors"]] == [pointer]


def test_what_is_no_file_is_not_found(user):
    grant = user.grant(PHOTO)
    expect.problem(user.file(grant), 404, "not_found")
    told = expect.problem(user.delete(grant), 409, "invalid_state")
    assert "cancel" in told["detail"]
    assert user.cancel(grant).status == 204
    for upload in (grant, {"id": SOME_ID}, {"id": "no-id"}):
        expect.problem(user.file(upload), 404, "not_found")
        expect.problem(user.delete(upload), 404, "not_found")
    assert user.read(grant).json()["status"] == "cancelled"


def test_a_deleted_file_is_gone_everywhere(user, storage, invalidations):
    file = ready(user)
    (thumbnail,) = file["thumbnails"]["items"]
    key, prefix = f"uploads/{user.owner}/{file['id']}.jpg", f"thumbnails/{user.owner}/{file['id']}/"
    # More than the row knows of: another version of its thumbnail, and one of another name that is hidden.
    storage.s3.put_object(Bucket=storage.bucket, Key=f"{prefix}small.jpg", Body=b"x")
    storage.s3.put_object(Bucket=storage.bucket, Key=f"{prefix}earlier.jpg", Body=b"x")
    storage.s3.delete_object(Bucket=storage.bucket, Key=f"{prefix}earlier.jpg")
    assert len(storage.versions(prefix)) == 4
    assert send("GET", file["fileUrl"]).status == 200
    assert send("GET", thumbnail["url"]).status == 200

    reply = user.delete(file)

    assert (reply.status, reply.body) == (204, b"")
    assert storage.versions(key) == []
    assert storage.versions(prefix) == []
    assert send("GET", file["fileUrl"]).status in (403, 404)
    assert send("GET", thumbnail["url"]).status in (403, 404)
    expect.problem(user.file(file), 404, "not_found")
    assert user.files().json() == {"items": []}
    read = user.read(file).json()
    assert (read["status"], "file" in read) == ("deleted", False)
    expect.problem(user.confirm({"confirm": {"method": "POST", "href": f"/v1/uploads/{file['id']}/confirm"}}), 409, "invalid_state")
    row = storage.row(user.owner, file["id"])
    assert row["status"] == "deleted"
    # The tombstone goes thirty days later.
    assert row["ttl"] > row["confirmed_at"] / 1000 + 29 * 86400
    assert invalidations(file["id"]) == {file["id"]: [f"/{key}", f"/{prefix}small.jpg"]}


def test_deleting_repeats_and_asks_the_cdn_at_most_once_more(user, storage, invalidations):
    file = ready(user)
    for _ in range(4):
        assert user.delete(file).status == 204
    key, prefix = f"uploads/{user.owner}/{file['id']}.jpg", f"thumbnails/{user.owner}/{file['id']}/"
    asked = invalidations(file["id"])
    assert set(asked) == {file["id"], f"{file['id']}-again"}
    assert asked[f"{file['id']}-again"] == [f"/{key}", f"/{prefix}*"]
    assert storage.versions(key) == storage.versions(prefix) == []


def test_another_user_deletes_nothing(user, new_user, storage):
    file = ready(user)
    before = storage.row(user.owner, file["id"])
    expect.problem(new_user().delete(file), 404, "not_found")
    assert storage.row(user.owner, file["id"]) == before
    assert send("GET", file["fileUrl"]).status == 200


def test_the_old_url_brings_nothing_back(user, storage):
    grant = user.upload(PHOTO)
    file = user.settled(grant)["file"]
    assert user.delete(file).status == 204
    key = f"uploads/{user.owner}/{file['id']}.jpg"

    # If-None-Match finds nothing there any more: S3 takes it, untagged, and its event removes it.
    assert user.put(grant, PHOTO.content).status == 200

    def gone() -> bool:
        assert send("GET", file["fileUrl"]).status in (403, 404)
        return storage.versions(key) == []

    eventually(gone, "what came after the deletion is removed")
    eventually(lambda: storage.waiting() == 0, "its event is handled")
    assert storage.versions(f"thumbnails/{user.owner}/{file['id']}/") == []
    assert storage.row(user.owner, file["id"])["status"] == "deleted"


def test_a_file_deleted_before_its_event_gets_no_thumbnails(user, storage, held):
    grant = user.upload(PHOTO)
    file = user.confirm(grant).json()
    assert file["thumbnails"]["status"] == "pending"
    assert user.delete(file).status == 204
    held()
    eventually(lambda: storage.waiting() == 0, "its event is handled")
    assert storage.versions(f"thumbnails/{user.owner}/{file['id']}/") == []
    assert storage.row(user.owner, file["id"])["status"] == "deleted"


def test_a_file_deleted_while_its_thumbnails_are_made_shows_none(user, storage):
    """At whatever moment the two meet; crates/core meets at every one."""
    uploads = [user.upload(PHOTO) for _ in range(6)]
    files = [user.confirm(grant).json() for grant in uploads]
    for file in files:
        assert user.delete(file).status == 204
    eventually(lambda: storage.waiting() == 0, "all events are handled")
    for file in files:
        assert storage.row(user.owner, file["id"])["status"] == "deleted"
        url = file["fileUrl"].replace("/uploads/", "/thumbnails/").removesuffix(".jpg") + "/small.jpg"
        assert send("GET", url).status in (403, 404)
        assert send("GET", file["fileUrl"]).status in (403, 404)
        # What a thumbnailer hid in the last moment goes with the next deletion, or with the sweep's look.
        assert user.delete(file).status == 204
        assert storage.versions(f"thumbnails/{user.owner}/{file['id']}/") == []


def test_the_address_of_a_file_and_of_its_thumbnail_are_those_of_its_record(user):
    file = ready(user)
    reply = user.call("GET", f"/v1/files/{file['id']}/url")
    assert (reply.status, reply.json()) == (200, {"id": file["id"], "url": file["fileUrl"]}), reply
    assert send("GET", reply.json()["url"]).body == PHOTO.content
    (thumbnail,) = file["thumbnails"]["items"]
    reply = user.call("GET", f"/v1/files/{file['id']}/url?thumbnail={thumbnail['name']}")
    assert (reply.status, reply.json()) == (200, {"id": file["id"], "url": thumbnail["url"]}), reply


def test_an_address_that_there_is_not_is_not_found(user, new_user):
    pending, file, plain = user.grant(PHOTO), ready(user), ready(user, PDF)
    for path in (f"{pending['id']}/url", f"{SOME_ID}/url", "x/url", f"{file['id']}/url?thumbnail=other", f"{plain['id']}/url?thumbnail=small"):
        expect.problem(user.call("GET", f"/v1/files/{path}"), 404, "not_found")
    expect.problem(new_user().call("GET", f"/v1/files/{file['id']}/url"), 404, "not_found")
    problem = expect.problem(user.call("GET", f"/v1/files/{file['id']}/url?size=small"), 400, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == ["size"]
    assert user.delete(file).status == 204
    expect.problem(user.call("GET", f"/v1/files/{file['id']}/url"), 404, "not_found")
