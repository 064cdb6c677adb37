"""The configuration files of one server. They lie beside the data directory, so that a clone never inherits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ADMIN = "rdsadmin"
"""The superuser, as on RDS. Its secret never leaves the cloud's directory."""
REPLICATION = "rdsrepladmin"
"""The role with which replicas, snapshots and backups read a server, as on RDS."""

# What a laptop can carry twenty times. The sandbox decides these: a parameter group that sets them is stored and
# reported, and the server keeps the value here (docs/moto-corrections.md says so to the user).
SANDBOX_PARAMETERS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "wal_buffers": "1MB",
    # Files in the data directory: nothing is left in /dev/shm when everything is killed.
    "dynamic_shared_memory_type": "mmap",
    "min_wal_size": "5MB",
    "max_wal_size": "32MB",
    "wal_keep_size": "16MB",
    "max_slot_wal_keep_size": "256MB",
    # Survives the death of a process, which is all that the sandbox inflicts; not the loss of the machine's power.
    "fsync": "off",
    "full_page_writes": "on",
    "wal_log_hints": "on",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "1",
    "max_parallel_workers": "0",
    "max_worker_processes": "2",
    "huge_pages": "off",
    "jit": "off",
    "hot_standby": "on",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "500ms",
    "wal_receiver_timeout": "10s",
    "wal_sender_timeout": "10s",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
}
DEFAULT_PARAMETERS: Mapping[str, str] = {"max_connections": "50", "log_checkpoints": "off", "timezone": "UTC"}
"""Where the sandbox differs from PostgreSQL and a parameter group decides."""

DISCARDED = "discarded"
"""Directory beside the data for the log of a server without backups.

PostgreSQL keeps what it cannot archive, and takes ten seconds and more to change from one way of archiving to another.
So it always archives, here at the least; whoever runs the server empties the directory (PostgresServer.discard_log).
"""


@dataclass(frozen=True)
class Upstream:
    """Where a replica gets its log from: a port on loopback, which is the link's when regions differ."""

    port: int
    passfile: Path
    certificate_authority: Path
    name: str
    minimums: Mapping[str, str] = field(default_factory=dict)
    """What the source runs with and a replica may not be below; a parameter group that is below is a real error."""


@dataclass(frozen=True)
class Settings:
    """What may change over the life of a server without a new data directory."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    """PostgreSQL names and values, as a parameter group gives them."""
    require_tls: bool = True
    archive: Path | None = None
    """Directory to which every finished segment of the log is copied; None: it is dropped."""
    upstream: Upstream | None = None
    recovery_target: str | None = None
    """Replay the log in pg_wal up to this time (PostgreSQL's notation, with its zone), then open."""

    @property
    def archive_mode(self) -> str:
        """A replica archives only where it has backups of its own; changing it needs a restart."""
        return "always" if self.upstream is not None and self.archive is not None else "on"


def main_file(settings: Settings, *, port: int, directory: Path) -> str:
    """postgresql.conf. Later lines win: defaults, the parameter group, then what the sandbox decides."""
    lines = ["# Written by the sandbox; changes are lost."]
    minimums = settings.upstream.minimums if settings.upstream is not None else {}
    own = _own(settings, port, directory)
    for part in (DEFAULT_PARAMETERS, minimums, settings.parameters, SANDBOX_PARAMETERS, own):
        lines += [f"{name} = {quote(value)}" for name, value in part.items()]
    return "\n".join(lines) + "\n"


def _own(settings: Settings, port: int, directory: Path) -> dict[str, str]:
    own = {
        "port": str(port),
        "ssl": "on",
        "ssl_cert_file": str(directory / "server.crt"),
        "ssl_key_file": str(directory / "server.key"),
        "archive_mode": settings.archive_mode,
        "archive_library": "basic_archive",
        "basic_archive.archive_directory": str(settings.archive or directory / DISCARDED),
    }
    if settings.upstream is not None:
        own["primary_conninfo"] = _connection_string(settings.upstream)
    if settings.recovery_target is not None:
        own |= {
            # The segments lie in pg_wal already; PostgreSQL insists on a command that could fetch more.
            "restore_command": "/bin/false",
            "recovery_target_time": settings.recovery_target,
            "recovery_target_action": "promote",
            "recovery_target_timeline": "latest",
            # Nobody reads while the log is replayed; so the source may have had more connections than the copy.
            "hot_standby": "off",
        }
    return own


def access_file(settings: Settings) -> str:
    """pg_hba.conf. The administrator and replication always come with TLS; clients must where rds.force_ssl is 1."""
    clients = "hostssl" if settings.require_tls else "host"
    rows = [
        ("hostssl", "replication", REPLICATION),
        ("hostssl", "all", ADMIN),
        ("host", "all", ADMIN, "reject"),
        ("host", "all", REPLICATION, "reject"),
        (clients, "all", "all"),
    ]
    return "".join(
        f"{row[0]} {row[1]} {row[2]} 127.0.0.1/32 {row[3] if len(row) > 3 else 'scram-sha-256'}\n" for row in rows
    )


def _connection_string(upstream: Upstream) -> str:
    return (
        f"host=127.0.0.1 port={upstream.port} user={REPLICATION} application_name={upstream.name} "
        f"passfile={upstream.passfile} sslmode=verify-full sslrootcert={upstream.certificate_authority} "
        "connect_timeout=5"
    )


def quote(value: str) -> str:
    """A value in PostgreSQL's configuration syntax."""
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
