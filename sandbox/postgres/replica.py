"""A streaming replica: a clone of its source that follows the source's log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.postgres import snapshot
from sandbox.postgres.server import PostgresServer
from sandbox.postgres.settings import Upstream

# The control file's names of parameters, where they differ from the configuration's.
_PARAMETERS = {"max_prepared_xacts": "max_prepared_transactions", "max_locks_per_xact": "max_locks_per_transaction"}


@dataclass(frozen=True)
class Replication:
    """How a replica stands: whether its receiver streams, and how far it has come (log positions)."""

    streaming: bool
    received: str | None
    replayed: str | None


def clone(server: PostgresServer, source_port: int) -> Upstream:
    """Fill a new server's data directory from its source; configure it with what is returned, then start it."""
    environment = server.environment
    server.prepare_directory()
    snapshot.clone(environment, source_port, server.data)
    account = environment.installation.account
    signal_file = server.data / "standby.signal"
    signal_file.touch(mode=0o600)
    account.own(signal_file)
    return Upstream(
        source_port,
        environment.credentials.passfile,
        environment.authority.certificate,
        server.name,
        _minimums(server),
    )


def _minimums(server: PostgresServer) -> dict[str, str]:
    """A replica below its source in one of these does not start; the clone's control file says what the source has."""
    output = server.environment.installation.run("pg_controldata", ["-D", server.data], directory=server.directory)
    values: dict[str, str] = dict(re.findall(r"^(max_\w+) setting:\s+(\d+)$", output, re.MULTILINE))
    return {_PARAMETERS.get(name, name): value for name, value in values.items()}


def replication(server: PostgresServer) -> Replication:
    """Ask a replica how it stands. Raises psycopg.Error when it does not answer."""
    with server.connect() as connection:
        row = connection.execute(
            "SELECT (SELECT status FROM pg_stat_wal_receiver), pg_last_wal_receive_lsn()::text,"
            " pg_last_wal_replay_lsn()::text"
        ).fetchone()
    if row is None:
        return Replication(streaming=False, received=None, replayed=None)
    return Replication(streaming=row[0] == "streaming", received=row[1], replayed=row[2])
