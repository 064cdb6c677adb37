"""An empty cluster in reserve: initdb takes most of the time that a new instance needs (0.7 s on two free cores).

Each is used once, so that every server has a system identifier of its own; copies of one template would not.
"""

from __future__ import annotations

import logging
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock

from sandbox.postgres import settings as configuration
from sandbox.postgres.credentials import Credentials
from sandbox.postgres.installation import Installation

log = logging.getLogger(__name__)

_PAUSE = 5.0
"""Seconds after which the next one is made, so as not to slow down the instance that took the last one."""


class SpareClusters:
    """Made in the background below ``directory``, from ``start`` on; ``take`` waits for one if need be."""

    def __init__(self, installation: Installation, credentials: Credentials, directory: Path) -> None:
        self._installation = installation
        self._credentials = credentials
        self._directory = directory
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="initdb")
        self._lock = Lock()
        self._wanted = Event()
        self._next: Future[Path] | None = None

    def start(self) -> None:
        """Begin with the first one at once."""
        self._installation.account.make_directory(self._directory, 0o711)
        self._next = self._pool.submit(self._make)

    def take(self) -> Path:
        """A data directory nobody else gets. Raises SandboxError when initdb fails."""
        with self._lock:
            reserved = self._next
            self._wanted.set()
            self._wanted = Event()
            if reserved is not None:
                self._next = self._pool.submit(self._make_later, self._wanted)
        return self._make() if reserved is None else reserved.result()

    def close(self) -> None:
        self._wanted.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _make_later(self, wanted: Event) -> Path:
        wanted.wait(_PAUSE)
        return self._make()

    def _make(self) -> Path:
        data = self._directory / secrets.token_hex(6)
        self._installation.run(
            "initdb",
            [
                "-D", data, "-U", configuration.ADMIN, "-A", "scram-sha-256",
                f"--pwfile={self._credentials.initial_password_file}", "-E", "UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
                "--no-instructions", "--no-sync", "--wal-segsize=1",
                # For initdb's own short-lived servers: one that is killed must leave nothing in /dev/shm either.
                "-c", "dynamic_shared_memory_type=mmap",
            ],
            directory=self._installation.account.make_directory(self._directory, 0o711),
        )  # fmt: skip
        return data
