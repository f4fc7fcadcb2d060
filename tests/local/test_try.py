"""`make try` walks the whole flow over HTTP, shows each step, and never the signature of a URL."""

import base64
import hashlib
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.issuer import KEY_FILE, new_key, write_key
from infra.local.outputs import Outputs
from infra.local.places import ROOT
from infra.local.ports import LOOPBACK

PHOTO = b"\xff\xd8\xff\xe0 not much of a photo"
SIGNATURE = "X-Amz-Signature=5ec4e7"
ID = "0193c0de-0000-7000-8000-000000000000"


class Api(ThreadingHTTPServer):
    """Answers like the deployed stack: the thumbnail is ready at the second look."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self.server_address[1]}"
        self.stored = None
        self.refusals = {}
        self.seen = []

    def answer(self, method, path, headers, body):
        self.seen.append(f"{method} {path.partition('?')[0]}")
        if path.startswith("/v1/") and not headers.get("authorization", "").startswith("Bearer ey"):
            return 401, {"code": "unauthenticated"}
        for prefix, refusal in self.refusals.items():
            if self.seen[-1].startswith(prefix):
                return refusal
        match self.seen[-1].split(" "):
            case ["POST", "/v1/uploads"]:
                return 201, self.grant(json.loads(body))
            case ["PUT", "/bucket/uploads/photo.jpg"]:
                if SIGNATURE not in path or headers.get("if-none-match") != "*" or int(headers["content-length"]) != len(PHOTO):
                    return 403, {}
                self.stored = body
                return 200, None
            case ["POST", path] if path == f"/v1/uploads/{ID}/confirm":
                return 200, self.file("pending")
            case ["GET", path] if path == f"/v1/uploads/{ID}":
                looks = self.seen.count(f"GET {path}")
                return 200, {"id": ID, "status": "ready", "file": self.file("ready" if looks > 1 else "pending")}
            case ["GET", "/uploads/photo.jpg" | "/thumbnails/small.jpg"]:
                return 200, {}
        return 404, None

    def grant(self, wanted):
        digest = base64.b64encode(hashlib.sha256(PHOTO).digest()).decode()
        assert wanted == {"filename": "photo.jpg", "contentType": "image/jpeg", "size": len(PHOTO), "checksum": {"sha256": digest}}
        return {
            "id": ID,
            "status": "pending",
            "request": {
                "method": "PUT",
                "url": f"{self.url}/bucket/uploads/photo.jpg?{SIGNATURE}",
                "headers": {"content-type": "image/jpeg", "if-none-match": "*"},
            },
            "confirm": {"method": "POST", "href": f"/v1/uploads/{ID}/confirm"},
        }

    def file(self, thumbnails):
        small = {"name": "small", "url": f"{self.url}/thumbnails/small.jpg", "width": 200, "height": 150, "size": 7311}
        items = [small] if thumbnails == "ready" else []
        return {"id": ID, "fileUrl": f"{self.url}/uploads/photo.jpg", "thumbnails": {"status": thumbnails, "items": items}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, content = self.server.answer(self.command, self.path, headers, body)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        kind = "application/xml" if isinstance(content, bytes) else "application/json" if status < 400 else "application/problem+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = handle_any

    def log_message(self, *_):
        pass


@pytest.fixture
def api(tmp_path):
    server = Api()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    addresses = dict(page_url="", api_url=server.url, cdn_url=server.url, cdn_domain="", endpoint=server.url, issuer=server.url)
    names = dict(bucket="bucket", table="", queue_url="", dead_letter_queue_url="", functions={}, environment={})
    Outputs(**addresses, **names, pid=os.getpid()).write(tmp_path / "outputs.json")
    (tmp_path / "dev").mkdir()
    write_key(tmp_path / "dev" / KEY_FILE, new_key())
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def attempt(tmp_path):
    def attempt(name="photo.jpg"):
        (tmp_path / name).write_bytes(PHOTO)
        done = subprocess.run(
            ["make", "--no-print-directory", "try", f"FILE={tmp_path / name}"],
            cwd=ROOT,
            env=os.environ | {"VALET_STATE": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr
        assert "X-Amz-Signature" not in done.stdout + done.stderr
        return done

    return attempt


def test_the_walk_is_shown_step_by_step(api, attempt):
    done = attempt()
    assert done.returncode == 0, done.stderr
    assert api.stored == PHOTO
    steps = [line.split() for line in done.stdout.splitlines() if " ms" in line]
    assert [" ".join(step[:3]).replace(api.url, "") for step in steps] == [
        "POST /v1/uploads 201",
        "PUT /bucket/uploads/photo.jpg 200",
        f"POST /v1/uploads/{ID}/confirm 200",
        f"GET /v1/uploads/{ID} 200",
        "GET /uploads/photo.jpg 200",
        "GET /thumbnails/small.jpg 200",
    ]
    assert "thumbnails ready at look 2" in done.stdout
    assert f"File       {api.url}/uploads/photo.jpg" in done.stdout
    assert f"Thumbnail  {api.url}/thumbnails/small.jpg  (200×150, 7311 bytes)" in done.stdout


def test_a_problem_is_told_with_its_code_and_detail(api, attempt):
    problem = {"code": "file_too_large", "detail": "The largest image/jpeg is 50 MiB.", "requestId": "r-1"}
    api.refusals["POST /v1/uploads"] = 413, problem | {"errors": [{"pointer": "/size", "detail": "is 9"}]}
    done = attempt()
    assert done.returncode != 0
    assert "file_too_large: The largest image/jpeg is 50 MiB.; /size is 9 (request r-1)" in done.stderr


def test_a_refusal_by_s3_is_told_in_its_own_words(api, attempt):
    api.refusals["PUT"] = 412, b"<Error><Code>PreconditionFailed</Code><Message>Not twice.</Message></Error>"
    done = attempt()
    assert done.returncode != 0
    assert "PreconditionFailed: Not twice." in done.stderr


@pytest.mark.parametrize("name", ["notes.txt", "picture.svg", "noextension"])
def test_a_type_nobody_accepts_is_refused_before_anything_is_sent(api, attempt, name):
    done = attempt(name)
    assert done.returncode != 0
    assert "an extension nobody accepts" in done.stderr
    assert api.seen == []
