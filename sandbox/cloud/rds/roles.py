"""What RDS puts into a new server: its internal roles, the master user and its database.

The master user is no superuser (user guide, "Understanding the rds_superuser role"): it may create roles and databases
and is a member of rds_superuser, which gathers PostgreSQL's predefined roles.
"""

from __future__ import annotations

from psycopg import sql

from sandbox.postgres.server import Connection, PostgresServer
from sandbox.postgres.settings import ADMIN, REPLICATION

_GROUP_ROLES = ("rds_superuser", "rds_replication", "rds_password", "rds_iam")
_PREDEFINED = ("pg_monitor", "pg_signal_backend", "pg_read_all_data", "pg_write_all_data", "pg_checkpoint",
               "pg_maintain", "pg_use_reserved_connections", "pg_create_subscription")  # fmt: skip


def bootstrap(server: PostgresServer, master: str, password: str, database: str | None) -> None:
    """Fill a server that initdb has made."""
    with server.connect() as connection:
        _create_internal_roles(server, connection)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {} VALID UNTIL 'infinity'").format(
                sql.Identifier(master), sql.Literal(_verifier(connection, master, password))
            )
        )
        connection.execute(sql.SQL("GRANT rds_superuser TO {} WITH ADMIN OPTION").format(sql.Identifier(master)))
        connection.execute(sql.SQL("ALTER DATABASE postgres OWNER TO {}").format(sql.Identifier(master)))
        if database is not None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(master))
            )


def set_master_password(server: PostgresServer, master: str, password: str) -> None:
    """Change the password; the server sees its SCRAM verifier only, so that no log of statements can tell it."""
    with server.connect() as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(master), sql.Literal(_verifier(connection, master, password))
            )
        )


def _create_internal_roles(server: PostgresServer, connection: Connection) -> None:
    secret = server.environment.credentials.replication_secret
    connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN REPLICATION PASSWORD {}").format(
            sql.Identifier(REPLICATION), sql.Literal(_verifier(connection, REPLICATION, secret))
        )
    )
    for role in _GROUP_ROLES:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    connection.execute(
        sql.SQL("GRANT {} TO rds_superuser WITH ADMIN OPTION").format(
            sql.SQL(", ").join(sql.Identifier(role) for role in (*_PREDEFINED, "rds_replication", "rds_password"))
        )
    )
    connection.execute(sql.SQL("COMMENT ON ROLE {} IS 'administration by RDS'").format(sql.Identifier(ADMIN)))


def _verifier(connection: Connection, role: str, password: str) -> str:
    encrypted = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return encrypted.decode()
