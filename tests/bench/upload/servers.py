"""The S3 servers that uploads go to, each in a process of its own. They must never be part of what is measured."""

import contextlib
import os
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.ports import LOOPBACK
from infra.local.sorry import Sorry
from tests.bench import certificates
from tests.heavy.stack import Store

KINDS = ("discard", "discard-https", "seaweedfs")


@dataclass(frozen=True)
class Server:
    """A running server; `store` is there where objects lie on a disk."""

    name: str
    title: str
    endpoint: str
    store: Store | None = None
    # The authority that its certificate comes from, if it speaks TLS.
    authority: Path | None = None

    def clear(self, bucket: str, key: str | None, size: int) -> None:
        """Looks whether the object has arrived in its size, and makes room for the next."""
        if self.store is None:
            if key and (found := self._size(f"/{bucket}/{key}")) != size:
                raise Sorry(f"the object has {found} bytes and not {size}.")
            return
        found = [item["Size"] for item in self.store.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        if found != [size]:
            raise Sorry(f"the bucket holds objects of {found} bytes and not one of {size}.")
        self.store.empty_bucket(bucket)
        # What is still to be written would be written while the next tool runs.
        os.sync()


    def _size(self, path: str) -> int:
        context = ssl.create_default_context(cafile=self.authority) if self.authority else None
        request = urllib.request.Request(self.endpoint + path, method="HEAD")
        with urllib.request.urlopen(request, context=context, timeout=10) as reply:
            return int(reply.headers["Content-Length"])


@contextlib.contextmanager
def discarding(binary: Path, state: Path, *, over_tls: bool) -> Iterator[Server]:
    """Reads and throws away."""
    authority, command = None, [binary]
    if over_tls:
        state.mkdir(parents=True)
        authority, certificate = certificates.make(state)
        command.append(certificate)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        if over_tls:
            yield Server("discard-https", "the same server over HTTPS", f"https://localhost:{port}", authority=authority)
        else:
            yield Server("discard", "a server that throws everything away", f"http://{LOOPBACK}:{port}")
        process.stdin.close()


def start(kind: str, binary: Path, state: Path) -> contextlib.AbstractContextManager[Server]:
    """The server of this name."""
    return seaweed(state) if kind == "seaweedfs" else discarding(binary, state, over_tls=kind == "discard-https")


@contextlib.contextmanager
def seaweed(state: Path) -> Iterator[Server]:
    """Stores on disk."""
    with Store(state) as store:
        yield Server("seaweedfs", "SeaweedFS on disk", store.endpoint, store)
