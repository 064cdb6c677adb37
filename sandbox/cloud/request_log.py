"""The log of every AWS call: which region, service and action, by whom, with what result. One JSON object a line.

Tests and drills read it to say "not one call to us-east-1". It holds no bodies, no queries, no signatures, no secrets.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

FILE_NAME = "requests.jsonl"
MAXIMUM_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Call:
    """One answered call.

    ``region`` is where it went: the region that it was signed for; for global services the one of their control plane;
    for anonymous calls of S3 the bucket's.
    """

    time: str
    """When it came in: UTC, ISO 8601 with milliseconds."""
    region: str
    service: str
    """The name of the service's client in botocore: ``s3``, ``cloudwatch``."""
    action: str
    """The operation: ``PutBucketReplication``."""
    resource: str
    """``bucket/key`` for S3; empty for the other services."""
    status: int
    error: str
    """The error code of the answer; empty if it was not an error."""
    milliseconds: float
    access_key: str
    """The id of the access key (never the secret one); empty for anonymous calls."""

    @property
    def name(self) -> str:
        """``s3:PutBucketReplication``."""
        return f"{self.service}:{self.action}"


def timestamp(seconds: float) -> str:
    """A time since the epoch as the log writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RequestLog:
    """Appends calls to a file, each as one write: a call is in the file before its answer is on the wire.

    A buffer would save some 5 microseconds a call of a millisecond and make every reader wait for it. At
    ``maximum_bytes`` the file becomes ``<name>.1`` (the one before it is dropped), so both together are bounded.
    """

    def __init__(self, path: Path, *, maximum_bytes: int = MAXIMUM_BYTES) -> None:
        self._path = path
        self._maximum = maximum_bytes
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._size = 0

    def open(self) -> RequestLog:
        """Start writing; an existing file is continued."""
        self._open_file()
        return self

    def write(self, call: Call) -> None:
        """Append one call. After :meth:`close` it is dropped: the connections outlive the log by a moment."""
        line = json.dumps(asdict(call), separators=(",", ":")) + "\n"
        with self._lock:
            if self._file is None:
                return
            self._file.write(line)
            self._size += len(line)
            if self._size >= self._maximum:
                self._rotate()

    def close(self) -> None:
        """Stop writing."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open_file(self) -> None:
        self._file = self._path.open("a", encoding="utf-8", buffering=1)
        self._size = self._path.stat().st_size

    def _rotate(self) -> None:
        if self._file is not None:
            self._file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._open_file()


def read_calls(path: Path) -> Iterator[Call]:
    """The calls of a log file, oldest first, including the older part after a rotation.

    A last line that is being written at this moment is left out. Raises ValueError for a line that is not a call.
    """
    for part in (path.with_name(path.name + ".1"), path):
        try:
            file = part.open(encoding="utf-8")
        except FileNotFoundError:
            continue
        with file:
            for line in file:
                if not line.endswith("\n"):
                    break
                yield Call(**json.loads(line))
