"""Where a sandbox lies, and who may work on it now."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

BUSY = 3
"""Exit code: refused, because somebody else is at it or a sandbox is there already."""


def default_root() -> Path:
    """One place for each user and checkout, below the system's temporary directory.

    Not below the home directory: PostgreSQL refuses root and then runs as ``nobody``, who must be able to get there.
    """
    checkout = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(str(checkout).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()).resolve() / f"goliath-sandbox-{os.getuid()}-{digest}"


def place(directory: Path | None) -> SandboxPaths:
    """The sandbox in ``directory``, or in the default place. Raises SandboxError if it cannot be one."""
    root = (directory or default_root()).expanduser().resolve()
    if root.exists() and not root.is_dir():
        raise SandboxError(f"{root} is not a directory: give another place with --directory", exit_code=2)
    if root.exists() and root.stat().st_uid != os.getuid():
        raise SandboxError(f"{root} belongs to another user: give another place with --directory", exit_code=2)
    if root.exists() and any(root.iterdir()) and not _ours(root):
        raise SandboxError(
            f"{root} holds files that are not a sandbox's: give an empty or new directory with --directory", exit_code=2
        )
    return SandboxPaths(root)


def _ours(root: Path) -> bool:
    return (root / ".goliath-sandbox").is_file()


def stamp(paths: SandboxPaths) -> None:
    """Make the root and mark it as a sandbox's: only a marked directory is ever removed."""
    paths.root.mkdir(parents=True, exist_ok=True)
    paths.root.chmod(0o711)
    (paths.root / ".goliath-sandbox").touch()


@contextmanager
def exclusive(paths: SandboxPaths) -> Iterator[None]:
    """Hold the sandbox's lock; it goes with the process, so a killed one leaves no stale lock.

    Whoever leaves no sandbox behind takes the lock's file away too.
    """
    handle = _lock(paths)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        if not paths.root.exists():
            paths.lock.unlink(missing_ok=True)
        os.close(handle)


def _lock(paths: SandboxPaths) -> int:
    paths.lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise SandboxError(
                f"another `dr sandbox` (process {owner}) is working on {paths.root}: wait for it, or give another "
                "place with --directory",
                exit_code=BUSY,
            ) from None
        with suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == paths.lock.stat().st_ino:
                return handle
        os.close(handle)  # somebody took the file away between open and lock
