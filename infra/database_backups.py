"""The peer's automated backups, replicated into this region: the way back when the replica is unusable."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import rds

from infra.component import Component
from infra.database import BACKUP_RETENTION
from infra.outputs import Published
from infra.sites import Role


@dataclass(frozen=True)
class ReplicatedBackupsArgs:
    source_arn: str
    source_generation: int
    key_arn: pulumi.Input[str]
    disposable: bool


class ReplicatedBackups(Component):
    """Named after the source's generation: a new source is a new resource beside the old one, not a replacement.

    Kept on delete, because deleting it makes the provider wait for the source region, which may be gone.
    """

    def __init__(self, name: str, args: ReplicatedBackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        rds.InstanceAutomatedBackupsReplication(
            f"peer-database-{args.source_generation}-backups",
            source_db_instance_arn=args.source_arn,
            kms_key_id=args.key_arn,
            retention_period=BACKUP_RETENTION,
            opts=self.child(retain_on_delete=not args.disposable),
        )
        self.register_outputs({})


def wanted(peer: Published | None) -> bool:
    """Whether the peer says that it has the writable database; not whether this site is a standby.

    So a failover to this site leaves the resource alone: the lost site's outputs still say active, no call is made to
    its region, and its backups stay at hand. It goes when the peer has come back as a standby and said so
    (docs/decisions/0004).
    """
    return peer is not None and peer.role is Role.ACTIVE and peer.database is not None
