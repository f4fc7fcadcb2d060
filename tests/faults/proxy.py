"""Stands between the functions and AWS, knows each call by its operation, and has those fail that it is told to.

A request goes on as it came, its Host included, since that is signed: presigned URLs lead here as well, and what a client sends to
one passes unseen. Calls are told apart by the owner they are about, so that many faults can be tried at once, and an operation's
retries by the SDK's own count. It must never change a byte of what it passes on but where a fault says so.
"""

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from infra.local.ports import LOOPBACK
from tests.faults.kinds import KILLS, Answer, Kind, answer, late_seconds
from tests.faults.operations import Operation, recognised
from tests.faults.processes import Process
from tests.heavy.proxy import PATIENCE_SECONDS, Gone, Side

# An owner's name, or the hash of a session's secret.
NAME = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{32}){1,2}(?![0-9a-f])")
ATTEMPT = re.compile(r"attempt=(\d+)")


@dataclass(frozen=True)
class Call:
    """One try of a call: the `ordinal`th of its operation, counted from 1, for this owner. `None` owns what is nobody's: the sweep's lists.
    `function` is who made it, where that was asked for."""

    owner: str | None
    operation: Operation
    ordinal: int
    attempt: int
    function: str | None = None


@dataclass
class Rule:
    """Has the `ordinal`th call of an operation fail, its first `attempts` tries. Without an operation, the `ordinal`th of all calls."""

    owner: str | None
    operation: Operation | None
    ordinal: int
    kind: Kind
    attempts: int = 1
    fired: int = 0
    # The process to be killed was gone already.
    has_missed: bool = False


@dataclass
class _Message:
    """A request or an answer, whole."""

    head: bytes
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Proxy:
    """Listens on a free port of 127.0.0.1, before an engine's. `at_the_other_end` finds the process whose connection has this port."""

    def __init__(self, port: int, at_the_other_end: Callable[[int], Process | None]) -> None:
        self.calls: list[Call] = []
        self._behind = (LOOPBACK, port)
        self._at_the_other_end = at_the_other_end
        self._rules: list[Rule] = []
        # By what they are known: their own name, and others.
        self._owners: dict[bytes, str] = {}
        self._named: set[str | None] = set()
        # By operation, and of all of them under None.
        self._known: dict[tuple[str | None, Operation | None], list[str]] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server((LOOPBACK, 0), backlog=1024)
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def watch(self, owner: str | None, *, by_function: bool = False) -> None:
        """Counts this owner's calls anew; `by_function` finds out who makes them, which takes a while."""
        with self._lock:
            if owner is not None:
                self._owners[owner.encode()] = owner
            self._named = self._named | {owner} if by_function else self._named - {owner}
            self._known = {key: ids for key, ids in self._known.items() if key[0] != owner}
            self.calls = [call for call in self.calls if call.owner != owner]

    def know_as(self, name: str, owner: str) -> None:
        """What has this in it is about that owner too."""
        with self._lock:
            self._owners[name.encode()] = owner

    def forget(self, owners: set[str]) -> None:
        """Neither counts these owners' calls any more nor keeps them."""
        with self._lock:
            self._owners = {name: owner for name, owner in self._owners.items() if owner not in owners}
            self._known = {key: ids for key, ids in self._known.items() if key[0] not in owners}
            self.calls = [call for call in self.calls if call.owner not in owners]

    def of(self, owner: str | None) -> list[Call]:
        """The calls about this owner since it is watched."""
        with self._lock:
            return [call for call in self.calls if call.owner == owner]

    def arm(self, rule: Rule) -> None:
        """Has a call fail from now on."""
        with self._lock:
            self._rules.append(rule)

    def disarm(self, rule: Rule) -> None:
        """No longer."""
        with self._lock:
            self._rules.remove(rule)

    def _accept(self) -> None:
        while True:
            try:
                accepted, (_, port) = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted, port), daemon=True).start()

    def _serve(self, accepted: socket.socket, port: int) -> None:
        accepted.settimeout(PATIENCE_SECONDS)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Side(accepted)
        with suppress(Gone, OSError), accepted:
            while head := client.head():
                if not self._exchange(client, head, port):
                    return

    def _exchange(self, client: Side, head: bytes, port: int) -> bool:
        """One request and its answer; whether the connection goes on."""
        first, headers = _parsed(head)
        if "expect" in headers:
            client.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))
        method, target, _ = first.split(" ")
        request = _Message(head, _exactly(client, int(headers.get("content-length", 0))), headers)
        operation = recognised(method, target, headers)
        rule = self._seen(operation, target, request, port) if operation else None
        if rule is None:
            return self._deliver(client, self._forward(request, method))
        # Found while it waits: it may lose patience before the answer comes.
        process = self._at_the_other_end(port) if rule.kind in KILLS else None
        match rule.kind:
            case Kind.KILLED:
                self._kill(process, rule)
            case Kind.RESET:
                client.reset()
            case Kind.LATE:
                # The timing is the fault here: nobody waits for a state.
                time.sleep(late_seconds(operation))
                with suppress(OSError):
                    self._deliver(client, self._forward(request, method))
            case Kind.LOST | Kind.KILLED_AFTER:
                self._forward(request, method)
                self._kill(process, rule) if rule.kind in KILLS else client.reset()
            case Kind.FAILED | Kind.DONE_ERROR_IN_200:
                self._forward(request, method)
                return self._deliver(client, _message(answer(rule.kind, operation), method))
            case Kind.CUT:
                whole = self._forward(request, method)
                client.socket.sendall(whole.head + whole.body[: len(whole.body) // 2])
            case _:
                return self._deliver(client, _message(answer(rule.kind, operation), method))
        return False

    def _seen(self, operation: Operation, target: str, request: _Message, port: int) -> Rule | None:
        """Records a try, and finds what is to become of it."""
        text = target.encode() + request.body
        with self._lock:
            owner = next((self._owners[found] for found in NAME.findall(text) if found in self._owners), None)
            is_named = owner in self._named
        process = self._at_the_other_end(port) if is_named else None
        with self._lock:
            invocation = request.headers.get("amz-sdk-invocation-id", "")
            tried = ATTEMPT.search(request.headers.get("amz-sdk-request", ""))
            call = Call(owner, operation, self._ordinal(owner, operation, invocation), int(tried[1]) if tried else 1, process and process.function)
            of_all = self._ordinal(owner, None, invocation)
            self.calls.append(call)
            for rule in self._rules:
                meant = (operation, call.ordinal) if rule.operation else (None, of_all)
                if (rule.owner, rule.operation, rule.ordinal) == (owner, *meant) and call.attempt <= rule.attempts:
                    rule.fired += 1
                    return rule
        return None

    def _ordinal(self, owner: str | None, operation: Operation | None, invocation: str) -> int:
        known = self._known.setdefault((owner, operation), [])
        if invocation not in known:
            known.append(invocation)
        return known.index(invocation) + 1

    def _kill(self, process: Process | None, rule: Rule) -> None:
        if process is None:
            rule.has_missed = True
        else:
            process.kill()

    def _forward(self, request: _Message, method: str) -> _Message:
        with socket.create_connection(self._behind, timeout=PATIENCE_SECONDS) as connected:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.sendall(request.head + request.body)
            behind = Side(connected)
            while True:
                head = behind.head()
                if not head:
                    raise Gone
                first, headers = _parsed(head)
                status = int(first.split(" ")[1])
                if status >= 200:
                    break
            return _Message(head, _body(behind, method, status, headers), headers)

    def _deliver(self, client: Side, message: _Message) -> bool:
        client.socket.sendall(message.head + message.body)
        return message.headers.get("connection", "").lower() != "close"


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    return first, {name.lower(): value.strip() for name, found, value in (line.partition(":") for line in lines) if found}


def _exactly(side: Side, length: int) -> bytes:
    whole, buffer = bytearray(), memoryview(bytearray(1 << 18))
    while len(whole) < length:
        taken = side.into(buffer, length - len(whole))
        if not taken:
            raise Gone
        whole += buffer[:taken]
    return bytes(whole)


def _body(behind: Side, method: str, status: int, headers: dict[str, str]) -> bytes:
    """An answer's body as it came, chunks and all."""
    if method == "HEAD" or status in (204, 304):
        return b""
    if "chunked" in headers.get("transfer-encoding", ""):
        whole = bytearray()
        while True:
            line = behind.line()
            whole += line
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while (trailer := behind.line()) != b"\r\n":
                    whole += trailer
                return bytes(whole + b"\r\n")
            whole += _exactly(behind, size + 2)
    if "content-length" in headers:
        return _exactly(behind, int(headers["content-length"]))
    # Only the connection's end ends it, for us and for whom it is passed on to.
    headers["connection"] = "close"
    whole, buffer = bytearray(), memoryview(bytearray(1 << 18))
    while taken := behind.into(buffer, len(buffer)):
        whole += buffer[:taken]
    return bytes(whole)


def _message(said: Answer, method: str) -> _Message:
    lines = [f"HTTP/1.1 {said.status} Fault", *(f"{name}: {value}" for name, value in said.headers.items()), f"Content-Length: {len(said.body)}"]
    return _Message("\r\n".join([*lines, "", ""]).encode(), b"" if method == "HEAD" else said.body)
