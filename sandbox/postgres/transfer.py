"""Files from one region to another through the link between them: what a region's storage serves to its peer.

tar does the work at both ends, straight on the sockets. Each transfer has a ticket that is good once, because other
users of this machine can reach the port as well.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import socket
import socketserver
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from sandbox.errors import SandboxError
from sandbox.postgres.account import Account
from sandbox.postgres.ports import LOOPBACK

log = logging.getLogger(__name__)

# Sent after everything else: a stream that ends between two files looks whole to tar.
_COMPLETE = ".complete"
_TICKET_LENGTH = 43
_TIMEOUT = 120.0
"""Seconds after which a transfer is given up; the largest takes a few."""


@dataclass(frozen=True)
class Offer:
    """A directory, or some files in it, for one transfer."""

    directory: Path
    names: Sequence[str]


class FileServer:
    """Serves offered directories on a port of loopback until it is closed. ``scratch`` is a directory of its own."""

    def __init__(self, account: Account, scratch: Path) -> None:
        self.account = account
        self.scratch = scratch
        self._offers: dict[str, Offer] = {}
        self._lock = Lock()
        self._server: socketserver.ThreadingTCPServer | None = None
        self._closed = False

    @property
    def port(self) -> int:
        """Starts the server at the first call. Raises SandboxError once it is closed."""
        with self._lock:
            if self._closed:
                raise SandboxError("The storage of the other region is gone.")
            if self._server is None:
                self.account.make_directory(self.scratch)
                self.account.write_private(self.scratch / _COMPLETE, "")
                self._server = _serve(self)
            return int(self._server.server_address[1])

    def offer(self, directory: Path, names: Sequence[str] = (".",)) -> str:
        """A ticket for ``directory``, or for some files in it."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._offers[ticket] = Offer(directory, names)
        return ticket

    def redeem(self, ticket: str) -> Offer | None:
        with self._lock:
            return self._offers.pop(ticket, None)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def fetch(port: int, ticket: str, target: Path, account: Account) -> None:
    """Make the directory ``target`` out of what the ticket is for. Raises SandboxError; ``target`` is then gone."""
    account.make_directory(target.parent, 0o711)
    account.make_directory(target)
    try:
        problem = _receive(port, ticket, target, account)
        (target / _COMPLETE).unlink()
    except (OSError, subprocess.TimeoutExpired) as broken:
        shutil.rmtree(target, ignore_errors=True)
        reason = broken if not isinstance(broken, FileNotFoundError) else "it ended early"
        raise SandboxError(f"The transfer between the regions broke off: {reason}.") from broken
    if problem:
        shutil.rmtree(target, ignore_errors=True)
        raise SandboxError(f"What came from the other region cannot be unpacked: {problem}")


def _receive(port: int, ticket: str, target: Path, account: Account) -> str:
    """What tar has to say, if anything."""
    with socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT) as connection:
        connection.sendall(ticket.encode())
        connection.settimeout(None)  # tar wants a socket that blocks
        unpacking = account.start(
            ["tar", "--extract", "--file=-", "--preserve-permissions", "--ignore-zeros"],
            directory=target,
            source=connection.fileno(),
            output=subprocess.PIPE,
        )
        try:
            said, _ = unpacking.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            unpacking.kill()
            unpacking.wait()
            raise
    return said.decode(errors="replace").strip() if unpacking.returncode else ""


def _serve(files: FileServer) -> socketserver.ThreadingTCPServer:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connection: socket.socket = self.request
            connection.settimeout(_TIMEOUT)
            offer = files.redeem(_read_ticket(connection))
            if offer is not None:
                connection.settimeout(None)
                _send(files, offer, connection)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server((LOOPBACK, 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="files", daemon=True).start()
    return server


def _read_ticket(connection: socket.socket) -> str:
    received = b""
    while len(received) < _TICKET_LENGTH:
        part = connection.recv(_TICKET_LENGTH - len(received))
        if not part:
            break
        received += part
    return received.decode(errors="replace")


def _send(files: FileServer, offer: Offer, connection: socket.socket) -> None:
    """The files, and only if all of them could be read the marker after them."""
    names = "\0".join([*offer.names, ""]).encode()
    if _pack(files, offer.directory, names, connection):
        _pack(files, files.scratch, f"{_COMPLETE}\0".encode(), connection)


def _pack(files: FileServer, directory: Path, names: bytes, connection: socket.socket) -> bool:
    packing = files.account.start(
        ["tar", "--create", "--file=-", "--null", "--files-from=-"],
        directory=directory,
        source=subprocess.PIPE,
        output=connection.fileno(),
        errors=subprocess.PIPE,
    )
    try:
        _, said = packing.communicate(names, timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        packing.kill()
        packing.wait()
        log.warning("sending %s to the other region took too long and was given up", directory)
        return False
    if packing.returncode:
        log.warning("sending %s to the other region broke off: %s", directory, said.decode(errors="replace").strip())
    return packing.returncode == 0
