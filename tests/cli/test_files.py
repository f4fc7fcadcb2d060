"""Files travel to a deployed stack and back."""

import hashlib
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.polling import eventually
from tests.e2e.samples import PDF, PHOTO

MIB = 1 << 20


def mp4(path: Path, size: int) -> Path:
    """A file of this size that begins as a video does; no two stretches of it are alike."""
    head = b"\0\0\0\x18ftypisom\0\0\x02\0isommp42\0\0\0\x08free"
    with path.open("wb") as file:
        file.write(head)
        block = 0
        while (left := size - file.tell()) > 0:
            file.write(hashlib.shake_128(block.to_bytes(8, "big")).digest(min(left, MIB)))
            block += 1
    return path


def served(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read()


def test_a_photo_goes_in_one_piece(valet, tmp_path):
    path = tmp_path / "Ferien äöü.JPEG"
    path.write_bytes(PHOTO.content)
    done = valet.run("upload", "--quiet", "--sha256", path)
    assert (done.code, done.err) == (0, "")
    assert served(done.out.strip()) == PHOTO.content
    assert valet.tickets() == []


def test_what_the_stack_accepts_is_told(valet):
    done = valet.run("limits")
    assert done.code == 0
    assert "image/jpeg" in done.out and "up to" in done.out


def test_standard_input_and_a_folder(valet, tmp_path):
    path = tmp_path / "menu.pdf"
    path.write_bytes(PDF.content)
    with path.open("rb") as file:
        done = valet.run("upload", "--json", "--name", "dump.pdf", "-", stdin=file)
    assert done.code == 0, done.err
    assert done.events[-1]["file"]["filename"] == "dump.pdf"
    (tmp_path / "notes.txt").write_text("notes")
    done = valet.run("upload", "--json", tmp_path)
    assert done.code == 0, done.err
    assert [event["event"] for event in done.events if event["event"] in ("skipped", "done")] == ["skipped", "done"]


def test_an_html_page_by_another_name_is_refused_for_good(valet, tmp_path):
    path = tmp_path / "page.png"
    path.write_bytes(b"<!doctype html>" + b" " * 600)
    done = valet.run("upload", "--json", path)
    assert (done.code, done.events[-1]["code"]) == (1, "content_mismatch")
    assert valet.tickets() == []


def test_another_token_is_told_apart_from_a_missing_file(valet, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF.content)
    assert valet.run("get", "01936f2e-8b5a-7c3d-9e4f-0123456789ab").code == 4
    valet.token = "none.at.all"
    assert valet.run("upload", path).code == 3


# ---- What follows needs parts and /v1/files -------------------------------------------------------------------------


def test_a_large_file_goes_in_parts_and_comes_back(valet, tmp_path):
    path = mp4(tmp_path / "film.mp4", 21 * MIB + 7)
    done = valet.run("upload", "--json", "--part-size", "5MiB", path)
    assert done.code == 0, done.err
    file = done.events[-1]["file"]
    assert done.events[0]["partSize"] == 5 * MIB
    got = valet.run("get", file["id"], "-o", tmp_path / "copy.mp4")
    assert got.code == 0, got.err
    assert (tmp_path / "copy.mp4").read_bytes() == path.read_bytes()
    listed = valet.run("ls")
    assert file["id"] in listed.out and "film.mp4" in listed.out
    assert valet.run("rm", file["id"]).code == 0
    assert valet.run("ls").out == ""


@pytest.mark.parametrize("again", [("resume",), ("upload",)])
def test_an_interrupted_upload_goes_on_where_it_was(valet, tmp_path, again):
    path = mp4(tmp_path / "film.mp4", 300 * MIB)
    process = valet.start("upload", "--json", "--part-size", "5MiB", "--parallel", "2", path)
    # By its first progress some parts are stored.
    eventually(lambda: '"progress"' in (process.stdout.readline()), "the upload is under way")
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, time.monotonic() - pressed < 2) == (130, True), err
    (ticket,) = valet.tickets()
    assert f"valet resume {ticket.stem}" in err
    assert ticket.stat().st_mode & 0o777 == 0o600
    assert "http" not in ticket.read_text().replace(valet.api, "")
    arguments = ("resume", "--json") if again == ("resume",) else ("upload", "--json", "--part-size", "5MiB", path)
    done = valet.run(*arguments)
    assert done.code == 0, done.err
    last = done.events[-1]
    assert last["foundBytes"] > 0
    assert last["foundBytes"] + last["sentBytes"] == path.stat().st_size
    assert hashlib.sha256(served(last["file"]["fileUrl"])).digest() == hashlib.sha256(path.read_bytes()).digest()
    assert valet.tickets() == []


def test_a_cancelled_upload_is_forgotten_here_and_there(valet, tmp_path):
    path = mp4(tmp_path / "film.mp4", 300 * MIB)
    process = valet.start("upload", "--json", "--part-size", "5MiB", "--parallel", "1", path)
    eventually(lambda: '"progress"' in (process.stdout.readline()), "the upload is under way")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    (ticket,) = valet.tickets()
    assert valet.run("rm", ticket.stem).code == 0
    assert valet.tickets() == []
    assert valet.run("resume").code == 4
