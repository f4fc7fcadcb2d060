"""Who attacks, and what is attacked: an upload of somebody's in each state that it can be in. They must never share an owner."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.samples import MP4, PHOTO
from tests.e2e.storage import Storage
from tests.e2e.uppy import call, post_form
from tests.e2e.user import User
from tests.e2e.web import Reply, send

from .requests import Target, ask
from .routes import Route


@dataclass(frozen=True)
class Attacker:
    """A user with a session too."""

    user: User
    session: str

    def ask(self, route: Route, target: Target) -> Reply:
        """Asks a route about an upload, by token or by session."""
        headers = {} if route.asks_for_session else bearer(self.user)
        return ask(self.user.api_url, route, headers, target, self.session)


def bearer(user: User) -> dict[str, str]:
    return {"authorization": f"Bearer {user.token}"}


def attacker_of(user: User) -> Attacker:
    """The user with a session that was opened for them."""
    reply = call(user.api_url, "POST /v1/uppy-sessions", bearer(user))
    assert reply.status == 201, reply
    session = reply.json()["endpoint"].rsplit("/", 1)[1]
    user.secrets.texts.add(session)
    return Attacker(user, session)


def of_grant(user: User, grant: dict, extension: str = "jpg") -> Target:
    return Target(grant["id"], f"uploads/{user.owner}/{grant['id']}.{extension}")


def pending(user: User, storage: Storage) -> Target:
    return of_grant(user, user.grant(PHOTO))


def arrived(user: User, storage: Storage) -> Target:
    return of_grant(user, user.upload(PHOTO))


def in_parts(user: User, storage: Storage) -> Target:
    size = 9 << 20
    reply = user.issue({"filename": "a film of ours.mp4", "contentType": "video/mp4", "size": size, "partSize": 5 << 20})
    assert reply.status == 201, reply
    grant = reply.json()
    name = storage.row(user.owner, grant["id"])["multipart_id"]
    return Target(grant["id"], f"uploads/{user.owner}/{grant['id']}.mp4", name)


def loose_parts(user: User, storage: Storage) -> Target:
    begun = call(user.api_url, "POST /s3/multipart", bearer(user), {"filename": "a.mp4", "type": "video/mp4"}).json()
    return Target(begun["uploadId"], begun["key"], storage.row(user.owner, begun["uploadId"])["multipart_id"])


def own_parts(user: User, storage: Storage) -> Target:
    """Parts that the client has begun itself, so that S3's name for them is its own secret."""
    create = call(user.api_url, "POST /s3/sign", bearer(user), {"method": "POST", "key": "0f8fad5b-d9cb-469f-a165-70867728950e-a.mp4"}).json()
    begun = send("POST", create["url"], create["headers"], b"")
    assert begun.status == 200, begun
    name = begun.body.decode().split("<UploadId>")[1].split("<")[0]
    return Target(create["key"].rsplit("/", 1)[1].split(".")[0], create["key"], name)


def by_form(user: User, storage: Storage) -> Target:
    form = call(user.api_url, "GET /s3/params?filename=a.png&type=image/png", bearer(user)).json()
    key = form["fields"]["key"]
    assert post_form(form["url"], form["fields"], b"no picture").status in (200, 201, 204)
    return Target(key.rsplit("/", 1)[1].split(".")[0], key)


def ready(user: User, storage: Storage) -> Target:
    grant = user.upload(PHOTO)
    assert user.settled(grant)["status"] == "ready"
    return of_grant(user, grant)


def rejected(user: User, storage: Storage) -> Target:
    grant = user.upload_of(b"<!doctype html>".ljust(600), "image/jpeg", "jpg")
    assert user.confirm(grant).status == 422
    return of_grant(user, grant)


def cancelled(user: User, storage: Storage) -> Target:
    grant = user.grant(PHOTO)
    assert user.cancel(grant).status == 204
    return of_grant(user, grant)


def deleted(user: User, storage: Storage) -> Target:
    grant = user.upload(MP4)
    assert user.confirm(grant).status == 200 and user.delete(grant).status == 204
    return of_grant(user, grant, "mp4")


def expired(user: User, storage: Storage) -> Target:
    """By the clock; no sweep has looked at it yet."""
    grant = user.grant(PHOTO)
    key = {"pk": {"S": f"OWNER#{user.owner}"}, "sk": {"S": f"UPLOAD#{grant['id']}"}}
    storage.dynamodb.update_item(
        TableName=storage.table, Key=key, UpdateExpression="SET expires_at = :past", ExpressionAttributeValues={":past": {"N": "1"}}
    )
    return of_grant(user, grant)


STATES: dict[str, Callable[[User, Storage], Target]] = {
    make.__name__: make
    for make in (pending, arrived, in_parts, loose_parts, own_parts, by_form, ready, rejected, cancelled, deleted, expired)
}
