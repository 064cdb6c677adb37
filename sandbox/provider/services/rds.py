"""RDS: the table of its resource types."""

from __future__ import annotations

from typing import Final

from sandbox.provider.services.rds_backups import InstanceAutomatedBackupsReplication, Snapshot, SnapshotCopy
from sandbox.provider.services.rds_groups import ParameterGroup, SubnetGroup
from sandbox.provider.services.rds_instance import Instance

KINDS: Final = (Instance, InstanceAutomatedBackupsReplication, ParameterGroup, Snapshot, SnapshotCopy, SubnetGroup)
