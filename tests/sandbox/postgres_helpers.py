"""Servers without a cloud, for tests of ``sandbox.postgres``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.certificates import CertificateAuthority
from sandbox.cloud.rds.roles import bootstrap
from sandbox.postgres.account import Account
from sandbox.postgres.credentials import Credentials
from sandbox.postgres.installation import Installation
from sandbox.postgres.link import LinkLoop
from sandbox.postgres.processes import reap
from sandbox.postgres.server import Environment, PostgresServer
from sandbox.postgres.settings import Settings
from sandbox.postgres.spares import SpareClusters


@dataclass
class Machine:
    """A directory with everything that servers need; ``close`` ends all."""

    root: Path
    environment: Environment
    loop: LinkLoop
    servers: list[PostgresServer] = field(default_factory=list)

    @classmethod
    def open(cls) -> Machine:
        root = Path(tempfile.mkdtemp(prefix="goliath-postgres-"))
        root.chmod(0o755)
        account = Account.for_postgres()
        installation = Installation.prepare(root / "bin", account)
        credentials = Credentials.create(root / "secrets", account)
        spares = SpareClusters(installation, credentials, root / "spares")
        authority = CertificateAuthority(root / "ca").create()
        loop = LinkLoop()
        loop.start()
        return cls(root, Environment(installation, credentials, authority, spares), loop)

    def server(self, name: str) -> PostgresServer:
        made = PostgresServer(self.environment, self.root / name, name)
        self.servers.append(made)
        return made

    def primary(self, name: str, settings: Settings | None = None) -> PostgresServer:
        """A running server with RDS's roles and the table ``t`` in ``postgres``."""
        made = self.server(name)
        made.initialise()
        made.configure(settings or Settings())
        made.start()
        bootstrap(made, "master", "a-Password-1", None)
        execute(made, "CREATE TABLE t (i integer)")
        return made

    def close(self) -> None:
        for server in self.servers:
            server.close()
        self.loop.close()
        self.environment.spares.close()
        reap(self.root)
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture(scope="module")
def machine_fixture() -> Iterator[Machine]:
    """A test module that says ``machine = machine_fixture`` has the fixture ``machine``."""
    machine = Machine.open()
    try:
        yield machine
    finally:
        machine.close()


def execute(server: PostgresServer, statement: str) -> None:
    with server.connect() as connection:
        connection.execute(statement.encode())


def value(server: PostgresServer, statement: str) -> object:
    with server.connect() as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def counting(server: PostgresServer, rows: int) -> Callable[[], bool]:
    return lambda: value(server, "SELECT count(*) FROM t") == rows
