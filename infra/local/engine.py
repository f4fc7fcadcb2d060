"""The local engine: ministack, which deploys the template and runs the functions' binaries.

It must never run with `AUTH=false`: signatures, role policies and the bucket policy are what it is there for.
"""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from infra.local.child import Child
from infra.local.doors import NAMES_PATH
from infra.local.places import ROOT, TOOLS
from infra.local.ports import LOOPBACK, free_ports

REGION = "us-east-1"
ACCOUNT = "000000000000"
# The engine's root user. Any secret will do for it; the functions get real role credentials.
ROOT_KEY = "test"


class Engine:
    """A running engine on four ports of its own: AWS, the API, the CDN, the page.

    `functions_endpoint` is where the functions look for AWS, and what the URLs they sign lead to; left out, the engine itself. What
    stands there must pass requests on to the engine with their Host as it is, as that is signed.
    """

    def __init__(self, state: Path, ports: list[int] | None = None, functions_endpoint: str | None = None) -> None:
        self.port, self.api_port, self.cdn_port, self.page_port = ports or free_ports(4)
        self.state = state
        self.endpoint = f"http://{LOOPBACK}:{self.port}"
        self.functions_endpoint = functions_endpoint or self.endpoint
        self.api_url = f"http://{LOOPBACK}:{self.api_port}"
        self.cdn_url = f"http://{LOOPBACK}:{self.cdn_port}"
        self.page_url = f"http://{LOOPBACK}:{self.page_port}"

    def __enter__(self) -> Self:
        python = TOOLS / "engine" / "bin" / "python"
        temporary = self.state / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        ports = [str(port) for port in (self.port, self.api_port, self.cdn_port, self.page_port)]
        self.child = Child(
            "the engine",
            [python, "-m", "infra.local.engine_process", *ports],
            env=self._environment(temporary),
            log=self.state / "engine.log",
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

    def client(self, service: str, **config: object):
        """A boto3 client of the root user; `config` is botocore's."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config),
        )

    def open_doors(self, api_id: str, cdn_domain: str, page_id: str | None = None) -> None:
        """Tells the API's, the CDN's and, if the stack has one, the page's port which stack they lead to."""
        names = json.dumps({"api": api_id, "cdn": cdn_domain, "page": page_id}).encode()
        urllib.request.urlopen(urllib.request.Request(self.endpoint + NAMES_PATH, data=names, method="POST"), timeout=5).close()

    def _environment(self, temporary: Path) -> dict[str, str]:
        # The functions inherit all of this: a developer's own AWS profile or proxy must not reach them.
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUTH": "true",
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # Without it a function would talk to AWS.
            "AWS_ENDPOINT_URL": self.functions_endpoint,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # It would tidy up in a Docker daemon it found.
            "DOCKER_HOST": "unix:///nonexistent",
            "LOG_LEVEL": "INFO",
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint + "/_ministack/ready", timeout=2) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False
