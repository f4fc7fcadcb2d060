"""API Gateway before the real functions: HTTP requests become HTTP API v2 events with the claims of their token, answers become
replies. Each function runs in processes of its own behind a Runtime API, as many as are called at once.

It must never do a function's work, nor know a route that the workspace's router does not name.
"""

import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import unquote, unquote_plus, urlsplit

import jwt

from infra.local.issuer import ALGORITHM, AUDIENCE, Issuer
from infra.local.places import ROOT
from infra.local.ports import LOOPBACK
from tests.bench.runtime_api import Failed, RuntimeApi

# What an account's API would answer 503 to; here it only waits.
MOST_AT_ONCE = 8


@dataclass(frozen=True)
class Route:
    """A method and a path with its parameters, and the function that answers it."""

    method: str
    path: str
    function: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a path must look like."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def routes() -> list[Route]:
    """Those of `cargo lambda watch`, which are the template's."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"]
    return [Route(target["method"], path, target["function"]) for path, targets in router.items() for target in targets]


@dataclass
class Worker:
    """One process of a function."""

    api: RuntimeApi
    process: subprocess.Popen

    def stop(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()
        self.api.close()


@dataclass
class Function:
    """A function: started when it is called, as often as it is called at once, and kept warm."""

    name: str
    binary: Path
    environment: dict[str, str]
    timeout_seconds: int
    log: Path
    idle: list[Worker] = field(default_factory=list)
    all: list[Worker] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_AT_ONCE))

    def invoke(self, event: dict) -> dict | None:
        """What it answers to an event. A function that fails, or ends, is a `Failed`."""
        with self.slots:
            with self.lock:
                worker = self.idle.pop() if self.idle else None
            worker = worker or self._start()
            try:
                answer = json.loads(worker.api.invoke(worker.process, json.dumps(event).encode()))
            except BaseException:
                worker.stop()
                with self.lock:
                    self.all.remove(worker)
                raise
            with self.lock:
                self.idle.append(worker)
            return answer

    def stop(self) -> None:
        """Ends all its processes."""
        for worker in self.all:
            worker.stop()
        self.all, self.idle = [], []

    def _start(self) -> Worker:
        api = RuntimeApi(self.timeout_seconds)
        runtime = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen([self.binary], env=self.environment | runtime, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        worker = Worker(api, process)
        try:
            api.wait_for_next(process)
        except BaseException:
            worker.stop()
            raise
        with self.lock:
            self.all.append(worker)
        return worker


class Front:
    """A running API. `environment` is what every function finds in its own, `timeouts` how many seconds each may take."""

    def __init__(
        self, binaries: dict[str, Path], environment: dict[str, str], timeouts: dict[str, int], issuer: Issuer, state: Path
    ) -> None:
        own = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": ":UTC"}
        self.functions = {
            name: Function(name, binary, own | environment, timeouts[name], state / f"{name}.log") for name, binary in binaries.items()
        }
        self._routes = [(route, route.pattern) for route in routes()]
        self._issuer = issuer
        self._server = _Server((LOOPBACK, 0), _handler(self))
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for function in self.functions.values():
            function.stop()

    def invoke(self, name: str, event: dict) -> dict | None:
        """What a function answers to an event that is no HTTP request."""
        return self.functions[name].invoke(event)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        parts = urlsplit(target)
        for route, pattern in self._routes:
            found = pattern.fullmatch(parts.path)
            if route.method == method and found:
                break
        else:
            return _plain(404, "Not Found")
        claims = self._claims(headers.get("authorization", ""))
        if claims is None:
            return _plain(401, "Unauthorized")
        event = _event(route, parts.path, parts.query, found.groupdict(), headers, body, claims)
        try:
            answer = self.functions[route.function].invoke(event)
        except Failed:
            return _plain(500, "Internal Server Error")
        if not isinstance(answer, dict) or "statusCode" not in answer:
            return _plain(500, "Internal Server Error")
        content = answer.get("body") or ""
        sent = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        named = {name: ",".join(values) for name, values in (answer.get("multiValueHeaders") or {}).items()}
        return answer["statusCode"], named | (answer.get("headers") or {}), sent

    def _claims(self, authorization: str) -> dict[str, str] | None:
        try:
            key = self._issuer.key.public_key()
            found = jwt.decode(authorization.removeprefix("Bearer "), key, [ALGORITHM], audience=AUDIENCE, issuer=self._issuer.url)
        except jwt.InvalidTokenError:
            return None
        return {name: str(value) for name, value in found.items()}


def _event(
    route: Route, path: str, query: str, parameters: dict[str, str], headers: dict[str, str], body: bytes, claims: dict[str, str]
) -> dict:
    now = time.time()
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    event = {
        "version": "2.0",
        "routeKey": f"{route.method} {route.path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "heavy",
            "authorizer": {"jwt": {"claims": claims, "scopes": claims.get("scope", "").split()}},
            "domainName": headers.get("host", ""),
            "domainPrefix": "heavy",
            "http": {
                "method": route.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": LOOPBACK,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": f"{route.method} {route.path}",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if pairs:
        event["queryStringParameters"] = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    if parameters:
        event["pathParameters"] = {name: unquote(value) for name, value in parameters.items()}
    if body:
        event["body"] = body.decode()
    return event


def _plain(status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"content-type": "application/json"}, json.dumps({"message": message}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thousand grants may be asked for at once.
    request_queue_size = 1024

    def handle_error(self, request: object, address: object) -> None:
        """Says nothing of clients that were killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, address)


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers: dict[str, str] = {}
            for name, value in self.headers.items():
                known = headers.get(name.lower())
                headers[name.lower()] = value if known is None else f"{known},{value}"
            status, sent, content = front.answer(self.command, self.path, headers, body)
            self.send_response_only(status)
            for name, value in sent.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            # A 204 has neither.
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

        def log_message(self, *_: object) -> None:
            """Says nothing: a request's path holds ids, its headers a token."""

    return Handler
