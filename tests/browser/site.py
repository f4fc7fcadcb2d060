"""A web origin of the tests' own, for pages that are not ours: the origin `CorsOrigin` names. It must never answer as the API does."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from infra.local.places import ROOT
from infra.local.ports import LOOPBACK

PAGE = b"<!doctype html><html lang=en><meta charset=utf-8><title>Test</title><link rel=icon href=data:,><body></body></html>"
JAVASCRIPT = "text/javascript; charset=utf-8"


class Site:
    """Serves `/` (an empty page), `/uploader.js`, and what is put into `files`: content by path."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bytes | Path]] = {
            "/": ("text/html; charset=utf-8", PAGE),
            "/uploader.js": (JAVASCRIPT, ROOT / "web" / "uploader.js"),
        }
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        self.origin = f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def script(self, path: str, file: Path) -> str:
        """Serves a module, and returns its address."""
        self.files[path] = (JAVASCRIPT, file)
        return self.origin + path


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one piece, or the second waits for the first to be acknowledged.
        wbufsize = -1

        def do_GET(self) -> None:
            kind, content = site.files.get(self.path.partition("?")[0], ("text/plain", b""))
            body = content.read_bytes() if isinstance(content, Path) else content
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
