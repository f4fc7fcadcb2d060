"""A line that takes time: every byte through it arrives later, none is lost, and as many go through at once as before.

In front of a server it adds one round trip to every request, preflights included; never to the opening of a connection.
"""

import asyncio
import threading
from typing import Self

from infra.local.ports import LOOPBACK

PIECE = 256 << 10
# What may be under way in one direction of one connection: far more than a browser sends in a round trip.
PIECES = 64


class Delay:
    """Listens on a port of its own and passes everything on to `port`; `seconds` is the round trip."""

    def __init__(self, port: int, seconds: float) -> None:
        self._to = port
        self._one_way = seconds / 2
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, LOOPBACK, 0, limit=PIECE), self._loop).result()
        self.port: int = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(LOOPBACK, self._to, limit=PIECE)
        await asyncio.gather(self._pass(reader, their_writer), self._pass(their_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES)
        sending = asyncio.create_task(self._send(waiting, writer))
        try:
            while piece := await reader.read(PIECE):
                await waiting.put((self._loop.time() + self._one_way, piece))
        except ConnectionError:
            pass
        await waiting.put((self._loop.time() + self._one_way, b""))
        await sending

    async def _send(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        is_open = True
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0, due - self._loop.time()))
            if not piece:
                writer.close()
                return
            try:
                # What comes for somebody who has gone is taken all the same, or its sender would wait for ever.
                if is_open:
                    writer.write(piece)
                    await writer.drain()
            except ConnectionError:
                is_open = False
