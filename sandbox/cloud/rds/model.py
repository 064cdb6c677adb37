"""What RDS keeps of an instance and a snapshot, apart from the server and the files."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.cloud.rds.request import Tags
from sandbox.postgres.server import PostgresServer
from sandbox.postgres.settings import Upstream

_RESOURCE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

AVAILABLE = "available"
CREATING = "creating"
DELETING = "deleting"
FAILED = "failed"
STOPPED = "stopped"


def now() -> datetime.datetime:
    """UTC, cut to milliseconds as the API shows times."""
    moment = datetime.datetime.now(datetime.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_resource_id(prefix: str) -> str:
    """``db-`` or ``ab-`` and 26 characters, as the service makes them."""
    return f"{prefix}-" + "".join(secrets.choice(_RESOURCE_ALPHABET) for _ in range(26))


@dataclass(frozen=True)
class InstanceSettings:
    """What a request may set and a description shows. Names follow the API's in snake case."""

    instance_class: str
    engine_version: str
    master_username: str
    db_name: str | None
    allocated_storage: int
    storage_type: str
    storage_encrypted: bool
    kms_key_id: str | None
    availability_zone: str
    subnet_group_name: str | None
    security_group_ids: tuple[str, ...]
    parameter_group_name: str
    option_group_name: str
    backup_window: str
    maintenance_window: str
    backup_retention_period: int = 1
    multi_az: bool = False
    secondary_availability_zone: str | None = None
    max_allocated_storage: int | None = None
    iops: int | None = None
    storage_throughput: int | None = None
    auto_minor_version_upgrade: bool = True
    publicly_accessible: bool = False
    copy_tags_to_snapshot: bool = False
    deletion_protection: bool = False
    monitoring_interval: int = 0
    monitoring_role_arn: str | None = None
    performance_insights_enabled: bool = False
    performance_insights_kms_key_id: str | None = None
    performance_insights_retention_period: int | None = None
    log_exports: tuple[str, ...] = ()
    iam_authentication: bool = False
    ca_certificate_identifier: str = "rds-ca-rsa2048-g1"
    network_type: str = "IPV4"
    license_model: str = "postgresql-license"
    engine_lifecycle_support: str = "open-source-rds-extended-support"


class Tagged:
    """Tags in the shape that moto's tagging code works with."""

    _tags: Tags = ()

    @property
    def tags(self) -> Tags:
        return self._tags

    def get_tags(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self._tags]

    def add_tags(self, tags: list[Mapping[str, str]]) -> list[dict[str, str]]:
        new = {tag["Key"]: tag.get("Value") or "" for tag in tags}
        self._tags = tuple({**dict(self._tags), **new}.items())
        return self.get_tags()

    def remove_tags(self, keys: list[str]) -> None:
        self._tags = tuple((key, value) for key, value in self._tags if key not in keys)


@dataclass(eq=False)
class Instance(Tagged):
    """One DB instance. Everything here changes under the service's lock only."""

    identifier: str
    region: str
    account_id: str
    settings: InstanceSettings
    server: PostgresServer
    resource_id: str = field(default_factory=lambda: new_resource_id("db"))
    created: datetime.datetime = field(default_factory=now)
    status: str = CREATING
    has_endpoint: bool = False
    """False until the server has been up once: an instance that is being created has no endpoint."""
    pending: dict[str, object] = field(default_factory=dict)
    """Fields of the settings, and ``identifier``, that wait for the maintenance window or for ApplyImmediately."""
    password_pending: bool = False
    applied_parameters: dict[str, str] = field(default_factory=dict)
    """What the server runs with; the parameter group may be ahead of it until a reboot."""
    parameter_status: str = "in-sync"
    source: Instance | None = None
    """The instance that this one replicates."""
    upstream: Upstream | None = None
    """How the server reaches ``source``."""
    replication_error: str | None = None
    replication_seen: float = float("-inf")
    """When the replica was last asked (time.monotonic)."""
    initial_tags: Tags = ()

    def __post_init__(self) -> None:
        self._tags = self.initial_tags

    resource_type = "db"

    @property
    def arn(self) -> str:
        return f"arn:aws:rds:{self.region}:{self.account_id}:db:{self.identifier}"


@dataclass(eq=False)
class Snapshot(Tagged):
    """One DB snapshot: a data directory in ``files`` and the settings of the instance when it was taken."""

    identifier: str
    region: str
    account_id: str
    instance_identifier: str
    instance_resource_id: str
    instance_created: datetime.datetime
    settings: InstanceSettings
    files: Path
    snapshot_type: str
    vpc_id: str | None = None
    status: str = CREATING
    percent_progress: int = 0
    created: datetime.datetime = field(default_factory=now)
    original_created: datetime.datetime | None = None
    source_region: str | None = None
    source_arn: str | None = None
    initial_tags: Tags = ()
    attributes: dict[str, list[str]] = field(default_factory=lambda: {"restore": []})

    def __post_init__(self) -> None:
        self._tags = self.initial_tags

    resource_type = "snapshot"

    @property
    def arn(self) -> str:
        return f"arn:aws:rds:{self.region}:{self.account_id}:snapshot:{self.identifier}"
