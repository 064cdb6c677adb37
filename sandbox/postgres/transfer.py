"""Files from one region to another through the link between them: what a region's storage serves to its peer.

Each transfer has a ticket that is good once, because other users of this machine can reach the port as well.
"""

from __future__ import annotations

import io
import logging
import os
import secrets
import shutil
import socket
import socketserver
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from sandbox.errors import SandboxError
from sandbox.postgres.account import Account
from sandbox.postgres.ports import LOOPBACK

log = logging.getLogger(__name__)

_COMPLETE = ".complete"
_TICKET_LENGTH = 43
_IDLE_TIMEOUT = 20.0
"""Seconds without a byte after which a transfer is given up."""


@dataclass(frozen=True)
class _Offer:
    directory: Path
    names: Sequence[str] | None


class FileServer:
    """Serves offered directories on a port of loopback until it is closed."""

    def __init__(self) -> None:
        self._offers: dict[str, _Offer] = {}
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
                self._server = _serve(self)
            return int(self._server.server_address[1])

    def offer(self, directory: Path, names: Sequence[str] | None = None) -> str:
        """A ticket for ``directory``, or for some files in it."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._offers[ticket] = _Offer(directory, names)
        return ticket

    def redeem(self, ticket: str) -> _Offer | None:
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
    """Fill the directory ``target`` with what the ticket is for. Raises SandboxError; a new ``target`` is then gone."""
    existed = target.exists()
    account.make_directory(target.parent, 0o711)
    account.make_directory(target)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_IDLE_TIMEOUT) as connection:
            connection.sendall(ticket.encode())
            with connection.makefile("rb") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(target, filter="data")
        # A stream that ends between two files looks whole to tarfile; the marker is the last thing sent.
        (target / _COMPLETE).unlink()
        _own_all(target, account)
    except (OSError, tarfile.TarError, EOFError) as broken:
        if not existed:
            shutil.rmtree(target, ignore_errors=True)
        raise SandboxError(
            f"The transfer between the regions broke off: {broken or type(broken).__name__}."
        ) from broken


def _own_all(target: Path, account: Account) -> None:
    for folder, _, files in os.walk(target):
        here = Path(folder)
        here.chmod(0o700)
        account.own(here)
        for name in files:
            account.own(here / name)


def _serve(files: FileServer) -> socketserver.ThreadingTCPServer:
    class Handler(socketserver.StreamRequestHandler):
        timeout = _IDLE_TIMEOUT

        def handle(self) -> None:
            offered = files.redeem(self.rfile.read(_TICKET_LENGTH).decode(errors="replace"))
            if offered is None:
                return
            try:
                _send(offered, self.wfile)
            except OSError as broken:
                log.warning("sending %s to the other region broke off: %s", offered.directory, broken)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server((LOOPBACK, 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="files", daemon=True).start()
    return server


def _send(offered: _Offer, output: io.BufferedIOBase) -> None:
    with tarfile.open(fileobj=output, mode="w|") as archive:
        if offered.names is None:
            archive.add(offered.directory, arcname=".")
        else:
            for name in offered.names:
                archive.add(offered.directory / name, arcname=name)
        archive.addfile(tarfile.TarInfo(_COMPLETE))
