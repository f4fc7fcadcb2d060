"""The network that breaks, against a store that only counts: what it passes on is untouched, and what it breaks it counts."""

import hashlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.heavy import files
from tests.heavy.faults import Fault, Faults
from tests.heavy.proxy import Proxy

BODY = bytes(range(256)) * 20_000


@pytest.fixture
def stored():
    """The digests of what has arrived whole, and where to send it."""
    found: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(body) == int(self.headers["content-length"]):
                found.append(hashlib.sha256(body).hexdigest())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield found, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def put(proxy: Proxy, part: int = 1, query: str = "X-Amz-Signature=s", expect: bool = False) -> int | None:
    """The status, or `None` where the connection broke."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(proxy.url).port, timeout=20)
    try:
        headers = {"Expect": "100-continue"} if expect else {}
        connection.request("PUT", f"/bucket/key?partNumber={part}&uploadId=u&{query}", BODY, headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    except OSError:
        return None
    finally:
        connection.close()


def only(fault: Fault, seed: int = 1) -> Faults:
    return Faults(seed, 1.0, (fault,), most=1)


def test_without_faults_every_byte_arrives_and_is_counted(stored):
    found, endpoint = stored
    with Proxy(endpoint) as proxy:
        assert [put(proxy), put(proxy, expect=True)] == [200, 200]
    assert found == [hashlib.sha256(BODY).hexdigest()] * 2
    assert proxy.received == 2 * len(BODY)
    assert all(attempt.stored for attempt in proxy.attempts)


def test_what_is_not_presigned_passes_uncounted_and_unbroken(stored):
    found, endpoint = stored
    with Proxy(endpoint, only(Fault.RESET)) as proxy:
        assert put(proxy, query="x=y") == 200
    assert len(found) == 1 and proxy.attempts == []


@pytest.mark.parametrize(
    ("fault", "statuses", "arrives"),
    [
        (Fault.DROP, {None}, False),
        (Fault.RESET, {None}, False),
        (Fault.DELAY, {200}, True),
        # A client that is still sending may see the connection break before it reads the answer.
        (Fault.UNAVAILABLE, {503, None}, False),
        (Fault.EXPIRED, {403, None}, False),
        (Fault.LOST, {None}, True),
    ],
)
def test_each_fault_does_what_it_says_and_the_next_try_passes(stored, fault, statuses, arrives):
    found, endpoint = stored
    with Proxy(endpoint, only(fault)) as proxy:
        for part in range(1, 5):
            assert put(proxy, part) in statuses
        assert len(found) == (4 if arrives else 0)
        assert [put(proxy, part) for part in range(1, 5)] == [200] * 4
    assert proxy.faults_made == {fault.value: 4}
    assert [attempt.stored is not None for attempt in proxy.attempts[:4]] == [arrives] * 4


def test_the_same_seed_breaks_the_same_tries():
    one, same, other = (Faults(seed, 0.5) for seed in (1, 1, 2))
    tries = [(part, attempt) for part in range(1, 50) for attempt in range(3)]
    drawn = [[faults.of(*what)[0] for what in tries] for faults in (one, same, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(one.of(part, one.most)[0] is None for part in range(50))


def test_a_comparison_finds_the_byte_that_differs_and_the_one_that_is_missing(tmp_path):
    file = files.make_sparse(tmp_path / "file", (64 << 20) + 1000)
    other = tmp_path / "other"
    content = file.read_bytes()
    for change, where in ((content, None), (content[:-1], len(content) - 1), (content + b"x", len(content))):
        other.write_bytes(change)
        with other.open("rb") as stored:
            assert files.difference(file, stored) == where
    other.write_bytes(content[:70_000] + b"x" + content[70_001:])
    with other.open("rb") as stored:
        assert files.difference(file, stored) == 70_000
