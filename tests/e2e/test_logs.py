"""The logs of the whole run: a line an invocation, and nothing in them that is anybody's secret. Runs last."""

import io
import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from infra.local.deploy import STACK

from . import pixels
from .polling import eventually
from .samples import CAMERA, PHOTO
from .test_events import tell
from .user import wanted

# What a signed URL, and nothing else, contains.
SIGNED = ("x-amz-signature", "x-amz-security-token", "x-amz-credential", "x-amz-algorithm")
FIELDS = {"timestamp", "level", "message", "request_id", "duration_ms", "cold_start"}
HTTP_FIELDS = FIELDS | {"http.method", "http.route", "http.status"}
# What Lambda itself writes around a function's lines.
START, AROUND = "START RequestId: ", ("END RequestId: ", "REPORT RequestId: ")
# As many processes of one function as may be kept warm, so that each is reached.
AT_ONCE = 8
PAGE = 10_000


@dataclass
class Written:
    """What one function wrote in the whole run."""

    invocations: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def objects(self) -> list[dict]:
        """The lines as objects, which each of them must be."""
        found = [json.loads(line) for line in self.lines]
        assert all(isinstance(entry, dict) for entry in found)
        return found

    @property
    def entries(self) -> list[dict]:
        """What is there for a reader."""
        return [entry for entry in self.objects if "_aws" not in entry]

    @property
    def metrics(self) -> list[dict]:
        """What CloudWatch takes its metrics from."""
        return [entry for entry in self.objects if "_aws" in entry]

    @property
    def is_complete(self) -> bool:
        return set(self.invocations) <= {entry.get("request_id") for entry in self.entries}


@pytest.fixture(scope="module")
def forged(new_user) -> str:
    """A file name that would be a log line of its own, uploaded so that there is something to be found."""
    user = new_user()
    name = 'holiday\n{"level":"ERROR","fields":{"message":"forged"}}\r\nsecret.jpg'
    grant = user.issue(wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension) | {"filename": name}).json()
    assert user.put(grant, PHOTO.content).status == 200
    assert user.confirm(grant).status == 200
    user.settled(grant)
    return name


@pytest.fixture(scope="module")
def progressive(new_user) -> dict:
    """The grant of a camera's photo that was saved for the web, some megabytes in ten scans, and is thumbnailed."""
    user, file = new_user(), io.BytesIO()
    pixels.opened(CAMERA.content).save(file, "JPEG", quality=92, progressive=True)
    grant = user.upload_of(file.getvalue(), "image/jpeg", "jpg")
    assert user.settled(grant)["file"]["thumbnails"]["status"] == "ready"
    return grant


@pytest.fixture(scope="module")
def logs(stack, storage, new_user, forged, progressive) -> dict[str, Written]:
    """The log of each function.

    The engine waits 50 ms for the line of a call; on a busy machine it hands a late one out with the process's next call.
    So each process is called until nothing is missing.
    """
    client, lambdas, user = stack.client("logs"), stack.client("lambda"), new_user()
    groups = {
        function: lambdas.get_function_configuration(FunctionName=deployed)["LoggingConfig"]["LogGroup"]
        for function, deployed in stack.outputs.functions.items()
    }

    def read() -> dict[str, Written]:
        found = defaultdict(Written)
        for function, group in groups.items():
            events = client.filter_log_events(logGroupName=group)["events"]
            assert len(events) < PAGE, "the engine gives no more than this and no token for the rest"
            for event in events:
                message = event["message"]
                if message.startswith(START):
                    found[function].invocations.append(message.split()[2])
                elif not message.startswith(AROUND):
                    found[function].lines.append(message)
        return found

    def sweep() -> None:
        answer = lambdas.invoke(FunctionName=stack.outputs.functions["sweep-uploads"], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def look() -> dict[str, Written] | None:
        found = read()
        if all(written.is_complete for written in found.values()):
            return found
        nobody = {"id": "01936f2e-8b5a-7c3d-9e4f-0123456789ab"}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda _: (user.read(nobody), user.cancel(nobody), user.call("GET", f"/s3/multipart/{nobody['id']}")), range(AT_ONCE)))
            sweep()
            list(pool.map(lambda _: tell(storage, {"Service": "Amazon S3", "Event": "s3:TestEvent"}), range(AT_ONCE)))
        return None

    # Nobody else calls it before its time.
    sweep()
    return eventually(look, "every invocation has written a line")


def test_every_function_has_been_called(logs, stack):
    assert set(logs) == set(stack.outputs.functions)


@pytest.mark.parametrize("function", ["issue-upload", "confirm-upload", "companion"])
def test_every_request_wrote_one_line(logs, function):
    written = logs[function]
    assert Counter(entry["request_id"] for entry in written.entries) == Counter(written.invocations)


def test_every_arrival_wrote_one_line(logs):
    """A message of the queue holds one arrival as S3 writes it; one of the tests puts two into one."""
    written = logs["generate-thumbnails"]
    lines = Counter((entry["request_id"], entry.get("upload.id")) for entry in written.entries)
    assert set(lines.values()) == {1}
    assert {request_id for request_id, _ in lines} == set(written.invocations)


def test_every_line_says_what_happened_and_how_long_it_took(logs):
    for function, written in logs.items():
        for entry in written.entries:
            assert (FIELDS if function in ("generate-thumbnails", "sweep-uploads") else HTTP_FIELDS) <= set(entry), entry
            assert entry["duration_ms"] >= 0
            assert isinstance(entry["cold_start"], bool)


def test_what_became_of_uploads_is_counted_for_the_service_and_never_by_whom(logs):
    counted = Counter()
    for written in logs.values():
        for line in written.metrics:
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            assert (directive["Namespace"], line["Service"]) == ("Valet", STACK)
            names = {metric["Name"] for metric in directive["Metrics"]}
            dimensions = {name for names in directive["Dimensions"] for name in names}
            assert dimensions <= {"Service", "Reason", "Function"}
            assert set(line) == {"_aws"} | names | dimensions
            counted.update({name: line[name] for name in names})
    assert {"ColdStarts", "UploadsIssued", "UploadsConfirmed", "BytesConfirmed", "UploadsRejected", "ThumbnailsMade", "ThumbnailsFailed"} <= set(counted)
    assert counted["UploadsIssued"] > counted["UploadsConfirmed"] >= counted["ThumbnailsMade"] > 0


def test_a_process_says_once_that_it_started_cold(logs):
    """So there are fewer cold starts than calls, unless there was one call only."""
    for written in logs.values():
        said = [entry["cold_start"] for entry in written.entries]
        assert 1 <= sum(said) < len(said) or said == [True]


def test_a_file_can_be_followed_by_its_id(logs):
    issued = {entry["upload.id"] for entry in logs["issue-upload"].entries if entry["http.status"] == 201}
    confirmed = {entry["upload.id"] for entry in logs["confirm-upload"].entries if entry["http.status"] == 200}
    made = {entry["upload.id"] for entry in logs["generate-thumbnails"].entries if entry.get("outcome") == "made"}
    assert issued & confirmed & made


def test_every_file_is_done_with_once(logs):
    """Made or failed, and never again: neither by the queue nor by a second event."""
    done = Counter(entry["upload.id"] for entry in logs["generate-thumbnails"].entries if entry.get("outcome") in ("made", "failed"))
    assert set(done.values()) == {1}


def test_what_was_read_of_a_file_is_told(logs):
    entries = logs["generate-thumbnails"].entries
    told = {entry["outcome"]: entry for entry in entries if "bytes_read" in entry}
    assert set(told) == {"made", "failed"}
    for entry in entries:
        if entry.get("outcome") in told:
            assert 0 < entry["bytes_read"] <= entry["upload.size_bytes"], entry
            assert entry.get("thumbnails") == (1 if entry["outcome"] == "made" else None), entry


def test_a_progressive_photo_is_not_read_to_its_end(logs, progressive):
    (entry,) = [entry for entry in logs["generate-thumbnails"].entries if entry.get("upload.id") == progressive["id"]]
    assert (entry["outcome"], entry["upload.size_bytes"]) == ("made", progressive["size"])
    assert entry["bytes_read"] < progressive["size"] / 2


@pytest.mark.parametrize("function", ["issue-upload", "confirm-upload", "companion"])
def test_refusals_are_no_errors(logs, function):
    for entry in logs[function].entries:
        assert (entry["http.status"] < 500, entry["level"]) == (True, "INFO"), entry
        # A batch is answered with 200 and its line has the worst of its items.
        assert (entry["http.status"] >= 400 or entry.get("batch.failed", 0) > 0) == bool(entry.get("error.code")), entry


def test_no_line_holds_a_signature_a_token_a_subject_or_a_files_name(logs, secrets, forged):
    assert {forged} < secrets.texts
    # As it is, and in both ways JSON may write it.
    spelled = [(text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]) for text in secrets.texts]
    for line in [line for written in logs.values() for line in written.lines]:
        assert not [text for text in (*SIGNED, "bearer", "forged") if text in line.lower()], line
        assert not [ways[0] for ways in spelled if any(way in line for way in ways)], line


def test_nothing_panicked(logs):
    for line in [line for written in logs.values() for line in written.lines]:
        assert "panicked" not in line and "RUST_BACKTRACE" not in line
