"""The network between two regions: a TCP proxy for each direction in which data is pulled.

Everything that crosses regions (replication, copies of snapshots, shipped logs) goes through one of these, so that a
partition or a slow line is a property of the link and not of what uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import TypeVar

from sandbox.errors import SandboxError
from sandbox.postgres.ports import LOOPBACK

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_QUEUE = 64
_CALL_TIMEOUT = 10.0
Result = TypeVar("Result")


class LinkLoop:
    """The thread that moves all links' bytes."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="links", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def run(self, coroutine: Coroutine[object, object, Result]) -> Result:
        """Run something in the loop's thread and wait for it."""
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CALL_TIMEOUT)
        except FutureTimeoutError as late:
            raise SandboxError("The thread of the links between the regions does not answer; restart it.") from late

    def close(self) -> None:
        """End the thread; open connections go with it."""
        if self._thread.is_alive():
            self.run(_cancel_all())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CALL_TIMEOUT)


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class RegionLink:
    """What ``destination`` pulls from ``source``: one listening port for each server or service over there."""

    def __init__(self, loop: LinkLoop, source: str, destination: str) -> None:
        self.source = source
        self.destination = destination
        self._loop = loop
        self._ports: dict[int, int] = {}
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._delay = 0.0

    def port(self, target: int) -> int:
        """The port in the destination region that leads to port ``target`` in the source region."""
        return self._loop.run(self._listen(target))

    def cut(self) -> None:
        """A partition: open connections break, new ones are dropped at once."""
        self._is_cut = True
        self._loop.run(self._drop_connections())

    def restore(self) -> None:
        """The partition is over; whoever uses the link connects again by itself."""
        self._is_cut = False

    def set_latency(self, milliseconds: float) -> None:
        """One-way delay for all that passes from now on, in both directions."""
        self._delay = milliseconds / 1000

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    async def _listen(self, target: int) -> int:
        if target not in self._ports:

            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._carry(target, reader, writer)

            server = await asyncio.start_server(accept, LOOPBACK, 0)
            self._servers.append(server)
            self._ports[target] = server.sockets[0].getsockname()[1]
        return self._ports[target]

    async def _drop_connections(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _carry(self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._writers.update(pair)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer))
                both.create_task(self._pump(far_reader, writer))
        except* OSError as broken:
            log.debug("a connection from %s to %s broke: %s", self.destination, self.source, broken.exceptions)
        finally:
            self._writers.difference_update(pair)
            for end in pair:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy until the sender ends; a chunk is passed on when its delay is over, in order."""
        clock = asyncio.get_running_loop().time
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUE)

        async def receive() -> None:
            while chunk := await reader.read(_CHUNK):
                await queue.put((clock() + self._delay, chunk))
            await queue.put((clock() + self._delay, b""))

        async def send() -> None:
            while True:
                due, chunk = await queue.get()
                if (wait := due - clock()) > 0:
                    await asyncio.sleep(wait)
                if not chunk:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(chunk)
                await writer.drain()

        async with asyncio.TaskGroup() as both:
            both.create_task(receive())
            both.create_task(send())
