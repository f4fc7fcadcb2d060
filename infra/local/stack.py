"""A deployed stack as a context: what `make dev` runs and what the pytest suites drive.

    with Stack() as stack:
        urllib.request.urlopen(stack.api_url + "/v1/limits", …)

It must never share anything with another run: own ports, own key, own folder.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from infra.local.build import binaries
from infra.local.deploy import deploy
from infra.local.engine import Engine
from infra.local.issuer import CLIENT, Issuer
from infra.local.logs import Logs
from infra.local.sorry import Sorry


# More than any suite comes to: what one test abandons must not be what the next one is refused for.
ROOMY = {
    "OwnerMaxFiles": "999999999",
    "OwnerMaxBytes": "999999TiB",
    "OwnerMaxPending": "999999999",
    "OwnerGrantsPerMinute": "999999999",
}


class Stack:
    """The template on a fresh engine, with an issuer beside it.

    `ports` are those of the engine, the API, the CDN, the issuer and the page; left out, free ones are found. `parameters` are the
    template's; `roomy` gives an owner limits that no suite reaches, in place of the template's defaults. `functions` are binaries by
    name; left out, the debug binaries. `functions_endpoint` is the engine's.
    """

    def __init__(
        self,
        *,
        state: Path | None = None,
        ports: list[int] | None = None,
        parameters: dict[str, str] | None = None,
        functions: dict[str, Path] | None = None,
        functions_endpoint: str | None = None,
        roomy: bool = True,
    ) -> None:
        self._state = state
        self._ports = ports
        self._parameters = (ROOMY if roomy else {}) | (parameters or {})
        self._functions = functions
        self._functions_endpoint = functions_endpoint
        self._stop = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            state = self._state or Path(started.enter_context(tempfile.TemporaryDirectory(prefix="valet-")))
            found = self._functions or binaries()
            ports = [*self._ports[:3], self._ports[4]] if self._ports else None
            self.engine = started.enter_context(Engine(state, ports, self._functions_endpoint))
            self.issuer = started.enter_context(Issuer(state, self._ports[3] if self._ports else 0))
            self.issuer.allow(CLIENT, f"{self.engine.page_url}/")
            self.outputs = deploy(self.engine, self.issuer.url, found, self._parameters)
            self._reader = Logs(self.engine, self.outputs.functions)
            self._lines: list[str] = []
            # Nothing went wrong: what was started is stopped at the end of the context and not here.
            self._stop = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    @property
    def page_url(self) -> str:
        """Origin of the page, no trailing slash; empty if the stack has none."""
        return self.outputs.page_url

    @property
    def api_url(self) -> str:
        """Base of the API's routes, no trailing slash."""
        return self.outputs.api_url

    @property
    def cdn_url(self) -> str:
        """Base of the file URLs, no trailing slash."""
        return self.outputs.cdn_url

    @property
    def cdn_domain(self) -> str:
        """The distribution's own domain; the engine's port answers for it by Host header."""
        return self.outputs.cdn_domain

    @property
    def endpoint(self) -> str:
        """Where the engine answers for AWS."""
        return self.outputs.endpoint

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.outputs.bucket

    @property
    def table(self) -> str:
        """The table's name."""
        return self.outputs.table

    @property
    def queue_url(self) -> str:
        """The queue between S3 and generate-thumbnails."""
        return self.outputs.queue_url

    @property
    def dead_letter_queue_url(self) -> str:
        """Where messages end that failed five times."""
        return self.outputs.dead_letter_queue_url

    @property
    def s3(self):
        """S3 as the root user."""
        return self.client("s3")

    @property
    def dynamodb(self):
        """DynamoDB as the root user."""
        return self.client("dynamodb")

    @property
    def sqs(self):
        """SQS as the root user."""
        return self.client("sqs")

    def client(self, service: str):
        """Any service of the engine as the root user."""
        return self.engine.client(service)

    def token(self, sub: str = "developer", **what: object) -> str:
        """A bearer token; see `Issuer.token` for the bad ones."""
        return self.issuer.token(sub=sub, **what)

    def logs(self) -> list[str]:
        """Every line the functions have logged so far."""
        self._lines += [line for _, line in self._reader.new()]
        return list(self._lines)

    def new_logs(self) -> list[tuple[str, str]]:
        """Function and line of what was logged since the last time somebody asked."""
        new = self._reader.new()
        self._lines += [line for _, line in new]
        return new


class Deployed:
    """A stack somebody else deployed, by environment: VALET_API_URL, VALET_CDN_URL, VALET_TOKEN, and VALET_OTHER_TOKEN for
    a second user. It has no engine, so no root clients and no bad tokens."""

    def __init__(self) -> None:
        missing = [name for name in ("VALET_API_URL", "VALET_CDN_URL", "VALET_TOKEN") if not os.environ.get(name)]
        if missing:
            raise Sorry(f"a deployed stack is driven with {', '.join(missing)} set as well.")
        self.api_url = os.environ["VALET_API_URL"].rstrip("/")
        self.cdn_url = os.environ["VALET_CDN_URL"].rstrip("/")
        self._tokens = [token for token in (os.environ["VALET_TOKEN"], os.environ.get("VALET_OTHER_TOKEN")) if token]
        self._subjects: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def token(self, sub: str = "developer", **what: object) -> str:
        """The token given for this subject: the first asked for gets the first, the second the second."""
        if what:
            raise Sorry("a deployed stack's tokens come from its own issuer; none can be made to order here.")
        if sub not in self._subjects:
            if len(self._subjects) == len(self._tokens):
                raise Sorry("one more user is needed than there are tokens; set VALET_OTHER_TOKEN.")
            self._subjects[sub] = self._tokens[len(self._subjects)]
        return self._subjects[sub]


def from_environment(**options: object) -> Stack | Deployed:
    """The deployed stack VALET_API_URL names, or else a local one of its own."""
    return Deployed() if os.environ.get("VALET_API_URL") else Stack(**options)
