"""What attackers send is in no log: not their words, not their lines, and nothing of what was granted. Read last, of the whole run."""

import json
import uuid

import pytest

from tests.e2e.polling import eventually
from tests.e2e.samples import PHOTO
from tests.e2e.user import wanted
from tests.e2e.web import send

from .owners import bearer
from .requests import NOBODYS, ask
from .routes import routes

MARK = f"forged{uuid.uuid4().hex}"
# A line of its own, in all the ways that a log could be given one.
LINES = [f'{MARK}\n{{"level":"ERROR"}}', f"{MARK}\r\nERROR", f"{MARK}\u2028ERROR", f"{MARK}\x1b[31mERROR", f"{MARK}\x00", f"${{jndi:ldap://{MARK}}}", f"{MARK}%0aERROR"]
SIGNED = ("x-amz-signature", "x-amz-security-token", "x-amz-credential", "bearer ")


@pytest.fixture(scope="module")
def lines(stack, storage, new_user, secrets) -> list[str]:
    """Every line of the run, once each function has written of the attack."""
    user = new_user()
    secrets.texts.add(MARK)
    for text in LINES:
        named = user.issue(wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension) | {"filename": text})
        if named.status == 201:
            assert user.put(named.json(), PHOTO.content).status == 200
            assert user.confirm(named.json()).status == 200
        user.issue(wanted(PHOTO.content, text, PHOTO.extension))
        user.call("POST", "/v1/uploads", text.encode())
        user.issue(wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension), {"idempotency-key": text.encode("unicode_escape").decode()})
        user.call("POST", "/confirm-upload", {"key": f"uploads/{text}"})
    secret = f"{MARK}{'A' * 20}"
    for route in routes():
        if route.key == "$default":
            continue
        headers = bearer(user) | {"user-agent": MARK, "referer": f"https://{MARK}.example", "x-forwarded-for": MARK, "x-amzn-trace-id": f"Root={MARK}"}
        ask(user.api_url, route, headers, NOBODYS, session=secret)
    for path in (f"/v1/uploads/{MARK}", f"/v1/files/{MARK}/url", f"/v1/uploads/{MARK}%0aERROR", f"/uppy/{secret}/s3/params", f"/s3/multipart/{MARK}/1"):
        for method in ("GET", "DELETE", "POST"):
            send(method, f"{user.api_url}{path}?key={MARK}&cursor={MARK}", bearer(user))
    for path in (f"/{MARK}", f"/?code={MARK}&state={MARK}", f"/..%2f{MARK}"):
        send("GET", stack.page_url + path, {"user-agent": MARK})
    storage.sqs.send_message(QueueUrl=storage.queue_url, MessageBody=json.dumps({"Records": [], "note": MARK}))
    eventually(lambda: storage.waiting() == 0, "the queue is empty")
    last = user.grant(PHOTO)
    assert user.cancel(last).status == 204
    eventually(lambda: any(last["id"] in line and "DELETE" in line for line in stack.logs()), "the last call is told")
    return stack.logs()


def test_nothing_an_attacker_sends_reaches_a_log(lines):
    assert len(lines) > 20
    assert [line for line in lines if MARK in line] == []


def test_every_line_is_one_that_we_wrote(lines):
    """No more lines than ours, and each an object: nobody has added one."""
    for line in lines:
        entry = json.loads(line)
        assert isinstance(entry, dict) and ("_aws" in entry or entry["message"] in ("request", "event", "sweep", "swept")), line


def test_no_line_of_the_run_holds_a_credential(lines, secrets):
    told = [text for text in secrets.texts if len(text) > 20]
    assert len(told) > 50
    for line in lines:
        assert not [text for text in (*SIGNED, *told) if text in line or text in line.lower()], line
