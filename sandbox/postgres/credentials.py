"""The two internal roles' secrets: random, one pair a cloud, in files that only PostgreSQL's account can read.

One pair for all servers, because a replica and a restored snapshot carry the roles of the server they come from.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.postgres.account import Account
from sandbox.postgres.settings import ADMIN, REPLICATION


@dataclass(frozen=True)
class Credentials:
    """Secrets do not appear in the representation, so that no log prints them by accident."""

    directory: Path
    admin_secret: str = field(repr=False)
    replication_secret: str = field(repr=False)

    @property
    def passfile(self) -> Path:
        """libpq's password file of the replication role, for PostgreSQL's own processes."""
        return self.directory / "replication.pgpass"

    @property
    def initial_password_file(self) -> Path:
        """What initdb reads the superuser's password from."""
        return self.directory / "admin.password"

    @classmethod
    def create(cls, directory: Path, account: Account) -> Credentials:
        """Make new secrets and write their files (0600) into ``directory`` (0700)."""
        account.make_directory(directory)
        created = cls(directory, secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        account.write_private(created.initial_password_file, created.admin_secret + "\n")
        account.write_private(
            created.passfile,
            f"127.0.0.1:*:*:{REPLICATION}:{created.replication_secret}\n127.0.0.1:*:*:{ADMIN}:{created.admin_secret}\n",
        )
        return created
