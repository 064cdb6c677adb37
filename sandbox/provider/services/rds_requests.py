"""An instance's inputs as RDS's requests: the four ways to make one, what follows them, and modification.

What is sent by which call is the genuine provider's choice; the names are RDS's (API reference, CreateDBInstance and
its kind). Inputs that are empty are not sent, but for the few that the genuine provider always sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sandbox.provider.core.resource import tag_list
from sandbox.provider.core.values import Properties

Request = dict[str, Any]

NAMES: Final = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "availabilityZone": "AvailabilityZone",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupTarget": "BackupTarget",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "databaseInsightsMode": "DatabaseInsightsMode",
    "dbName": "DBName",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "deletionProtection": "DeletionProtection",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "engine": "Engine",
    "engineLifecycleSupport": "EngineLifecycleSupport",
    "engineVersion": "EngineVersion",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "instanceClass": "DBInstanceClass",
    "iops": "Iops",
    "kmsKeyId": "KmsKeyId",
    "licenseModel": "LicenseModel",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "monitoringInterval": "MonitoringInterval",
    "monitoringRoleArn": "MonitoringRoleArn",
    "multiAz": "MultiAZ",
    "networkType": "NetworkType",
    "optionGroupName": "OptionGroupName",
    "parameterGroupName": "DBParameterGroupName",
    "password": "MasterUserPassword",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "port": "Port",
    "publiclyAccessible": "PubliclyAccessible",
    "storageEncrypted": "StorageEncrypted",
    "storageThroughput": "StorageThroughput",
    "storageType": "StorageType",
    "username": "MasterUsername",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}
_INSIGHTS: Final = frozenset(
    {
        "databaseInsightsMode",
        "performanceInsightsEnabled",
        "performanceInsightsKmsKeyId",
        "performanceInsightsRetentionPeriod",
    }
)
_MONITORING: Final = frozenset({"monitoringInterval", "monitoringRoleArn"})
_ALWAYS: Final = ("autoMinorVersionUpgrade", "copyTagsToSnapshot", "deletionProtection", "publiclyAccessible")
_EVERY_CREATE: Final = frozenset(
    {
        "availabilityZone",
        "dbSubnetGroupName",
        "enabledCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled",
        "instanceClass",
        "multiAz",
        "networkType",
        "optionGroupName",
        "port",
        "vpcSecurityGroupIds",
    }
)
_REPLICA: Final = _EVERY_CREATE | _INSIGHTS | _MONITORING | {"iops", "kmsKeyId", "storageThroughput", "storageType"}
_SNAPSHOT: Final = _EVERY_CREATE | {
    "backupTarget",
    "engine",
    "engineLifecycleSupport",
    "licenseModel",
    "parameterGroupName",
}
_POINT_IN_TIME: Final = _SNAPSHOT | {
    "caCertIdentifier",
    "iops",
    "maxAllocatedStorage",
    "storageThroughput",
    "storageType",
}
# what the restoring calls do not take, or take and then set otherwise: a ModifyDBInstance follows
_AFTER_REPLICA: Final = (
    "backupRetentionPeriod",
    "backupWindow",
    "caCertIdentifier",
    "maintenanceWindow",
    "maxAllocatedStorage",
    "parameterGroupName",
)
_AFTER_POINT_IN_TIME: Final = (
    _INSIGHTS | _MONITORING | {"allocatedStorage", "backupRetentionPeriod", "backupWindow", "maintenanceWindow"}
)
_AFTER_SNAPSHOT: Final = _AFTER_POINT_IN_TIME | {
    "caCertIdentifier",
    "engineVersion",
    "iops",
    "maxAllocatedStorage",
    "storageThroughput",
    "storageType",
}
_MODIFIED_ALONE: Final = (
    frozenset(NAMES)
    - _INSIGHTS
    - {
        "allocatedStorage",
        "availabilityZone",
        "backupTarget",
        "dbName",
        "enabledCloudwatchLogsExports",
        "engine",
        "engineLifecycleSupport",
        "engineVersion",
        "iops",
        "kmsKeyId",
        "maxAllocatedStorage",
        "password",
        "port",
        "storageEncrypted",
        "username",
    }
)


def plain(inputs: Properties) -> Request:
    """CreateDBInstance. An unset retention is sent as 0, which means no automated backups."""
    return {
        "DBInstanceIdentifier": inputs["identifier"],
        "BackupRetentionPeriod": 0,
        "StorageEncrypted": False,
        **_always(inputs),
        **_given(inputs, NAMES),
    }


def replica(inputs: Properties, region: str) -> Request:
    """CreateDBInstanceReadReplica. With a key of its own it is signed for the source's region, which RDS asks for."""
    source = str(inputs["replicateSourceDb"])
    request = {
        "DBInstanceIdentifier": inputs["identifier"],
        "SourceDBInstanceIdentifier": source,
        **_always(inputs),
        **_given(inputs, _REPLICA),
    }
    parts = source.split(":")
    source_region = parts[3] if source.startswith("arn:") and len(parts) > 4 else region
    if inputs.get("kmsKeyId") and source.startswith("arn:"):
        request["SourceRegion"] = source_region
    if source_region != region and inputs.get("parameterGroupName"):
        request["DBParameterGroupName"] = inputs["parameterGroupName"]
    return request


def from_snapshot(inputs: Properties) -> Request:
    """RestoreDBInstanceFromDBSnapshot."""
    return {
        "DBInstanceIdentifier": inputs["identifier"],
        "DBSnapshotIdentifier": inputs["snapshotIdentifier"],
        **_always(inputs),
        **_given(inputs, _SNAPSHOT),
    }


def point_in_time(inputs: Properties) -> Request:
    """RestoreDBInstanceToPointInTime: exactly what the block names."""
    block = inputs["restoreToPointInTime"]
    names = {
        "restoreTime": "RestoreTime",
        "sourceDbInstanceAutomatedBackupsArn": "SourceDBInstanceAutomatedBackupsArn",
        "sourceDbInstanceIdentifier": "SourceDBInstanceIdentifier",
        "sourceDbiResourceId": "SourceDbiResourceId",
        "useLatestRestorableTime": "UseLatestRestorableTime",
    }
    return {
        "TargetDBInstanceIdentifier": inputs["identifier"],
        **_always(inputs),
        **_given(inputs, _POINT_IN_TIME),
        **{theirs: block[ours] for ours, theirs in names.items() if block.get(ours)},
    }


def after_replica(inputs: Properties, made: Properties) -> Request:
    """What a new replica (``made``, as read) must still be told; empty when nothing differs."""
    differing = [key for key in _AFTER_REPLICA if inputs.get(key) and not _equal(key, made.get(key), inputs[key])]
    return _given(inputs, [*differing, "password"])


def after_snapshot(inputs: Properties) -> Request:
    request = _given(inputs, [*_AFTER_SNAPSHOT, "password"])
    if "EngineVersion" in request and inputs.get("allowMajorVersionUpgrade"):
        request["AllowMajorVersionUpgrade"] = True
    return request


def after_point_in_time(inputs: Properties) -> Request:
    return _given(inputs, [*_AFTER_POINT_IN_TIME, "password"])


def modification(old: Properties, new: Properties, changed: frozenset[str]) -> Request:
    """ModifyDBInstance for these changed inputs, without identifier and ApplyImmediately."""
    request: Request = {"DeletionProtection": bool(new.get("deletionProtection"))}
    for key in changed & _MODIFIED_ALONE:
        if key in new or isinstance(old.get(key), bool):
            request[NAMES[key]] = new.get(key, False)
    if "enabledCloudwatchLogsExports" in changed:
        before, after = (set(item.get("enabledCloudwatchLogsExports") or []) for item in (old, new))
        request["CloudwatchLogsExportConfiguration"] = {
            "EnableLogTypes": sorted(after - before),
            "DisableLogTypes": sorted(before - after),
        }
    if "engineVersion" in changed:
        request["EngineVersion"] = new["engineVersion"]
        request["AllowMajorVersionUpgrade"] = bool(new.get("allowMajorVersionUpgrade"))
    if "identifier" in changed:
        request["NewDBInstanceIdentifier"] = new["identifier"]
    if "password" in changed and new.get("password"):
        request["MasterUserPassword"] = new["password"]
    if "port" in changed:
        request["DBPortNumber"] = new["port"]
    return request | _modified_together({**old, **new}, new, changed)


def _modified_together(wanted: Properties, new: Properties, changed: frozenset[str]) -> Request:
    """Settings that RDS takes only with others of theirs."""
    request: Request = {}
    if changed & {"allocatedStorage", "iops"}:
        request |= _given(wanted, ("allocatedStorage", "iops"))
    if "maxAllocatedStorage" in changed:
        # equal to the storage itself: no growth
        request["MaxAllocatedStorage"] = new.get("maxAllocatedStorage") or wanted["allocatedStorage"]
    if changed & _INSIGHTS:
        request["EnablePerformanceInsights"] = bool(wanted.get("performanceInsightsEnabled"))
        if request["EnablePerformanceInsights"]:
            request |= _given(wanted, _INSIGHTS)
    return request


def same_version(actual: str, wanted: str) -> bool:
    """Whether the version that runs is the wanted one, of which a prefix ("17" for "17.10") is enough."""
    return actual == wanted or actual.startswith(f"{wanted}.")


def _always(inputs: Properties) -> Request:
    tags = {"Tags": tag_list(inputs["tags"])} if inputs.get("tags") else {}
    return {**{NAMES[key]: bool(inputs.get(key)) for key in _ALWAYS}, **tags}


def _given(inputs: Properties, keys: Iterable[str]) -> Request:
    return {NAMES[key]: inputs[key] for key in sorted(keys) if inputs.get(key)}


def _equal(key: str, live: Any, wanted: Any) -> bool:
    if key == "maintenanceWindow":
        return str(live).lower() == str(wanted).lower()
    return bool(live == wanted)
