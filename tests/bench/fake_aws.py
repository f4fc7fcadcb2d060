"""S3 and DynamoDB as far as one issue or confirm needs them: fixed answers, in a process of their own so that their cost is
nobody else's. It must never be taken for a test of anything: it checks nothing it is sent.

Prints its port, then serves until its standard input ends.
"""

import argparse
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What events/issue-upload.json and events/confirm-upload.json are about. The owner is that of `sub` alice.
OWNER = "2bd806c97f0e00af1a1fc3328fa763a9"
UPLOAD = "01936f2e-8b5a-7c3d-9e4f-0123456789ab"
# Another upload of the same owner, in as many parts as there can be.
UPLOAD_IN_PARTS = "01936f2e-8b5a-7c3d-9e4f-0123456789ac"
PART_SIZE = 16 << 20
PARTS = 10_000
SIZE = 482113
VERSION = "096fKKXTRTtl3on89fVO.nfljtsv6qko"
FIRST_BYTES = (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(512))[:512]


def pending() -> dict:
    """The row as issuing left it a minute ago."""
    now = int(time.time())
    return {
        "pk": {"S": f"OWNER#{OWNER}"},
        "sk": {"S": f"UPLOAD#{UPLOAD}"},
        "status": {"S": "pending"},
        "filename": {"S": "Katze auf dem Dach.jpg"},
        "content_type": {"S": "image/jpeg"},
        "size_bytes": {"N": str(SIZE)},
        "created_at": {"N": str((now - 60) * 1000)},
        "expires_at": {"N": str((now + 3540) * 1000)},
        "ttl": {"N": str(now + 30 * 86400)},
    }


def pending_in_parts() -> dict:
    """The row of a file of 156 GiB, as issuing left it a minute ago."""
    return pending() | {
        "sk": {"S": f"UPLOAD#{UPLOAD_IN_PARTS}"},
        "filename": {"S": "Katze auf dem Dach.mp4"},
        "content_type": {"S": "video/mp4"},
        "size_bytes": {"N": str(PART_SIZE * PARTS)},
        # As long as S3's.
        "multipart_id": {"S": "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA" + "x" * 70},
        "part_bytes": {"N": str(PART_SIZE)},
    }


def ready() -> dict:
    """The row as confirming leaves it."""
    row = pending()
    del row["ttl"]
    return row | {
        "status": {"S": "ready"},
        "version_id": {"S": VERSION},
        "confirmed_at": {"N": str(int(time.time() * 1000))},
        "thumbnails": {"M": {"status": {"S": "pending"}}},
    }


class Handler(BaseHTTPRequestHandler):
    """Answers by operation."""

    protocol_version = "HTTP/1.1"
    # An answer is one write, and goes out at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = self._receive()
        operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
        answers = {
            "PutItem": dict,
            "TransactWriteItems": dict,
            "GetItem": lambda: {"Item": pending_in_parts() if UPLOAD_IN_PARTS.encode() in asked else pending()},
            "UpdateItem": lambda: {"Attributes": ready()},
        }
        if operation not in answers:
            self._send(400, {}, b'{"__type":"com.amazon.coral.service#UnknownOperationException"}')
            return
        self._send(200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answers[operation]()).encode())

    def do_GET(self) -> None:
        headers = {
            "Content-Type": "image/jpeg",
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Range": f"bytes 0-{len(FIRST_BYTES) - 1}/{SIZE}",
            "Accept-Ranges": "bytes",
            "ETag": '"d41d8cd98f00b204e9800998ecf8427e"',
            "Last-Modified": "Sat, 21 Nov 2026 23:05:04 GMT",
            "x-amz-version-id": VERSION,
            "x-amz-server-side-encryption": "AES256",
        }
        self._send(206, headers, FIRST_BYTES)

    def do_PUT(self) -> None:
        self._receive()
        if not self.path.partition("?")[2].startswith("tagging"):
            self._send(501, {}, b"")
            return
        self._send(200, {"x-amz-version-id": VERSION}, b"")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _receive(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        headers = {"x-amzn-RequestId": "4QQ5QDJ8ANS8L5Q2", "Content-Length": str(len(body))} | headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves on a free port of 127.0.0.1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", help="a PEM file of a key and its chain; without one it speaks plain HTTP")
    certificate = parser.parse_args().certificate
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
