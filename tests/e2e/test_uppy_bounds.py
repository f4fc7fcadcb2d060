"""What Uppy's routes hand out is bound to one owner, one key, one type and a size; the bucket and the API refuse the rest."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from infra.local.stack import Stack

from .polling import eventually
from .samples import MP4, PHOTO, PNG
from .test_uppy_contract import upload, with_session
from .uppy import PART, call, key_query, post_form
from .user import Secrets, User
from .web import Reply, send

MIB = 1 << 20


def bearer(user) -> dict[str, str]:
    return {"authorization": f"Bearer {user.token}"}


def params(user, name: str = "a.png", kind: str = "image/png", size: int | None = None) -> Reply:
    query = f"filename={name}&type={kind}" + (f"&metadata%5Bsize%5D={size}" if size else "")
    return call(user.api_url, f"GET /s3/params?{query}", bearer(user))


def begin(user, name: str = "a.mp4", kind: str = "video/mp4", **metadata: object) -> dict:
    body = {"filename": name, "type": kind, "metadata": metadata}
    reply = call(user.api_url, "POST /s3/multipart", bearer(user), body)
    assert reply.status == 200, reply
    return reply.json()


def about(user, request: str, begun: dict, body: object = None, key: str | None = None) -> Reply:
    """A call about an upload in parts, by whoever."""
    path = request.replace("{id}", begun["uploadId"])
    return call(user.api_url, f"{path}?{key_query(key or begun['key'])}", bearer(user), body)


def sign(user, **asked: object) -> Reply:
    return call(user.api_url, "POST /s3/sign", bearer(user), asked)


CALLS = ["GET /s3/multipart/{id}", "GET /s3/multipart/{id}/1", "POST /s3/multipart/{id}/complete", "DELETE /s3/multipart/{id}"]


def body_of(request: str) -> object:
    return {"parts": [{"PartNumber": 1, "ETag": "x"}]} if request.endswith("complete") else None


def nothing_there(storage, key: str) -> bool:
    return storage.versions(key) == []


def test_a_form_takes_no_byte_more_than_the_type_may_have(user, storage):
    form = params(user).json()
    policy = form["fields"]
    at_most = 50 * MIB
    small = PNG.content
    assert post_form(form["url"], policy, small.ljust(at_most + 1, b"\0")).status == 400
    assert post_form(form["url"], policy, b"").status == 400
    assert nothing_there(storage, policy["key"])
    assert post_form(form["url"], policy, small).status == 201


def test_a_form_for_a_file_whose_size_is_said_takes_exactly_that(user, storage):
    form = params(user, size=len(PNG.content)).json()
    for wrong in (PNG.content + b"\0", PNG.content[:-1]):
        assert post_form(form["url"], form["fields"], wrong).status == 400
    assert nothing_there(storage, form["fields"]["key"])
    assert post_form(form["url"], form["fields"], PNG.content).status == 201
    assert upload(user, form["fields"]["key"])["status"] == "ready"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", "text/html"),
        ("Cache-Control", "no-store"),
        ("key", None),
        ("x-amz-meta-a", "b"),
        ("x-amz-tagging", "<Tagging><TagSet><Tag><Key>verified</Key><Value>true</Value></Tag></TagSet></Tagging>"),
        ("acl", "public-read"),
        ("success_action_redirect", "https://evil.example"),
    ],
)
def test_a_form_that_was_changed_is_refused(user, storage, name, value):
    form = params(user).json()
    fields = form["fields"] | {name: value or form["fields"]["key"].replace(user.owner, "0" * 32)}
    assert post_form(form["url"], fields, PNG.content).status in (400, 403)
    assert nothing_there(storage, f"uploads/open/{user.owner}")
    assert nothing_there(storage, f"uploads/open/{'0' * 32}")


def test_what_is_not_of_its_type_is_removed_on_arrival(user, storage):
    form = params(user).json()
    assert post_form(form["url"], form["fields"], b"<!doctype html><script>alert(1)</script>").status == 201
    found = upload(user, form["fields"]["key"])
    assert (found["status"], found["reason"]) == ("rejected", "content_mismatch")
    eventually(lambda: nothing_there(storage, form["fields"]["key"]), "it is removed")


def test_a_form_that_is_sent_again_serves_what_was_verified(user, storage):
    form = params(user).json()
    key = form["fields"]["key"]
    assert post_form(form["url"], form["fields"], PNG.content).status == 201
    file = upload(user, key)["file"]
    other = PNG.content + b"\0" * 100
    assert post_form(form["url"], form["fields"], other).status == 201
    eventually(lambda: len(storage.versions(key)) == 1, "the other version is removed")
    assert send("GET", file["fileUrl"]).body == PNG.content


def test_a_pending_upload_of_unknown_size_says_its_bound(user):
    form = params(user).json()
    identifier = form["fields"]["key"].rsplit("/", 1)[1].split(".")[0]
    found = user.call("GET", f"/v1/uploads/{identifier}").json()
    assert (found["status"], found["maxSize"], "size" in found) == ("pending", 50 * MIB, False)


def test_whoever_waits_for_a_form_may_confirm_it(user):
    form = params(user).json()
    identifier = form["fields"]["key"].rsplit("/", 1)[1].split(".")[0]
    assert user.call("POST", f"/v1/uploads/{identifier}/confirm").status == 409
    assert post_form(form["url"], form["fields"], PNG.content).status == 201
    reply = user.call("POST", f"/v1/uploads/{identifier}/confirm")
    assert (reply.status, reply.json()["size"]) == (200, len(PNG.content))


def test_a_type_the_stack_does_not_take_is_refused_with_a_sentence(user):
    for name, kind in (("a.html", "text/html"), ("a.exe", ""), ("a", "application/octet-stream")):
        reply = params(user, name, kind)
        problem = reply.json()
        assert (reply.status, problem["code"], problem["error"]) == (415, "type_not_allowed", "type_not_allowed"), reply
        assert "image/png" in problem["message"]
    assert params(user, "a.JPEG", "").json()["fields"]["Content-Type"] == "image/jpeg"
    assert params(user, "a.png", "image/png", size=50 * MIB + 1).status == 413


def test_the_number_of_parts_is_bounded_by_what_the_type_may_have(user):
    image = begin(user, "a.png", "image/png")
    assert about(user, "GET /s3/multipart/{id}/10", image).status == 200
    for number in ("0", "11", "10001", "x", "-1"):
        assert about(user, f"GET /s3/multipart/{{id}}/{number}", image).status == 400, number


def test_parts_of_a_file_whose_cut_is_said_have_their_lengths_signed(user):
    begun = begin(user, size=PART + 7, partSize=PART)
    url = about(user, "GET /s3/multipart/{id}/2", begun).json()["url"]
    assert send("PUT", url, {}, b"8 bytes.").status == 403
    assert send("PUT", url, {}, b"7 bytes").status == 200
    assert about(user, "GET /s3/multipart/{id}/3", begun).status == 400


def test_the_only_part_of_a_file_whose_size_is_said_has_that_size(user):
    begun = begin(user, "a.png", "image/png", size="1000")
    url = about(user, "GET /s3/multipart/{id}/1", begun).json()["url"]
    assert send("PUT", url, {}, b"\0" * 1001).status == 403
    assert send("PUT", url, {}, b"\0" * 1000).status == 200


def test_parts_that_come_to_too_much_are_never_put_together(user, storage):
    begun = begin(user, "b.png", "image/png")
    url = about(user, "GET /s3/multipart/{id}/1", begun).json()["url"]
    sent = send("PUT", url, {}, b"\0" * (50 * MIB + 1))
    assert sent.status == 200
    reply = about(user, "POST /s3/multipart/{id}/complete", begun, {"parts": [{"PartNumber": 1, "ETag": sent.headers["etag"]}]})
    assert (reply.status, reply.json()["error"]) == (422, "size_mismatch")
    assert upload(user, begun["key"])["status"] == "rejected"
    still_open = storage.s3.list_multipart_uploads(Bucket=storage.bucket).get("Uploads", [])
    assert begun["key"] not in {one["Key"] for one in still_open}
    assert nothing_there(storage, begun["key"])


@pytest.mark.parametrize("request_", CALLS)
def test_nobody_but_its_owner_finds_an_upload_in_parts(user, new_user, storage, request_):
    begun, mallory = begin(user), new_user()
    theirs = begin(mallory)
    body = body_of(request_)
    for who, which, key in (
        (mallory, begun, None),
        (mallory, theirs, begun["key"]),
        (mallory, begun, theirs["key"]),
        (user, begun, theirs["key"]),
        (user, begun, begun["key"].replace("uploads/", "uploads/open/")),
        (user, {"uploadId": str(uuid.uuid4()), "key": begun["key"]}, None),
        (user, {"uploadId": "x", "key": begun["key"]}, None),
    ):
        reply = about(who, request_, which, body, key)
        assert (reply.status, reply.json()["code"]) == (404, "not_found"), (who is user, which, key)
    assert call(user.api_url, request_.replace("{id}", begun["uploadId"]), bearer(user), body).status == 404, "without a key"
    for owner, one in ((user, begun), (mallory, theirs)):
        assert storage.row(owner.owner, one["uploadId"])["status"] == "pending"


def own_multipart(user) -> dict:
    """A multipart upload that the client has begun: our key, S3's name."""
    create = sign(user, method="POST", key=f"{uuid.uuid4()}-film.mp4").json()
    reply = send("POST", create["url"], create["headers"], b"")
    assert reply.status == 200, reply
    return {"key": create["key"], "uploadId": reply.body.decode().split("<UploadId>")[1].split("<")[0]}


def test_nobody_but_its_owner_has_calls_signed_about_parts(user, new_user):
    own, mallory = own_multipart(user), new_user()
    theirs = own_multipart(mallory)
    form = params(user).json()["fields"]["key"]
    calls = [{"method": "PUT", "partNumber": 1}, {"method": "GET"}, {"method": "POST"}, {"method": "DELETE"}]
    for asked in calls:
        # Nobody has named it yet, and these do not.
        assert sign(mallory, **asked, **own).status == 404
        assert sign(user, **asked, key=form, uploadId=own["uploadId"]).status == 404
        assert sign(user, **asked, key=theirs["key"], uploadId=theirs["uploadId"]).status == 404
    assert sign(user, method="PUT", partNumber=1, **own).status == 200
    for asked in calls:
        assert sign(user, **asked, key=own["key"], uploadId=theirs["uploadId"]).status == 404
        assert sign(mallory, **asked, **own).status == 404
    # Our own id of it, by the other routes: its name there is S3's.
    identifier = own["key"].rsplit("/", 1)[1].split(".")[0]
    assert about(user, "GET /s3/multipart/{id}", {"uploadId": identifier, "key": own["key"]}).status == 200
    assert about(mallory, "GET /s3/multipart/{id}", {"uploadId": identifier, "key": own["key"]}).status == 404


def test_what_a_client_completes_itself_replaces_nothing(user, storage):
    own = own_multipart(user)
    url = sign(user, method="PUT", partNumber=1, **own).json()["url"]
    etag = send("PUT", url, {}, MP4.content).headers["etag"].strip('"')
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>".encode()
    complete = sign(user, method="POST", **own).json()
    assert complete["headers"] == {"if-none-match": "*"}
    assert send("POST", complete["url"], {"content-type": "application/xml"}, body).status == 403, "without the precondition"
    assert send("POST", complete["url"], complete["headers"], body).status == 200
    assert upload(user, own["key"])["status"] == "ready"
    assert len(storage.versions(own["key"])) == 1
    assert sign(user, method="PUT", partNumber=1, **own).status == 409


def test_an_abort_of_its_own_cancels_the_upload(user, storage):
    own = own_multipart(user)
    abort = sign(user, method="DELETE", **own).json()
    assert upload(user, own["key"])["status"] == "cancelled"
    # Nothing is left to a client that never sends it: its bytes count no longer.
    assert storage.s3.list_multipart_uploads(Bucket=storage.bucket, Prefix=own["key"]).get("Uploads", []) == []
    assert send("DELETE", abort["url"]).status == 404
    assert sign(user, method="PUT", partNumber=1, **own).status == 409


def test_a_session_is_its_owners_and_opens_nothing_else(user, new_user):
    session = with_session(user)
    begun = begin(user)
    reply = call(session.endpoint, f"GET /s3/multipart/{begun['uploadId']}?{key_query(begun['key'])}", {})
    assert (reply.status, reply.json()) == (200, [])
    mallory = with_session(new_user())
    reply = call(mallory.endpoint, f"GET /s3/multipart/{begun['uploadId']}?{key_query(begun['key'])}", {})
    assert reply.status == 404
    for path in ("/v1/files", "/v1/uploads", "/v1/uppy-sessions", "/s3"):
        assert send("GET", session.endpoint + path).status == 404
        # Nor does it stand for a token anywhere.
        assert send("GET", user.api_url + "/v1/files", {"authorization": f"Bearer {session.endpoint.rsplit('/', 1)[1]}"}).status == 401


@pytest.mark.parametrize("secret", ["x", "A" * 43, "%2e%2e", "A" * 2000])
def test_an_unknown_session_is_refused(user, secret):
    reply = send("GET", f"{user.api_url}/uppy/{secret}/s3/params?filename=a.png&type=image/png")
    assert reply.status in (401, 404), reply
    if reply.status == 401:
        assert reply.json()["error"] == "unauthenticated"


def test_a_session_ends_before_its_row_does(user, storage):
    session = with_session(user)
    scan = storage.dynamodb.scan(TableName=storage.table, FilterExpression="begins_with(pk, :s)", ExpressionAttributeValues={":s": {"S": "SESSION#"}})
    (row,) = [item for item in scan["Items"] if item["owner"]["S"] == user.owner]
    secret = session.endpoint.rsplit("/", 1)[1]
    assert secret not in json.dumps(row), "the secret is kept"
    ends = datetime.fromtimestamp(int(row["expires_at"]["N"]) / 1000, UTC)
    assert timedelta(hours=11.9) < ends - datetime.now(UTC) <= timedelta(hours=12)
    key = {"pk": row["pk"], "sk": row["sk"]}
    storage.dynamodb.update_item(
        TableName=storage.table, Key=key, UpdateExpression="SET expires_at = :past", ExpressionAttributeValues={":past": {"N": "1"}}
    )
    assert call(session.endpoint, "GET /s3/params?filename=a.png&type=image/png", {}).status == 401


@pytest.mark.parametrize("request_", ["GET /s3/params", "POST /s3/multipart", "POST /s3/sign", "POST /v1/uppy-sessions"])
def test_the_routes_without_a_session_ask_for_a_token(stack, request_):
    assert call(stack.api_url, request_, {}).status == 401


@pytest.mark.parametrize("folder", ["uploads", "thumbnails", "other"])
def test_a_form_can_be_signed_for_no_place_but_its_own(stack, user, folder):
    """Even by the function's own role: the bucket refuses what carries no precondition anywhere else."""
    credentials = stack.client("sts").assume_role(RoleArn=_role(stack), RoleSessionName="test")["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=stack.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    for key, status in ((f"{folder}/{user.owner}/{uuid.uuid4()}.png", 403), (f"uploads/open/{user.owner}/{uuid.uuid4()}.png", 204)):
        form = s3.generate_presigned_post(stack.bucket, key)
        assert post_form(form["url"], form["fields"], PNG.content).status == status, key


def _role(stack) -> str:
    function = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs.functions["companion"])
    return function["Role"]


@pytest.fixture(scope="module")
def without_uppy():
    with Stack(parameters={"Uppy": "false"}) as stack:
        yield stack


def test_without_the_parameter_there_is_nothing_of_it(without_uppy):
    assert "companion" not in without_uppy.outputs.functions
    user = User(without_uppy.api_url, without_uppy.token(), "developer", Secrets())
    for request in ("GET /s3/params?filename=a.png&type=image/png", "POST /s3/sign", "POST /v1/uppy-sessions"):
        assert call(user.api_url, request, bearer(user)).status == 404
    rules = without_uppy.s3.get_bucket_cors(Bucket=without_uppy.bucket)["CORSRules"]
    assert [rule["AllowedMethods"] for rule in rules] == [["PUT"]]
    policy = json.loads(without_uppy.s3.get_bucket_policy(Bucket=without_uppy.bucket)["Policy"])
    (statement,) = [found for found in policy["Statement"] if found["Sid"] == "DenyOverwrite"]
    assert "NotResource" not in statement and str(statement["Resource"]).endswith("/uploads/*")
    # And the rest works.
    grant = user.upload(PHOTO)
    assert user.confirm(grant).status == 200
