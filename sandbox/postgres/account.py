"""The operating-system account that PostgreSQL runs as: it refuses to be root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sandbox.errors import SandboxError

MARK = "GOLIATH_SANDBOX"


@dataclass(frozen=True)
class Account:
    """``nobody`` when we are root, else ourselves (``uid`` is None: no change of account)."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_postgres(cls) -> Account:
        """The account to use in this process. Needs a user ``nobody`` when run as root."""
        if os.geteuid() != 0:
            return cls()
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError as missing:
            raise SandboxError(
                "PostgreSQL refuses to run as root and this machine has no user nobody; "
                "run the sandbox as an ordinary user."
            ) from missing
        return cls(entry.pw_uid, entry.pw_gid)

    def own(self, path: Path) -> Path:
        """Give ``path`` itself (not what is below it) to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        return path

    def make_directory(self, path: Path, mode: int = 0o700) -> Path:
        """Make ``path`` for the account unless it exists; missing parents become traversable by everyone."""
        if path.exists():
            return path
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir(exist_ok=True)
                parent.chmod(0o711)  # whatever the umask says
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        return self.own(path)

    def write_private(self, path: Path, content: str) -> Path:
        """Write a file that only the account (and root) can read, replacing an old one at once."""
        temporary = path.with_name(path.name + ".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        self.own(temporary)
        temporary.replace(path)
        return path

    def can_traverse(self, directory: Path) -> bool:
        """Whether the account may pass through ``directory`` and every directory on the way to it."""
        return self.uid is None or all(_may(self, folder, stat.S_IXOTH) for folder in [directory, *directory.parents])

    def can_enter(self, directory: Path) -> bool:
        """The same, and list it."""
        return self.uid is None or (self.can_traverse(directory) and _may(self, directory, stat.S_IROTH))

    def start(
        self,
        arguments: Sequence[str | Path],
        *,
        directory: Path,
        output: int | IO[bytes],
        source: int | IO[bytes] = subprocess.DEVNULL,
        errors: int | IO[bytes] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process of this account in a process group of its own, with a clean environment.

        ``errors`` is where standard error goes; None: where ``output`` goes.

        A group of its own: a Ctrl-C in the terminal is for the sandbox, which stops its servers in order.
        """
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd=directory,
            env=clean_environment(environment),
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT if errors is None else errors,
            process_group=0,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
        )


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """No PG* variable of the user reaches a server or a tool; the mark of the sandbox does."""
    environment = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
    if MARK in os.environ:
        environment[MARK] = os.environ[MARK]
    return {**environment, **(more or {})}


def _may(account: Account, folder: Path, bit: int) -> bool:
    """``bit`` is the one for others; the same bit counts for the owner and the group where the account is those."""
    status = folder.stat()
    if status.st_uid == account.uid:
        bit <<= 6
    elif status.st_gid == account.gid:
        bit <<= 3
    return bool(status.st_mode & bit)
