"""A copy of a running server's data, and new data directories out of such a copy."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox.certificates import CertificateAuthority
from sandbox.postgres.installation import Installation
from sandbox.postgres.server import Environment
from sandbox.postgres.settings import REPLICATION


def take(environment: Environment, port: int, target: Path) -> None:
    """Copy the server on ``port`` to the new directory ``target``; with its log it is consistent in itself.

    Works on a primary and on a replica. ``port`` is the link's where the server is in another region. Raises
    SandboxError; nothing is left behind then.
    """
    account = environment.installation.account
    account.make_directory(target.parent, 0o711)
    try:
        environment.installation.run(
            "pg_basebackup",
            [
                "-d", _connection(environment.authority, port), "-D", target, "-X", "stream",
                "--checkpoint=fast", "--no-sync", "--no-password",
            ],
            directory=account.make_directory(environment.credentials.directory),
            environment=_passfile(environment),
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def copy(installation: Installation, source: Path, target: Path) -> None:
    """Copy a data directory with its owner and modes; blocks are shared where the file system can."""
    installation.account.make_directory(target.parent, 0o711)
    try:
        installation.execute(["cp", "-a", "--reflink=auto", source, target], target.parent)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _connection(authority: CertificateAuthority, port: int) -> str:
    return (
        f"host=127.0.0.1 port={port} user={REPLICATION} sslmode=verify-full sslrootcert={authority.certificate} "
        "connect_timeout=5"
    )


def _passfile(environment: Environment) -> Mapping[str, str]:
    return {"PGPASSFILE": str(environment.credentials.passfile)}
