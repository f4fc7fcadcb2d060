"""The real functions, the template's table on the local engine, and objects on another S3, which may hold more than memory does.

It must never share a port, a folder or a bucket with another run.
"""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from infra.local.build import binaries
from infra.local.engine import REGION, ROOT_KEY
from infra.local.seaweed import SeaweedFS
from infra.local.stack import Stack
from infra.local.watch import environment
from tests.heavy.faults import NONE, Faults
from tests.heavy.front import Front
from tests.heavy.proxy import Proxy


class Store:
    """SeaweedFS, told the engine's root user, so that functions need one set of credentials."""

    def __init__(self, state: Path) -> None:
        self._server = SeaweedFS(state, keys=(ROOT_KEY, ROOT_KEY))

    def __enter__(self) -> Self:
        self._server.__enter__()
        self.endpoint = self._server.endpoint
        self.s3 = self._server.client()
        return self

    def __exit__(self, *what: object) -> None:
        self._server.__exit__(*what)

    def make_bucket(self, name: str) -> None:
        """A versioned bucket, as the template's is."""
        self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def empty_bucket(self, name: str) -> None:
        """Removes a bucket with all that is in it, which frees its disk space at once, and makes it anew."""
        for kind in ("Versions", "DeleteMarkers"):
            for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
                for version in page.get(kind, []):
                    self.s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
        for upload in self.s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
            self.s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
        self.s3.delete_bucket(Bucket=name)
        self.make_bucket(name)


class HeavyStack:
    """An API whose functions keep their rows on the engine and their objects on `store`, past a proxy that breaks as `faults` says.

    `settings` go before what the template sets. Functions are debug binaries unless others are given.
    """

    def __init__(
        self,
        state: Path,
        *,
        store: Store | None = None,
        endpoint: str | None = None,
        faults: Faults = NONE,
        bytes_per_second: float | None = None,
        settings: dict[str, str] | None = None,
        functions: dict[str, Path] | None = None,
    ) -> None:
        self.state = state
        self._store = store
        self._endpoint = endpoint
        self._faults = faults
        self._pace = bytes_per_second
        self._settings = settings or {}
        self._functions = functions
        self._stop = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.state.mkdir(parents=True, exist_ok=True)
            found = self._functions or binaries()
            self.stack = started.enter_context(Stack(state=self.state / "engine", functions=found))
            # Without a proxy where what is measured is speed.
            if self._endpoint is None:
                self.store = self._store or started.enter_context(Store(self.state / "store"))
                self.proxy = started.enter_context(Proxy(self.store.endpoint, self._faults, self._pace))
                self.store.make_bucket(self.stack.bucket)
            given = environment(self.stack.outputs) | {"AWS_ENDPOINT_URL_S3": self._endpoint or self.proxy.url}
            # The engine is no resolver of hosts, and functions are told nothing of a developer's own AWS.
            given = {name: value for name, value in given.items() if name not in ("HOME", "AWS_PROFILE")}
            lambdas, deployed = self.stack.client("lambda"), self.stack.outputs.functions
            timeouts = {name: lambdas.get_function_configuration(FunctionName=deployed[name])["Timeout"] for name in found}
            self.front = started.enter_context(Front(found, given | self._settings, timeouts, self.stack.issuer, self.state))
            self._stop = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    @property
    def api_url(self) -> str:
        """Base of the API's routes."""
        return self.front.url

    @property
    def bucket(self) -> str:
        """The bucket's name, the same on both S3 servers."""
        return self.stack.bucket

    def token(self, sub: str = "heavy") -> str:
        """A bearer token."""
        return self.stack.token(sub=sub)


def remove(folder: Path) -> None:
    """Deletes what a run has left."""
    shutil.rmtree(folder, ignore_errors=True)


__all__ = ["REGION", "HeavyStack", "Store", "remove"]
