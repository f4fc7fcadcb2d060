"""A network between a client and S3 that breaks as it is told, and a record of every byte that went up.

Only what a presigned URL carries is counted and broken: the functions' own calls of S3 pass untouched. It must never change
a byte that it passes on, nor keep one.
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, urlsplit

from infra.local.ports import LOOPBACK
from tests.heavy.faults import NONE, Fault, Faults

CHUNK = 256 << 10
HEAD_LIMIT = 64 << 10
PATIENCE_SECONDS = 300
# How long a DELAY lasts at most.
DELAY_SECONDS = 1.5


class Gone(Exception):
    """The other side closed the connection."""


@dataclass
class Attempt:
    """One PUT of a part, or of a whole object: part 0."""

    path: str
    part: int
    length: int
    began: float
    fault: Fault | None
    received: int = 0
    status: int | None = None
    # When S3 had said that it is stored.
    stored: float | None = None


@dataclass
class Side:
    """A connection and what has been read of it ahead."""

    socket: socket.socket
    ahead: bytearray = field(default_factory=bytearray)

    def head(self) -> bytes:
        """Up to the empty line; empty when the connection ends before the first byte."""
        while (end := self.ahead.find(b"\r\n\r\n")) < 0:
            if len(self.ahead) > HEAD_LIMIT:
                raise Gone
            if not (more := self.socket.recv(CHUNK)):
                if self.ahead:
                    raise Gone
                return b""
            self.ahead += more
        found = bytes(self.ahead[: end + 4])
        del self.ahead[: end + 4]
        return found

    def line(self) -> bytes:
        """Up to the end of a line."""
        while (end := self.ahead.find(b"\r\n")) < 0:
            if not (more := self.socket.recv(CHUNK)):
                raise Gone
            self.ahead += more
        found = bytes(self.ahead[: end + 2])
        del self.ahead[: end + 2]
        return found

    def into(self, buffer: memoryview, most: int) -> int:
        """Some of what comes next; 0 at the end."""
        if self.ahead:
            taken = min(most, len(self.ahead), len(buffer))
            buffer[:taken] = self.ahead[:taken]
            del self.ahead[:taken]
            return taken
        return self.socket.recv_into(buffer[: min(most, len(buffer))])

    def reset(self) -> None:
        """Ends the connection as a machine does that lost its power."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Proxy:
    """Listens on a free port of 127.0.0.1; `url` is what stands in for the endpoint behind it."""

    def __init__(self, endpoint: str, faults: Faults = NONE, bytes_per_second: float | None = None) -> None:
        self.faults = faults
        self.attempts: list[Attempt] = []
        self._behind = (urlsplit(endpoint).hostname, urlsplit(endpoint).port)
        self._pace = bytes_per_second
        self._due = 0.0
        self._lock = threading.Lock()
        self._listener = socket.create_server((LOOPBACK, 0), backlog=1024)
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread in accept() does not notice a close.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def received(self) -> int:
        """Bytes of bodies that have come up so far, whether they arrived or not."""
        return sum(attempt.received for attempt in self.attempts)

    @property
    def faults_made(self) -> dict[str, int]:
        """How often each has happened."""
        made: dict[str, int] = {}
        for attempt in self.attempts:
            if attempt.fault:
                made[attempt.fault.value] = made.get(attempt.fault.value, 0) + 1
        return made

    def forget(self) -> None:
        """Starts the record anew."""
        with self._lock:
            self.attempts = []

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        accepted.settimeout(PATIENCE_SECONDS)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Side(accepted)
        with suppress(Gone, OSError), accepted:
            while head := client.head():
                if not self._exchange(client, head):
                    return

    def _exchange(self, client: Side, head: bytes) -> bool:
        """One request and its answer; whether the connection goes on."""
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request.split(" ")
        headers = _headers(lines)
        if "expect" in headers:
            client.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            kept = [line for line in lines if not line.lower().startswith("expect:")]
            head = "\r\n".join([request, *kept]).encode("latin-1")
        attempt, dice = self._recorded(method, target, headers)
        if attempt is None:
            return self._pass(client, head, method, headers, None)
        match attempt.fault:
            case Fault.DROP:
                return False
            case Fault.DELAY:
                time.sleep(dice.random() * DELAY_SECONDS)
            case Fault.RESET:
                self._cut(client, head, attempt, int(attempt.length * dice.random()))
                return False
            case Fault.UNAVAILABLE:
                return self._refuse(client, attempt, 503, "SlowDown", "Please reduce your request rate.", whole=dice.random() < 0.5)
            case Fault.EXPIRED:
                return self._refuse(client, attempt, 403, "AccessDenied", "Request has expired", whole=dice.random() < 0.5)
        return self._pass(client, head, method, headers, attempt)

    def _recorded(self, method: str, target: str, headers: dict[str, str]) -> tuple[Attempt | None, object]:
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        if method != "PUT" or "X-Amz-Signature" not in query:
            return None, None
        part = int(query.get("partNumber", ["0"])[0])
        path = f"{parts.path}?{query.get('uploadId', [''])[0]}"
        with self._lock:
            tries = sum(attempt.part == part and attempt.path == path for attempt in self.attempts)
            fault, dice = self.faults.of(part, tries)
            attempt = Attempt(path, part, int(headers.get("content-length", 0)), time.monotonic(), fault)
            self.attempts.append(attempt)
        return attempt, dice

    def _pass(self, client: Side, head: bytes, method: str, headers: dict[str, str], attempt: Attempt | None) -> bool:
        with socket.create_connection(self._behind, timeout=PATIENCE_SECONDS) as connected:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.sendall(head)
            whole = self._up(client, connected, int(headers.get("content-length", 0)), attempt)
            behind = Side(connected)
            while True:
                answer = behind.head()
                if not answer:
                    return False
                status, answered = _status(answer)
                if status >= 200:
                    break
            lost = attempt is not None and attempt.fault is Fault.LOST
            if attempt is not None:
                attempt.status = status
                if status == 200:
                    attempt.stored = time.monotonic()
            if lost:
                client.reset()
                return False
            client.socket.sendall(answer)
            ends = _down(behind, client.socket, method, status, answered)
        return whole and not ends and answered.get("connection", "").lower() != "close"

    def _up(self, client: Side, connected: socket.socket, length: int, attempt: Attempt | None) -> bool:
        """Passes a body on; false if S3 would not have all of it."""
        buffer = memoryview(bytearray(CHUNK))
        while length:
            taken = client.into(buffer, length)
            if not taken:
                raise Gone
            length -= taken
            self._counted(attempt, taken)
            try:
                connected.sendall(buffer[:taken])
            except OSError:
                # It has answered early and closed: its answer counts, what is left of the body does not.
                return False
        return True

    def _cut(self, client: Side, head: bytes, attempt: Attempt, length: int) -> None:
        with socket.create_connection(self._behind, timeout=PATIENCE_SECONDS) as connected:
            connected.sendall(head)
            self._up(client, connected, length, attempt)
            Side(connected).reset()
        client.reset()

    def _refuse(self, client: Side, attempt: Attempt, status: int, code: str, message: str, *, whole: bool) -> bool:
        """Answers in S3's place, after the whole body or before it, as S3 may."""
        attempt.status = status
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
        answer = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        answer += "\r\n" if whole else "Connection: close\r\n\r\n"
        if not whole:
            client.socket.sendall(answer.encode() + body)
            client.socket.shutdown(socket.SHUT_WR)
        buffer, left = memoryview(bytearray(CHUNK)), attempt.length
        while left and (taken := client.into(buffer, left)):
            left -= taken
            self._counted(attempt, taken)
        if whole:
            client.socket.sendall(answer.encode() + body)
        return whole

    def _counted(self, attempt: Attempt | None, taken: int) -> None:
        if attempt is None:
            return
        attempt.received += taken
        if self._pace:
            with self._lock:
                self._due = max(self._due, time.monotonic()) + taken / self._pace
                wait = self._due - time.monotonic()
            time.sleep(max(0.0, wait))


def _headers(lines: list[str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, found, value in (line.partition(":") for line in lines) if found}


def _status(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), _headers(lines)


def _down(behind: Side, client: socket.socket, method: str, status: int, headers: dict[str, str]) -> bool:
    """Passes an answer's body on as it comes; true if only the connection's end ends it."""
    if method == "HEAD" or status in (204, 304):
        return False
    buffer = memoryview(bytearray(CHUNK))

    def relay(length: int) -> None:
        while length:
            taken = behind.into(buffer, length)
            if not taken:
                raise Gone
            client.sendall(buffer[:taken])
            length -= taken

    if "chunked" in headers.get("transfer-encoding", ""):
        while True:
            line = behind.line()
            client.sendall(line)
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while (trailer := behind.line()) != b"\r\n":
                    client.sendall(trailer)
                client.sendall(b"\r\n")
                return False
            relay(size + 2)
    if "content-length" in headers:
        relay(int(headers["content-length"]))
        return False
    while taken := behind.into(buffer, CHUNK):
        client.sendall(buffer[:taken])
    return True
