"""The site's database: an RDS for PostgreSQL instance, writable on the active site, a replica on the standby."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, rds

from infra.component import Component
from infra.lineage import ReplicaOf, Source, Writable
from infra.settings import DatabaseSettings
from infra.sites import Site

BACKUP_RETENTION = 7
"""Days. The same on a replica: see docs/decisions/0003."""
BACKUP_WINDOW = "02:00-03:00"
"""UTC."""
MAINTENANCE_WINDOWS = {Site.PRIMARY: "sun:04:00-sun:05:00", Site.SECONDARY: "wed:04:00-wed:05:00"}
"""UTC, and never both sites on one day; apart from the backup window, as RDS asks."""
INSIGHTS_RETENTION = 7
"""Days: the free tier of Performance Insights."""
LOG_EXPORTS = ("postgresql", "upgrade")

PARAMETERS = {
    "rds.force_ssl": "1",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_lock_waits": "1",
    "log_min_duration_statement": "1000",  # milliseconds
    "log_temp_files": "0",  # kilobytes: every file
}
"""Not log_statement: with it a changed password is in the log, in plain text."""


@dataclass(frozen=True)
class DatabaseArgs:
    site: Site
    generation: int
    source: Source
    settings: DatabaseSettings
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    log_retention_days: int
    disposable: bool


class Database(Component):
    """The settings are the same in both roles, so that a failover changes no more than it must.

    A promotion is one update in place: ``replicateSourceDb`` goes, and what a replica may not have comes (name, user,
    storage: equal to what the replica has, so no change to RDS; the password: set anew, so that the instance and the
    site's secret agree whatever was changed on the other site). An instance that is made anew gets a new generation,
    a new Pulumi resource beside the old one: a changed identifier would be a rename, and every replacement under an
    explicit identifier deletes first.
    """

    instance: rds.Instance
    identifier: str

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.identifier = f"partner-db-{args.site}-{args.generation}"
        subnets = rds.SubnetGroup(
            f"{args.site}-database",
            description=f"The database subnets of the {args.site} site",
            subnet_ids=list(args.subnet_ids),
            opts=self.child(),
        )
        family = f"postgres{args.settings.engine_version.partition('.')[0]}"
        parameters = rds.ParameterGroup(
            f"{args.site}-{family}",
            description=f"The databases of the {args.site} site, in either role",
            family=family,
            parameters=[
                rds.ParameterGroupParameterArgs(name=key, value=value, apply_method="immediate")
                for key, value in PARAMETERS.items()
            ],
            opts=self.child(),
        )
        self.instance = self._instance(subnets, parameters, self._log_groups())
        self.register_outputs({"identifier": self.identifier})

    def _log_groups(self) -> list[cloudwatch.LogGroup]:
        """Made before the instance, or RDS makes them itself: unencrypted with our key, and kept for ever."""
        args = self._args
        return [
            cloudwatch.LogGroup(
                f"database-{args.generation}-{log}",
                name=f"/aws/rds/instance/{self.identifier}/{log}",
                retention_in_days=args.log_retention_days,
                kms_key_id=args.key_arn,
                opts=self.child(retain_on_delete=not args.disposable),
            )
            for log in LOG_EXPORTS
        ]

    def _instance(
        self, subnets: rds.SubnetGroup, parameters: rds.ParameterGroup, log_groups: list[cloudwatch.LogGroup]
    ) -> rds.Instance:
        args, settings = self._args, self._args.settings
        writable = isinstance(args.source, Writable)
        # A replica may not have a final snapshot (RDS refuses it); a disposable one is not worth it.
        skip_final_snapshot = args.disposable or not writable
        return rds.Instance(
            f"database-{args.generation}",
            identifier=self.identifier,
            replicate_source_db=args.source.source_arn if isinstance(args.source, ReplicaOf) else None,
            db_name=settings.name if writable else None,
            username=settings.username if writable else None,
            password=settings.password.output() if writable else None,
            allocated_storage=settings.storage_gib if writable else None,
            engine="postgres",
            engine_version=settings.engine_version,
            auto_minor_version_upgrade=False,  # a restart nobody planned, on two sites that must stay compatible
            instance_class=settings.instance_class,
            multi_az=True,
            storage_type="gp3",
            max_allocated_storage=settings.max_storage_gib,
            storage_encrypted=True,
            kms_key_id=args.key_arn,  # this region's: a copy is encrypted anew on its way
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[args.security_group_id],
            publicly_accessible=False,
            parameter_group_name=parameters.name,
            backup_retention_period=BACKUP_RETENTION,
            backup_window=BACKUP_WINDOW,
            maintenance_window=MAINTENANCE_WINDOWS[args.site],
            copy_tags_to_snapshot=True,
            delete_automated_backups=args.disposable,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=args.key_arn,
            performance_insights_retention_period=INSIGHTS_RETENTION,
            enabled_cloudwatch_logs_exports=list(LOG_EXPORTS),
            apply_immediately=True,  # the default leaves a recovery's changes pending until a maintenance window
            deletion_protection=not args.disposable,
            skip_final_snapshot=skip_final_snapshot,
            final_snapshot_identifier=None if skip_final_snapshot else f"{self.identifier}-final",
            opts=self.child(depends_on=log_groups, retain_on_delete=not args.disposable),
        )
