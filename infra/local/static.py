"""Files that lie beside the page at its local address: the API's reference, from the checkout. It must never lead out of its folders."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INDEX = "index.html"


@dataclass(frozen=True)
class Found:
    """An answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def prefix(folders: Mapping[str, Path], path: str) -> str | None:
    """The longest prefix that the path begins with. A folder counts without its slash as well."""
    fitting = [one for one in folders if path.startswith(one) or path == one.removesuffix("/")]
    return max(fitting, key=len, default=None)


def find(place: Path, begins: str, path: str, method: str) -> Found:
    """What lies at `path`, of which `begins` stands for `place`."""
    if method not in ("GET", "HEAD"):
        return _said(405, "It can be read, and nothing else.")
    if begins.endswith("/") and path == begins.removesuffix("/"):
        return Found(308, {"location": begins})
    if not place.exists():
        return _said(404, f"{place.name} is not there: it is written or installed by another make target; see `make help`.")
    rest = path.removeprefix(begins)
    file = (place / rest if rest else place).resolve()
    if not file.is_relative_to(place.resolve()):
        return _said(404, "There is no such file here.")
    if file.is_dir():
        file = file / INDEX
    if not file.is_file():
        return _said(404, "There is no such file here.")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    body = file.read_bytes()
    return Found(200, {"content-type": kind, "cache-control": "no-cache"}, body if method == "GET" else b"")


def _said(status: int, sentence: str) -> Found:
    return Found(status, {"content-type": "text/plain; charset=utf-8"}, f"{sentence}\n".encode())
