"""The Lambda Runtime API for one function at a time, as docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html has it: the
function asks for the next event, answers it, asks again. It must never do the function's work, nor measure anything but when it asked.
"""

import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

VERSION = "/2018-06-01/runtime"
NEXT = f"{VERSION}/invocation/next"
PATIENCE_SECONDS = 30
LOOK_SECONDS = 0.1
# As long as the longest of the HTTP functions may take, and always ahead.
DEADLINE_SECONDS = 20


class Failed(Exception):
    """The function did not do what a runtime does."""


@dataclass
class Connection:
    """A function's connection and what has come over it so far."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)

    def take(self) -> tuple[str, str, bytes] | None:
        """The next whole request: method, path and body."""
        head, found, _ = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "transfer-encoding" in headers:
            raise Failed("the function sends its answers in chunks, which only streaming functions do")
        end = len(head) + 4 + int(headers.get("content-length", 0))
        if len(self.received) < end:
            return None
        body = bytes(self.received[len(head) + 4 : end])
        del self.received[:end]
        method, path, _ = request.split(" ")
        return method, path, body

    def send(self, status: str, headers: dict[str, str], body: bytes) -> None:
        """Sends an answer in one piece."""
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)


class RuntimeApi:
    """Serves one function's runtime on a free port of 127.0.0.1. The function is told that it may take `deadline_seconds`."""

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waiting: Connection | None = None
        self._answer: bytes | None = None
        self._id = ""
        self._invocations = 0
        host, port = self._listener.getsockname()
        self.address = f"{host}:{port}"

    def wait_for_next(self, process: subprocess.Popen) -> float:
        """When the function asked for its next event."""
        if self._waiting is None:
            self._requests(lambda: self._waiting is not None, process)
        return time.perf_counter()

    def invoke(self, process: subprocess.Popen, event: bytes) -> bytes:
        """The function's answer to an event it has asked for; returns once it asks for another."""
        connection, self._waiting, self._answer = self._waiting, None, None
        self._invocations += 1
        self._id = f"8476a536-e9f4-11e8-9739-{self._invocations:012x}"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self._id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._deadline_seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:valet",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        }
        connection.send("200 OK", headers, event)
        self._requests(lambda: self._answer is not None and self._waiting is not None, process)
        return self._answer

    def close(self) -> None:
        """Closes every connection."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _requests(self, are_enough: Callable[[], bool], process: subprocess.Popen) -> None:
        patience = self._deadline_seconds + PATIENCE_SECONDS - DEADLINE_SECONDS
        deadline = time.monotonic() + patience
        while not are_enough():
            ready = self._selector.select(LOOK_SECONDS)
            if not ready and process.poll() is not None:
                raise Failed("the function ended")
            if time.monotonic() > deadline:
                raise Failed(f"the function did not ask for its next event within {patience:g} seconds")
            for key, _ in ready:
                if key.data is None:
                    accepted, _ = self._listener.accept()
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._selector.register(accepted, selectors.EVENT_READ, Connection(accepted))
                else:
                    self._receive(key.data)

    def _receive(self, connection: Connection) -> None:
        received = connection.socket.recv(1 << 16)
        if not received:
            self._selector.unregister(connection.socket)
            connection.socket.close()
            return
        connection.received += received
        while request := connection.take():
            self._serve(connection, *request)

    def _serve(self, connection: Connection, method: str, path: str, body: bytes) -> None:
        if (method, path) == ("GET", NEXT):
            self._waiting = connection
        elif (method, path) == ("POST", f"{VERSION}/invocation/{self._id}/response"):
            connection.send("202 Accepted", {}, b'{"status":"OK"}\n')
            self._answer = body
        else:
            raise Failed(f"the function sent {method} {path}: {body.decode(errors='replace')[:300]}")
