"""Continuous backups of one server: base copies, the log since then, and new servers as of a time in between.

The log arrives by PostgreSQL's own archiver (library basic_archive: atomic, no shell). A heartbeat commit and a switch
of the segment bound what can be restored: a recovery target after the last commit is a fatal error to PostgreSQL, and
one before the base copy would silently give the base copy, so ``restore`` refuses both.
"""

from __future__ import annotations

import datetime
import gzip
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from sandbox.errors import SandboxError
from sandbox.postgres import snapshot
from sandbox.postgres.server import Environment, PostgresServer, wait_for

_ARCHIVE_TIMEOUT = 30.0
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_MILLISECOND = datetime.timedelta(milliseconds=1)
_SEGMENT_BITS = 20  # initdb --wal-segsize=1
_STARTED_AT = re.compile(r"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)")


@dataclass(frozen=True)
class Base:
    """A base copy; no time before ``consistent_at`` can be restored from it."""

    files: Path
    consistent_at: datetime.datetime


@dataclass(frozen=True)
class Window:
    earliest: datetime.datetime
    latest: datetime.datetime


class OutsideWindowError(SandboxError):
    """The time cannot be restored; the message says which times can."""


class Archive:
    """The backups of one server in ``directory``: ``base/``, ``wal/`` (incoming), ``log/`` (kept, compressed)."""

    def __init__(self, environment: Environment, directory: Path) -> None:
        self.environment = environment
        self.directory = directory
        self.bases: list[Base] = []
        self.latest: datetime.datetime | None = None
        self._lock = RLock()
        self.seen_until = 0
        """PostgresServer.log_written at the last heartbeat: something later is news."""
        self._seen: list[tuple[datetime.datetime, int]] = []

    @property
    def incoming(self) -> Path:
        """What the server's archiver writes to."""
        return self.directory / "wal"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def prepare(self) -> None:
        account = self.environment.installation.account
        account.make_directory(self.directory, 0o711)
        account.make_directory(self.incoming)
        account.make_directory(self.log)

    @property
    def window(self) -> Window | None:
        """The times that can be restored; None before the first base copy and heartbeat are there."""
        if not self.bases or self.latest is None or self.latest < self.bases[0].consistent_at:
            return None
        return Window(self.bases[0].consistent_at, self.latest)

    def take_base(self, port: int) -> Base:
        """Copy the server behind ``port``; its log must already be arriving."""
        files = self.directory / "base" / f"{len(self.bases):04d}"
        snapshot.take(self.environment, port, files)
        base = Base(files, _now(up=True))
        with self._lock:
            self.bases.append(base)
        return base

    def advance(self, server: PostgresServer) -> None:
        """Make everything that a primary has committed until now restorable."""
        moment = _now()
        while self.bases and moment < self.bases[-1].consistent_at:  # a millisecond at the most
            time.sleep(0.001)
            moment = _now()
        with server.connect() as connection:
            # A commit that changes nothing: a message in the log that nobody decodes.
            connection.execute("SELECT pg_logical_emit_message(true, 'rdsadmin', 'heartbeat')")
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal() - 1)").fetchone()
            self.seen_until = server.log_written()
        if row is None:
            raise SandboxError(f"Server {server.name} did not say where its log ends.")
        segment = str(row[0])
        wait_for(lambda: self._has(segment), _ARCHIVE_TIMEOUT, f"The archiving of {segment} of {server.name}")
        self.keep_incoming()
        self._set_latest(moment)

    def follow(self, server: PostgresServer) -> None:
        """The same for a replica, which cannot write: its source's commits count once their segments are here."""
        self.seen_until = server.log_written()
        with server.connect() as connection:
            row = connection.execute(
                "SELECT pg_last_xact_replay_timestamp(), (pg_last_wal_replay_lsn() - '0/0')::bigint"
            ).fetchone()
        self.keep_incoming()
        if row is None or row[0] is None or row[1] is None:
            return
        # Before the last commit that was replayed: a recovery target after the last commit is never reached.
        # Replay that stands at the beginning of a segment needs the one before.
        needed = (int(row[1]) - 1) >> _SEGMENT_BITS
        self._seen.append((_cut(row[0].astimezone(datetime.UTC)) - _MILLISECOND, needed))
        newest = max((_segment_number(path.name[:24]) for path in self.segments()), default=-1)
        complete = [moment for moment, segment in self._seen if segment <= newest]
        if complete:
            self._set_latest(max(complete))
            self._seen = [(moment, segment) for moment, segment in self._seen if segment > newest]

    def keep_incoming(self) -> None:
        """Compress what has arrived: most of a segment that a heartbeat closed is empty."""
        with self._lock:
            for path in sorted(self.incoming.iterdir()):
                if path.name.startswith("archtemp"):  # basic_archive is still writing it
                    continue
                kept = self.log / f"{path.name}.gz"
                temporary = kept.with_suffix(".new")
                with path.open("rb") as source, gzip.open(temporary, "wb", compresslevel=1) as target:
                    shutil.copyfileobj(source, target)
                temporary.chmod(0o600)
                self.environment.installation.account.own(temporary)
                temporary.replace(kept)
                path.unlink()

    def segments(self) -> Iterator[Path]:
        """The kept segments of the log, in no particular order."""
        return (path for path in self.log.glob("*.gz") if _SEGMENT.fullmatch(path.name[:-3]))

    def restore(self, moment: datetime.datetime, data: Path) -> str:
        """Make ``data`` a data directory that replays to ``moment``; returns the recovery target to start it with.

        Raises OutsideWindowError for a time that is not restorable.
        """
        window = self.window
        if window is None or not window.earliest <= moment <= window.latest:
            raise OutsideWindowError(
                f"{moment.isoformat()} cannot be restored: "
                + (
                    "there is no complete backup yet."
                    if window is None
                    else f"restorable are {window.earliest.isoformat()} to {window.latest.isoformat()}."
                )
            )
        base = max((base for base in self.bases if base.consistent_at <= moment), key=lambda item: item.consistent_at)
        installation = self.environment.installation
        snapshot.unpack(installation, base.files, data)
        with self._lock:
            self._add_log(data)
        signal_file = data / "recovery.signal"
        signal_file.touch(mode=0o600)
        installation.account.own(signal_file)
        return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")

    def adopt(self, files: Path, consistent_at: datetime.datetime) -> None:
        """Count a base copy that came from elsewhere (another region)."""
        with self._lock:
            self.bases.append(Base(files, consistent_at))

    def mark(self, latest: datetime.datetime) -> None:
        """Everything until ``latest`` has arrived from elsewhere."""
        self._set_latest(latest)

    def remove(self) -> None:
        with self._lock:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _add_log(self, data: Path) -> None:
        found = _STARTED_AT.search((data / "backup_label").read_text())
        first = _segment_number(found.group(1)) if found else 0
        target = data / "pg_wal"
        account = self.environment.installation.account
        for path in self.log.glob("*.gz"):
            name = path.name[:-3]
            if _SEGMENT.fullmatch(name) and _segment_number(name) < first:
                continue
            # The base copy's own last segment ends where the copy ended; the archived one is whole.
            with gzip.open(path, "rb") as source, (target / name).open("wb") as file:
                shutil.copyfileobj(source, file)
            (target / name).chmod(0o600)
            account.own(target / name)

    def _has(self, segment: str) -> bool:
        return (self.incoming / segment).exists() or (self.log / f"{segment}.gz").exists()

    def _set_latest(self, moment: datetime.datetime) -> None:
        if self.latest is None or moment > self.latest:
            self.latest = moment


def _segment_number(name: str) -> int:
    """The position of a segment in the log, whatever its timeline."""
    return (int(name[8:16], 16) << (32 - _SEGMENT_BITS)) + int(name[16:24], 16)


def _now(*, up: bool = False) -> datetime.datetime:
    """Milliseconds are what the API shows; cut down for the end of a window, up for its beginning."""
    moment = datetime.datetime.now(datetime.UTC)
    return _cut(moment) + _MILLISECOND if up else _cut(moment)


def _cut(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
