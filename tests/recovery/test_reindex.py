"""The table was set back, or lost: `valet reindex` and the sweep bring back every file, and nothing that was taken away."""

import shutil
from dataclasses import dataclass, field

from tests.e2e.polling import eventually
from tests.e2e.samples import AVIF, PDF, PHOTO, PNG, Sample
from tests.e2e.user import User
from tests.recovery.conftest import Recovery, run

HTML = b"<!doctype html>".ljust(600)


@dataclass
class History:
    """Whose uploads came to what, before and after the copy was taken."""

    alice: User
    bob: User
    # By name: who, which upload, of what.
    files: dict[str, tuple[User, str, Sample]] = field(default_factory=dict)
    gone: dict[str, tuple[User, str, str]] = field(default_factory=dict)
    unverified: dict[str, str] = field(default_factory=dict)


def confirmed(user: User, sample: Sample) -> dict:
    grant = user.upload(sample)
    assert user.confirm(grant).status == 200
    return grant


def before_the_copy(recovery: Recovery) -> tuple[History, dict]:
    """What the copy knows of, some of it unfinished."""
    history = History(recovery.user(), recovery.user())
    alice, bob = history.alice, history.bob
    for name, user, sample in (("kept photo", alice, PHOTO), ("kept document", alice, PDF), ("kept of another", bob, PNG)):
        history.files[name] = (user, confirmed(user, sample)["id"], sample)
    recovery.deliver_all()
    open_ = {
        "to be confirmed": alice.grant(PHOTO),
        "to be cancelled": alice.grant(PHOTO),
        "to be deleted": bob.grant(PDF),
        "to arrive unheard": bob.grant(AVIF),
        "to be refused": bob.grant_for(HTML, "image/png", "png"),
        "file to be deleted": confirmed(alice, PHOTO),
    }
    cancelled = alice.grant(PHOTO)
    assert alice.cancel(cancelled).status == 204
    history.gone["cancelled before"] = (alice, cancelled["id"], "jpg")
    recovery.deliver_all()
    return history, open_


def after_the_copy(recovery: Recovery, history: History, open_: dict) -> None:
    """What the copy knows nothing of."""
    alice, bob = history.alice, history.bob
    assert alice.put(open_["to be confirmed"], PHOTO.content).status == 200
    assert alice.confirm(open_["to be confirmed"]).status == 200
    history.files["confirmed since"] = (alice, open_["to be confirmed"]["id"], PHOTO)
    assert alice.cancel(open_["to be cancelled"]).status == 204
    history.gone["cancelled since"] = (alice, open_["to be cancelled"]["id"], "jpg")
    assert bob.put(open_["to be deleted"], PDF.content).status == 200
    assert bob.confirm(open_["to be deleted"]).status == 200
    assert bob.delete(open_["to be deleted"]).status == 204
    history.gone["deleted since"] = (bob, open_["to be deleted"]["id"], "pdf")
    assert bob.put(open_["to be refused"], HTML).status == 200
    assert bob.confirm(open_["to be refused"]).status == 422
    history.gone["refused since"] = (bob, open_["to be refused"]["id"], "png")
    assert alice.delete(open_["file to be deleted"]).status == 204
    history.gone["file deleted since"] = (alice, open_["file to be deleted"]["id"], "jpg")
    # Its event is lost and nobody confirms.
    assert bob.put(open_["to arrive unheard"], AVIF.content).status == 200
    history.files["arrived unheard"] = (bob, open_["to arrive unheard"]["id"], AVIF)
    for name, user, sample in (("new photo", alice, PHOTO), ("new document", bob, PDF)):
        history.files[name] = (user, confirmed(user, sample)["id"], sample)
    new = confirmed(bob, PHOTO)
    assert bob.delete(new).status == 204
    history.gone["new and deleted"] = (bob, new["id"], "jpg")
    history.unverified["new and never verified"] = alice.upload(PNG)["id"]


def everything_is_back(recovery: Recovery, history: History) -> None:
    """As the owners and everybody else see it."""
    for user in (history.alice, history.bob):
        listed = {file["id"]: file for file in user.files().json()["items"]}
        expected = {upload_id: sample for who, upload_id, sample in history.files.values() if who is user}
        assert listed.keys() == expected.keys()
        held = user.call("GET", "/v1/usage").json()
        used = {name: held[name]["used"] for name in ("files", "bytes", "pending")}
        assert used == {"files": len(expected), "bytes": sum(len(sample.content) for sample in expected.values()), "pending": 0}
        for upload_id, sample in expected.items():
            file = listed[upload_id]
            assert (file["size"], file["contentType"]) == (len(sample.content), sample.content_type)
            assert recovery.served(f"uploads/{user.owner}/{upload_id}.{sample.extension}") == sample.content
            if sample.thumbnail:
                assert [made["width"] for made in file["thumbnails"]["items"]] == [sample.thumbnail[0]]
                assert recovery.served(f"thumbnails/{user.owner}/{upload_id}/small.jpg")
    for name, (user, upload_id, extension) in history.gone.items():
        assert recovery.served(f"uploads/{user.owner}/{upload_id}.{extension}") is None, name
        assert recovery.storage.versions(f"uploads/{user.owner}/{upload_id}") == [], name


def objects(recovery: Recovery, history: History) -> list[str]:
    return [f"uploads/{user.owner}/{upload_id}.{sample.extension}" for user, upload_id, sample in history.files.values()]


def test_a_table_that_was_set_back_agrees_with_its_bucket_again(recovery):
    history, open_ = before_the_copy(recovery)
    copy = recovery.copy()
    after_the_copy(recovery, history, open_)
    late = recovery.courier.take_all()
    recovery.restore(copy)
    before = recovery.copy()
    dry = recovery.reindex("--dry-run")
    assert (dry.code, recovery.copy()) == (0, before), dry
    done = recovery.reindex()
    ids = {name: upload_id for name, (_, upload_id, *_) in (history.files | history.gone).items()} | history.unverified
    expected = {
        "confirmed since": "verified",
        "arrived unheard": "verified",
        "new photo": "rebuilt",
        "new document": "rebuilt",
        "file deleted since": "deleted",
        "new and never verified": "unverified",
    }
    assert done.told == {ids[name]: outcome for name, outcome in expected.items()}, done
    assert (done.code, done.err) == (0, ""), done
    assert done.summary.endswith("2 rebuilt, 2 verified, 1 deleted, 1 unverified, 2 owners counted anew, 0 failed"), done.summary
    assert {upload_id: "unsettled" if outcome == "verified" else outcome for upload_id, outcome in done.told.items()} == dry.told
    again = recovery.reindex()
    assert (again.code, again.told) == (0, {ids["new and never verified"]: "unverified"})
    # The queue still holds what happened in between.
    for body in late * 2:
        recovery.courier.work_off(body)
    assert recovery.wrong() == []
    everything_is_back(recovery, history)
    rebuilt = history.alice.file({"id": ids["new photo"]}).json()
    assert rebuilt["filename"] == f"{ids['new photo']}.jpg", "its name is lost"


def test_a_table_that_was_lost_is_made_anew_from_the_bucket(recovery):
    history, open_ = before_the_copy(recovery)
    after_the_copy(recovery, history, open_)
    recovery.deliver_all()
    recovery.restore([])
    done = recovery.reindex()
    rows = {item["sk"]["S"].removeprefix("UPLOAD#") for item in recovery.copy() if item["sk"]["S"].startswith("UPLOAD#")}
    # The event made a file of what arrived unheard; of what was never looked at nothing is left.
    assert (done.code, rows) == (0, {upload_id for _, upload_id, _ in history.files.values()} | set(history.unverified.values())), done
    assert set(done.told.values()) == {"rebuilt"}
    history.files |= {name: (history.alice, upload_id, PNG) for name, upload_id in history.unverified.items()}
    assert recovery.wrong() == []
    everything_is_back(recovery, history)


def test_sweeps_and_events_that_come_before_it_take_nothing_away(recovery):
    """Of a few objects without a row it cannot be told that the table is wrong; their tags tell that they were files."""
    history, open_ = before_the_copy(recovery)
    copy = recovery.copy()
    after_the_copy(recovery, history, open_)
    late = recovery.courier.take_all()
    recovery.restore(copy)
    kept = {key: recovery.storage.versions(key) for key in objects(recovery, history)}
    for body in late:
        recovery.courier.work_off(body)
    swept = recovery.passing.sweep()
    assert swept["failed"] == 2, "each file without a row is told of"
    assert {key: recovery.storage.versions(key) for key in objects(recovery, history)} == kept
    assert recovery.reindex().code == 0
    assert recovery.wrong() == []
    everything_is_back(recovery, history)


def test_the_sweep_removes_nothing_of_a_bucket_whose_table_is_empty(recovery):
    user = recovery.user()
    grants = [user.upload(PDF) for _ in range(24)]
    recovery.courier.take_all()
    recovery.restore([])
    assert "errorType" in recovery.passing.sweep()
    eventually(lambda: any("24 of 24 objects have no row" in line for line in recovery.stack.logs()), "the sweep says why")
    assert len(recovery.storage.versions(f"uploads/{user.owner}")) == len(grants)


def test_another_stacks_bucket_is_refused(recovery):
    user = recovery.user()
    for _ in range(2):
        confirmed(user, PDF)
    recovery.storage.s3.create_bucket(Bucket="somebody-elses")
    before = recovery.copy()
    done = recovery.reindex(bucket="somebody-elses")
    assert (done.code, done.told, recovery.copy()) == (1, {}, before)
    assert "2 of 2 files are not in the bucket, nothing was changed" in done.err
    assert done.summary.endswith("1 failed; broken off")


def test_what_cannot_begin_says_why(recovery, tmp_path):
    names = ["--bucket=b", "--table=t", "--bucket-owner=123456789012", "--malware-scan=off"]
    bare = run([recovery.valet, "reindex", *names], {})
    assert bare.code == 2
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "aws configure export-credentials --format env"):
        assert name in bare.err
    missing = recovery.reindex(table="no-such-table")
    assert (missing.code, missing.told) == (1, {})
    assert "ResourceNotFoundException" in missing.err
    assert run([recovery.valet, "reindex", "--bucket=b"], {}).code == 2
    assert "--expect-missing" in run([recovery.valet, "reindex", "--help"], {}).out
    shutil.copy(recovery.valet, tmp_path / "valet")
    alone = run([tmp_path / "valet", "reindex", *names], {"PATH": str(tmp_path)})
    assert (alone.code, alone.out) == (2, "")
    assert "valet-reindex is not installed" in alone.err
    (tmp_path / "on the path").mkdir()
    shutil.copy(recovery.valet.with_name("valet-reindex"), tmp_path / "on the path")
    found = run([tmp_path / "valet", "reindex", *names], {"PATH": str(tmp_path / "on the path")})
    assert (found.code, found.err) == (2, bare.err)
