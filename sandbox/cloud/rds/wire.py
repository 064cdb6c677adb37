"""How instances, snapshots and backups look in the API's answers. The edge: dictionaries with the API's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.cloud.rds.automated import RETAINED, AutomatedBackup
from sandbox.cloud.rds.groups import Groups
from sandbox.cloud.rds.model import Instance, InstanceSettings, Snapshot
from sandbox.cloud.rds.rules import ENGINE
from sandbox.postgres.ports import LOOPBACK

Wire = dict[str, object]
_PORT = 5432
_HOSTED_ZONES = {"us-east-1": "Z2R2ITUGPM61AM", "us-west-2": "Z1PVIF0B656C1W"}

# Field of the settings -> member of PendingModifiedValues.
_PENDING = {
    "identifier": "DBInstanceIdentifier",
    "instance_class": "DBInstanceClass",
    "allocated_storage": "AllocatedStorage",
    "storage_type": "StorageType",
    "iops": "Iops",
    "storage_throughput": "StorageThroughput",
    "multi_az": "MultiAZ",
    "engine_version": "EngineVersion",
    "backup_retention_period": "BackupRetentionPeriod",
    "iam_authentication": "IAMDatabaseAuthenticationEnabled",
    "ca_certificate_identifier": "CACertificateIdentifier",
    "subnet_group_name": "DBSubnetGroupName",
}


def instance(item: Instance, groups: Groups, replicas: Sequence[Instance], backups: Sequence[AutomatedBackup]) -> Wire:
    """A DBInstance. ``backups`` are its own and the replicated ones."""
    own = next((backup for backup in backups if not backup.replicated), None)
    window = own.archive.window if own is not None else None
    described: Wire = {
        **_settings(item.settings),
        "DBInstanceIdentifier": item.identifier,
        "DBInstanceArn": item.arn,
        "DbiResourceId": item.resource_id,
        "DBInstanceStatus": item.status,
        "DbInstancePort": 0,
        "InstanceCreateTime": item.created,
        "DBSecurityGroups": [],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": group, "Status": "active"} for group in item.settings.security_group_ids
        ],
        "DBParameterGroups": [
            {
                "DBParameterGroupName": item.settings.parameter_group_name,
                "ParameterApplyStatus": item.parameter_status,
            }
        ],
        "OptionGroupMemberships": [{"OptionGroupName": item.settings.option_group_name, "Status": "in-sync"}],
        "DBSubnetGroup": groups.subnet_group_details(item.settings.subnet_group_name),
        "PendingModifiedValues": _pending(item),
        "ReadReplicaDBInstanceIdentifiers": [
            replica.identifier if replica.region == item.region else replica.arn for replica in replicas
        ],
        "ReadReplicaDBClusterIdentifiers": [],
        "ReadReplicaSourceDBInstanceIdentifier": source_name(item),
        "StatusInfos": _status_infos(item),
        "DomainMemberships": [],
        "AssociatedRoles": [],
        "TagList": item.get_tags(),
        "CertificateDetails": {"CAIdentifier": item.settings.ca_certificate_identifier},
        "DBInstanceAutomatedBackupsReplications": [
            {"DBInstanceAutomatedBackupsArn": backup.arn}
            for backup in backups
            if backup.replicated and backup.status != RETAINED
        ],
        "LatestRestorableTime": window.latest if window is not None else None,
        "Endpoint": _endpoint(item) if item.has_endpoint else None,
    }
    return _present(described)


def _endpoint(item: Instance) -> Wire:
    """The hosted zone is that of RDS's own names in the region; the sandbox's addresses need none."""
    return _present({"Address": LOOPBACK, "Port": item.server.port, "HostedZoneId": _HOSTED_ZONES.get(item.region)})


def source_name(item: Instance) -> str | None:
    """The source's identifier in the same region, its ARN in another one."""
    if item.source is None:
        return None
    return item.source.identifier if item.source.region == item.region else item.source.arn


def snapshot(item: Snapshot) -> Wire:
    settings = item.settings
    return _present(
        {
            "DBSnapshotIdentifier": item.identifier,
            "DBSnapshotArn": item.arn,
            "DBInstanceIdentifier": item.instance_identifier,
            "DbiResourceId": item.instance_resource_id,
            "InstanceCreateTime": item.instance_created,
            "SnapshotCreateTime": item.created,
            "OriginalSnapshotCreateTime": item.original_created or item.created,
            "SnapshotType": item.snapshot_type,
            "SnapshotTarget": "region",
            "Status": item.status,
            "PercentProgress": item.percent_progress,
            "Engine": ENGINE,
            "EngineVersion": settings.engine_version,
            "LicenseModel": settings.license_model,
            "AllocatedStorage": settings.allocated_storage,
            "StorageType": settings.storage_type,
            "Iops": settings.iops,
            "StorageThroughput": settings.storage_throughput,
            "Encrypted": settings.storage_encrypted,
            "KmsKeyId": settings.kms_key_id,
            "MasterUsername": settings.master_username,
            "Port": _PORT,
            "AvailabilityZone": settings.availability_zone,
            "VpcId": item.vpc_id,
            "OptionGroupName": settings.option_group_name,
            "BackupRetentionPeriod": settings.backup_retention_period,
            "PreferredBackupWindow": settings.backup_window,
            "IAMDatabaseAuthenticationEnabled": settings.iam_authentication,
            "SourceRegion": item.source_region,
            "SourceDBSnapshotIdentifier": item.source_arn,
            "TagList": item.get_tags(),
            "ProcessorFeatures": [],
        }
    )


def automated_backup(item: AutomatedBackup, replications: Sequence[AutomatedBackup]) -> Wire:
    settings = item.settings
    window = item.archive.window
    return _present(
        {
            "DBInstanceAutomatedBackupsArn": item.arn,
            "DBInstanceArn": item.instance.arn if item.instance is not None else item.instance_arn,
            "DbiResourceId": item.instance_resource_id,
            "DBInstanceIdentifier": item.instance_identifier,
            "Region": item.instance_arn.split(":")[3],
            "Status": item.status,
            "RestoreWindow": _present(
                {
                    "EarliestTime": window.earliest if window is not None else None,
                    "LatestTime": window.latest if window is not None else None,
                }
            ),
            "AllocatedStorage": settings.allocated_storage,
            "Port": _PORT,
            "AvailabilityZone": settings.availability_zone,
            "VpcId": item.vpc_id,
            "InstanceCreateTime": item.instance_created,
            "MasterUsername": settings.master_username,
            "Engine": ENGINE,
            "EngineVersion": settings.engine_version,
            "LicenseModel": settings.license_model,
            "Iops": settings.iops,
            "OptionGroupName": settings.option_group_name,
            "Encrypted": settings.storage_encrypted,
            "StorageType": settings.storage_type,
            "KmsKeyId": item.kms_key_id,
            "IAMDatabaseAuthenticationEnabled": settings.iam_authentication,
            "BackupRetentionPeriod": item.retention,
            "PreferredBackupWindow": settings.backup_window,
            "BackupTarget": "region",
            "DBInstanceAutomatedBackupsReplications": [
                {"DBInstanceAutomatedBackupsArn": other.arn} for other in replications
            ],
            "TagList": item.get_tags(),
        }
    )


def _settings(settings: InstanceSettings) -> Wire:
    return {
        "DBInstanceClass": settings.instance_class,
        "Engine": ENGINE,
        "EngineVersion": settings.engine_version,
        "EngineLifecycleSupport": settings.engine_lifecycle_support,
        "LicenseModel": settings.license_model,
        "MasterUsername": settings.master_username,
        "DBName": settings.db_name,
        "AllocatedStorage": settings.allocated_storage,
        "MaxAllocatedStorage": settings.max_allocated_storage,
        "StorageType": settings.storage_type,
        "Iops": settings.iops,
        "StorageThroughput": settings.storage_throughput,
        "StorageEncrypted": settings.storage_encrypted,
        "KmsKeyId": settings.kms_key_id,
        "AvailabilityZone": settings.availability_zone,
        "SecondaryAvailabilityZone": settings.secondary_availability_zone,
        "MultiAZ": settings.multi_az,
        "BackupRetentionPeriod": settings.backup_retention_period,
        "BackupTarget": "region",
        "PreferredBackupWindow": settings.backup_window,
        "PreferredMaintenanceWindow": settings.maintenance_window,
        "AutoMinorVersionUpgrade": settings.auto_minor_version_upgrade,
        "PubliclyAccessible": settings.publicly_accessible,
        "CopyTagsToSnapshot": settings.copy_tags_to_snapshot,
        "DeletionProtection": settings.deletion_protection,
        "MonitoringInterval": settings.monitoring_interval,
        "MonitoringRoleArn": settings.monitoring_role_arn,
        "PerformanceInsightsEnabled": settings.performance_insights_enabled,
        "PerformanceInsightsKMSKeyId": settings.performance_insights_kms_key_id,
        "PerformanceInsightsRetentionPeriod": settings.performance_insights_retention_period,
        "EnabledCloudwatchLogsExports": list(settings.log_exports),
        "IAMDatabaseAuthenticationEnabled": settings.iam_authentication,
        "CACertificateIdentifier": settings.ca_certificate_identifier,
        "NetworkType": settings.network_type,
        "CustomerOwnedIpEnabled": False,
        "DedicatedLogVolume": False,
        "MultiTenant": False,
        "IsStorageConfigUpgradeAvailable": False,
        "ActivityStreamStatus": "stopped",
        "DatabaseInsightsMode": "standard",
    }


def _pending(item: Instance) -> Wire:
    pending: Wire = {_PENDING[name]: value for name, value in item.pending.items() if name in _PENDING}
    if item.password_pending:
        pending["MasterUserPassword"] = "****"
    return pending


def _status_infos(item: Instance) -> list[Wire]:
    if item.source is None:
        return []
    if item.replication_error is not None:
        return [
            {"StatusType": "read replication", "Normal": False, "Status": "error", "Message": item.replication_error}
        ]
    return [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]


def _present(values: Mapping[str, object]) -> Wire:
    return {name: value for name, value in values.items() if value is not None}
