"""SeaweedFS, an independent S3 to hold our S3 adapter against, and whose objects lie on disk. It must never be what the developer's
stack runs on: it has no functions, no events and no Block Public Access."""

import json
import os
import random
from pathlib import Path
from typing import Self

from infra.local.child import Child
from infra.local.places import ROOT, TOOLS
from infra.local.ports import LOOPBACK, is_free

ACCESS_KEY = "valet"
SECRET_KEY = "valet-local-secret"
REGION = "us-east-1"
GRPC_OFFSET = 10_000


class SeaweedFS:
    """A running server with one administrator, whose keys are `keys`, and its data in a folder of its own."""

    def __init__(self, state: Path, keys: tuple[str, str] = (ACCESS_KEY, SECRET_KEY)) -> None:
        self.state = state
        self.access_key, self.secret_key = keys
        self.endpoint = ""

    def __enter__(self) -> Self:
        weed = TOOLS / "weed" / "bin" / "weed"
        data = self.state / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = self.state / "s3.json"
        config.write_text(json.dumps(_identities(self.access_key, self.secret_key)))
        self.ports = ports = _ports()
        self.endpoint = f"http://{LOOPBACK}:{ports['s3.port']}"
        self.child = Child(
            "SeaweedFS",
            [
                weed,
                "mini",
                f"-dir={data}",
                f"-ip={LOOPBACK}",
                f"-ip.bind={LOOPBACK}",
                "-admin.ui=false",
                "-webdav=false",
                "-master.telemetry=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-s3.localSocket={self.state / 's3.sock'}",
                f"-filer.localSocket={self.state / 'filer.sock'}",
                f"-s3.config={config}",
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.state), "TMPDIR": str(self.state)},
            log=self.state / "seaweed.log",
            cwd=ROOT,
            patience=0,
        )
        try:
            self.child.wait_until(self._answers)
        except BaseException:
            self.child.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()
        # It puts these outside its folder, whatever it is told.
        for port in self.ports.values():
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)

    def client(self, service: str = "s3"):
        """A boto3 client of the administrator."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def _answers(self) -> bool:
        # Listening is not enough: the filer behind it comes up later, and a signed list asks it.
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True


def _identities(access_key: str, secret_key: str) -> dict:
    keys = [{"accessKey": access_key, "secretKey": secret_key}]
    return {"identities": [{"name": "admin", "credentials": keys, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}


def _ports() -> dict[str, int]:
    """A free port for everything it insists on opening; its gRPC ports lie 10000 above, where its parts expect them."""
    names = ["master.port", "volume.port", "filer.port", "s3.port", "admin.port"]
    candidates = iter(random.sample(range(20000, 30000), 1000))
    found = [next(port for port in candidates if is_free(port) and is_free(port + GRPC_OFFSET)) for _ in names]
    return {
        flag: number
        for name, port in zip(names, found, strict=True)
        for flag, number in ((name, port), (f"{name}.grpc", port + GRPC_OFFSET))
    }
