"""A copy of a running server's data in two files, and new data directories out of such a copy.

Two tar files rather than a tree of thirteen hundred: they are written, copied to another region and deleted at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from sandbox.postgres.installation import Installation
from sandbox.postgres.server import Environment
from sandbox.postgres.settings import REPLICATION

_DATA, _LOG = "base.tar", "pg_wal.tar"


def take(environment: Environment, port: int, target: Path) -> None:
    """Copy the server on ``port`` to the new directory ``target``; with its log the copy is consistent in itself.

    Works on a primary and on a replica. ``port`` is the link's where the server is in another region. Raises
    SandboxError; nothing is left behind then.
    """
    _base_backup(environment, port, target, ["--format=tar"])


def clone(environment: Environment, port: int, data: Path) -> None:
    """The same as the data directory of a server that is to be started."""
    _base_backup(environment, port, data, ["--format=plain"])


def unpack(installation: Installation, files: Path, data: Path) -> None:
    """Make the new data directory ``data`` out of a copy. Raises SandboxError; nothing is left behind then."""
    installation.account.make_directory(data)
    try:
        for archive, place in ((_DATA, data), (_LOG, data / "pg_wal")):
            installation.execute(["tar", "--extract", "--preserve-permissions", "-f", files / archive], place)
        data.chmod(0o700)
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise


def copy(installation: Installation, source: Path, target: Path) -> None:
    """A second copy in the same region; blocks are shared where the file system can."""
    installation.account.make_directory(target.parent, 0o711)
    try:
        installation.execute(["cp", "-a", "--reflink=auto", source, target], target.parent)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _base_backup(environment: Environment, port: int, target: Path, options: Sequence[str]) -> None:
    account = environment.installation.account
    account.make_directory(target.parent, 0o711)
    connection = (
        f"host=127.0.0.1 port={port} user={REPLICATION} sslmode=verify-full "
        f"sslrootcert={environment.authority.certificate} connect_timeout=5"
    )
    try:
        environment.installation.run(
            "pg_basebackup",
            [
                "-d", connection, "-D", target, "-X", "stream", "--checkpoint=fast", "--no-sync", "--no-password",
                "--no-manifest", *options,
            ],
            directory=environment.credentials.directory,
            environment={"PGPASSFILE": str(environment.credentials.passfile)},
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
