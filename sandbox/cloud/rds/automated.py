"""The record of an instance's automated backups, in its own region or replicated to another one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from sandbox.cloud.rds.model import Instance, InstanceSettings, Tagged, new_resource_id
from sandbox.cloud.rds.request import Tags
from sandbox.postgres.archive import Archive

ACTIVE = "active"
REPLICATING = "replicating"
RETAINED = "retained"


@dataclass(eq=False)
class AutomatedBackup(Tagged):
    """``instance`` is the source while it exists; the other fields are what remains of it afterwards."""

    region: str
    account_id: str
    instance: Instance | None
    instance_identifier: str
    instance_arn: str
    instance_resource_id: str
    instance_created: datetime.datetime
    settings: InstanceSettings
    archive: Archive
    retention: int
    status: str = "creating"
    replicated: bool = False
    """Whether this is a copy in another region than its source's."""
    vpc_id: str | None = None
    kms_key_id: str | None = None
    backup_id: str = field(default_factory=lambda: new_resource_id("ab"))
    initial_tags: Tags = ()

    def __post_init__(self) -> None:
        self._tags = self.initial_tags

    resource_type = "auto-backup"

    @property
    def arn(self) -> str:
        return f"arn:aws:rds:{self.region}:{self.account_id}:auto-backup:{self.backup_id}"

    def detach(self) -> None:
        """The source is gone or replication has ended: what is here stays as it is."""
        self.instance = None
        self.status = RETAINED
