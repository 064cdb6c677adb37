"""All that RDS consists of in one cloud, put together."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.cloud.context import CloudContext
from sandbox.cloud.rds.backup_replication import BackupReplication
from sandbox.cloud.rds.backups import Backups
from sandbox.cloud.rds.changes import Changes
from sandbox.cloud.rds.modification import Modification
from sandbox.cloud.rds.provisioning import Provisioning
from sandbox.cloud.rds.restoring import Restoring
from sandbox.cloud.rds.service import RdsService
from sandbox.cloud.rds.snapshots import Snapshots


@dataclass(frozen=True)
class RdsSystem:
    service: RdsService
    backups: Backups
    snapshots: Snapshots
    provisioning: Provisioning
    restoring: Restoring
    modification: Modification
    changes: Changes
    backup_replication: BackupReplication

    @classmethod
    def create(cls, context: CloudContext) -> RdsSystem:
        service = RdsService(context)
        backups = Backups(service)
        snapshots = Snapshots(service)
        return cls(
            service,
            backups,
            snapshots,
            Provisioning(service, backups),
            Restoring(service, backups),
            Modification(service, backups),
            Changes(service, backups, snapshots),
            backups.replication,
        )

    def start(self) -> None:
        self.service.start()
        self.backups.start()

    def close(self) -> None:
        self.backups.close()
        self.service.close()
