"""One PostgreSQL server: made, configured, started, stopped, killed, promoted."""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import psycopg
from psycopg.rows import TupleRow

from sandbox.certificates import CertificateAuthority
from sandbox.errors import SandboxError
from sandbox.postgres import settings as configuration
from sandbox.postgres.credentials import Credentials
from sandbox.postgres.installation import Installation
from sandbox.postgres.ports import LOOPBACK, free_port, release_port
from sandbox.postgres.processes import reap
from sandbox.postgres.settings import Settings
from sandbox.postgres.spares import SpareClusters

log = logging.getLogger(__name__)

START_TIMEOUT = 60.0
STOP_TIMEOUT = 5.0
"""Seconds that a fast shutdown may take before the server is killed."""
_POLL = 0.01
Connection = psycopg.Connection[TupleRow]


@dataclass(frozen=True)
class Environment:
    """What all servers of one cloud share."""

    installation: Installation
    credentials: Credentials
    authority: CertificateAuthority
    spares: SpareClusters


class StartError(SandboxError):
    """The server ended before it was ready; the message carries the end of its log."""


class PostgresServer:
    """A server in ``directory``: ``data/``, its configuration, certificate and ``server.log`` beside it.

    Safe to use from several threads: starting, stopping and promoting exclude each other.
    """

    def __init__(self, environment: Environment, directory: Path, name: str) -> None:
        self.environment = environment
        self.directory = directory
        self.name = name
        self.data = directory / "data"
        self.log_file = directory / "server.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = RLock()
        self._closed = False

    # -- making ---------------------------------------------------------------------------------------------------

    def prepare_directory(self) -> None:
        """The directory and its certificate; the data directory is made by initialise, a clone or a restore."""
        account = self.environment.installation.account
        account.make_directory(self.directory, 0o711)
        issued = self.environment.authority.issue(self.directory, [self.name])
        account.own(issued.key)
        account.make_directory(self.directory / configuration.DISCARDED)
        self.log_file.touch(mode=0o600)

    def initialise(self) -> None:
        """A new, empty cluster whose superuser is rdsadmin."""
        self.prepare_directory()
        self.environment.spares.take().rename(self.data)

    def configure(self, settings: Settings) -> None:
        """Write the configuration; a running server takes it at its next reload or start."""
        account = self.environment.installation.account
        content = configuration.main_file(settings, port=self.port, directory=self.directory)
        account.write_private(self.directory / "postgresql.conf", content)
        account.write_private(self.directory / "pg_hba.conf", configuration.access_file(settings))

    # -- life -----------------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = START_TIMEOUT) -> None:
        """Start and wait until connections are accepted. Raises StartError with the server's own reason."""
        with self._lock:
            if self._closed:
                raise SandboxError(f"Server {self.name} is not started: the cloud is going down.")
            if self.is_running:
                return
            self._sweep()
            written = self.log_file.stat().st_size
            with self.log_file.open("ab") as output:
                self._process = self.environment.installation.account.start(
                    [
                        self.environment.installation.program("postgres"), "-D", self.data,
                        "-c", f"config_file={self.directory / 'postgresql.conf'}",
                        "-c", f"hba_file={self.directory / 'pg_hba.conf'}",
                    ],
                    directory=self.directory,
                    output=output,
                )  # fmt: skip
            try:
                self._wait_until_ready(self._process, timeout, written)
            except SandboxError:
                self.kill()
                raise

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back; what takes longer than STOP_TIMEOUT is killed."""
        if self._process is not None and self._process.poll() is None:
            # Before taking the lock: whoever holds it may be waiting for this server to start or to be promoted.
            self._process.send_signal(signal.SIGINT)
        with self._lock:
            process = self._process
            if process is None:
                return
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(STOP_TIMEOUT)
                except subprocess.TimeoutExpired:
                    log.warning("server %s did not stop within %.0f s and is killed", self.name, STOP_TIMEOUT)
            self.kill()

    def close(self) -> None:
        """Stop, and never start again: the cloud goes down, perhaps while somebody is still making this server."""
        self._closed = True
        self.stop()

    def kill(self) -> None:
        """kill -9 of the postmaster and of every process that it leaves behind: what a lost machine looks like."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
            if self._process is not None:
                self._process.wait()
                self._process = None
            reap(self.data)

    def restart(self) -> None:
        with self._lock:
            self.stop()
            self.start()

    def reload(self) -> None:
        """Take the written configuration as far as that goes without a restart."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGHUP)

    def promote(self, timeout: int = 60) -> None:
        """End recovery. What was received is replayed first. Raises SandboxError when it does not end in time."""
        with self._lock, self.connect() as connection:
            row = connection.execute("SELECT pg_promote(true, %s)", (timeout,)).fetchone()
            if row is None or row[0] is not True:
                raise SandboxError(f"Server {self.name} was not promoted within {timeout} s; see {self.log_file}.")

    def remove(self) -> None:
        """Kill the server and delete all that it has."""
        with self._lock:
            self.kill()
            if self.directory.exists():
                shutil.rmtree(self.directory)
            release_port(self.port)

    # -- use ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def connect(self, database: str = "postgres") -> Iterator[Connection]:
        """An autocommitting connection of the superuser, over TLS like any other."""
        with contextlib.closing(
            psycopg.connect(
                host=LOOPBACK,
                port=self.port,
                dbname=database,
                user=configuration.ADMIN,
                password=self.environment.credentials.admin_secret,
                sslmode="verify-full",
                sslrootcert=str(self.environment.authority.certificate),
                connect_timeout=5,
                autocommit=True,
                application_name="rdsadmin",
            )
        ) as connection:
            yield connection

    def log_written(self) -> int:
        """When the log was last written to (nanoseconds since the epoch); asks the file system only."""
        newest = 0
        for entry in (self.data / "pg_wal").glob("0*"):
            with contextlib.suppress(FileNotFoundError):  # the server recycles segments
                newest = max(newest, entry.stat().st_mtime_ns)
        return newest

    def discard_log(self) -> None:
        """Delete what a server without backups has archived."""
        for path in (self.directory / configuration.DISCARDED).glob("*"):
            path.unlink(missing_ok=True)

    def log_tail(self, start: int = 0, limit: int = 600) -> str:
        """The end of the server's log, in one line."""
        with self.log_file.open("rb") as file:
            file.seek(start)
            text = file.read().decode(errors="replace")
        return " | ".join(line.strip() for line in text.splitlines() if line.strip())[-limit:]

    # -- inside ---------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Processes and the pid file of an earlier life (the cloud was killed) must not stand in the way."""
        reap(self.data)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], timeout: float, log_start: int) -> None:
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StartError(f"PostgreSQL server {self.name} did not start: {self.log_tail(log_start)}")
            if _is_ready(pid_file, process.pid):
                return
            time.sleep(_POLL)
        raise StartError(
            f"PostgreSQL server {self.name} was not ready within {timeout:.0f} s: {self.log_tail(log_start)}"
        )


def _is_ready(pid_file: Path, pid: int) -> bool:
    """The pid file's eighth line is the state; the first says whose file it is."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def wait_for(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Poll ``condition`` until it holds. Raises SandboxError naming ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"{what} did not happen within {timeout:.0f} s.")
        time.sleep(_POLL * 2)
