"""An instance as RDS describes it, in the program's words."""

from __future__ import annotations

from typing import Any, Final

from sandbox.provider.core.resource import tag_map
from sandbox.provider.core.values import Properties
from sandbox.provider.services.rds_requests import same_version

_TEXTS: Final = {
    "arn": "DBInstanceArn",
    "availabilityZone": "AvailabilityZone",
    "backupTarget": "BackupTarget",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "characterSetName": "CharacterSetName",
    "databaseInsightsMode": "DatabaseInsightsMode",
    "dbName": "DBName",
    "engine": "Engine",
    "engineLifecycleSupport": "EngineLifecycleSupport",
    "engineVersionActual": "EngineVersion",
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "kmsKeyId": "KmsKeyId",
    "licenseModel": "LicenseModel",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "monitoringRoleArn": "MonitoringRoleArn",
    "networkType": "NetworkType",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "replicateSourceDb": "ReadReplicaSourceDBInstanceIdentifier",
    "resourceId": "DbiResourceId",
    "status": "DBInstanceStatus",
    "storageType": "StorageType",
    "timezone": "Timezone",
    "upgradeRolloutOrder": "UpgradeRolloutOrder",
    "username": "MasterUsername",
}
_NUMBERS: Final = {
    "allocatedStorage": "AllocatedStorage",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "iops": "Iops",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "monitoringInterval": "MonitoringInterval",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "storageThroughput": "StorageThroughput",
}
_FLAGS: Final = {
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "customerOwnedIpEnabled": "CustomerOwnedIpEnabled",
    "dedicatedLogVolume": "DedicatedLogVolume",
    "deletionProtection": "DeletionProtection",
    "iamDatabaseAuthenticationEnabled": "IAMDatabaseAuthenticationEnabled",
    "multiAz": "MultiAZ",
    "performanceInsightsEnabled": "PerformanceInsightsEnabled",
    "publiclyAccessible": "PubliclyAccessible",
    "storageEncrypted": "StorageEncrypted",
}


def properties(live: dict[str, Any], state: Properties) -> Properties:
    """Everything RDS says. ``state`` decides only in which words: a version's prefix, storage that does not grow."""
    tags = tag_map(live.get("TagList"))
    found: Properties = {
        "id": live["DbiResourceId"],
        **{ours: live.get(theirs) or "" for ours, theirs in _TEXTS.items()},
        **{ours: live.get(theirs) or 0 for ours, theirs in _NUMBERS.items()},
        **{ours: bool(live.get(theirs)) for ours, theirs in _FLAGS.items()},
        **_endpoint(live),
        "engineVersion": _version(str(live.get("EngineVersion", "")), state),
        "dbSubnetGroupName": (live.get("DBSubnetGroup") or {}).get("DBSubnetGroupName", ""),
        "enabledCloudwatchLogsExports": sorted(live.get("EnabledCloudwatchLogsExports") or []),
        "latestRestorableTime": _time(live.get("LatestRestorableTime")),
        "listenerEndpoints": [],
        "masterUserSecrets": [],
        "optionGroupName": _first(live.get("OptionGroupMemberships"), "OptionGroupName"),
        "parameterGroupName": _first(live.get("DBParameterGroups"), "DBParameterGroupName"),
        "replicas": list(live.get("ReadReplicaDBInstanceIdentifiers") or []),
        "vpcSecurityGroupIds": sorted(group["VpcSecurityGroupId"] for group in live.get("VpcSecurityGroups") or []),
        "tags": tags,
        "tagsAll": tags,
    }
    if not found["maxAllocatedStorage"] and state.get("maxAllocatedStorage") == found["allocatedStorage"]:
        # storage that may not grow: RDS then names no limit
        found["maxAllocatedStorage"] = found["allocatedStorage"]
    return found


def _endpoint(live: dict[str, Any]) -> Properties:
    endpoint = live.get("Endpoint") or {}
    port = int(endpoint.get("Port") or live.get("DbInstancePort") or 0)
    address = str(endpoint.get("Address") or "")
    return {
        "address": address,
        "endpoint": f"{address}:{port}" if address else "",
        "hostedZoneId": str(endpoint.get("HostedZoneId") or ""),
        "port": port,
    }


def _version(actual: str, state: Properties) -> str:
    wanted = str(state.get("engineVersion") or "")
    return wanted if wanted and same_version(actual, wanted) else actual


def _first(items: list[dict[str, Any]] | None, key: str) -> str:
    return str(items[0].get(key, "")) if items else ""


def _time(value: Any) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value is not None else ""
