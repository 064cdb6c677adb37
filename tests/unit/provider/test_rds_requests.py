"""What RDS is asked for, of which call: the genuine provider's choices."""

from __future__ import annotations

from sandbox.provider.services import rds_requests as requests
from tests.unit.provider.test_rds import BASE, REPLICA, WRITABLE


def test_a_replica_in_another_region_is_asked_for_with_its_group_and_signed_for_the_sources_region() -> None:
    request = requests.replica({**REPLICA, "parameterGroupName": "group", "allocatedStorage": 5}, "us-east-1")
    assert request["SourceRegion"] == "us-west-2"
    assert request["DBParameterGroupName"] == "group"
    assert "AllocatedStorage" not in request
    assert "EngineVersion" not in request


def test_a_replica_in_the_same_region_gets_its_group_afterwards() -> None:
    inputs = {**REPLICA, "replicateSourceDb": "partner-db-primary-0", "parameterGroupName": "group"}
    assert "DBParameterGroupName" not in requests.replica(inputs, "us-east-1")
    follow_up = requests.after_replica(inputs, {"parameterGroupName": "default.postgres17", "backupRetentionPeriod": 0})
    assert follow_up == {
        "DBParameterGroupName": "group",
        "BackupRetentionPeriod": 7,
        "PreferredBackupWindow": "02:00-03:00",
    }
    assert requests.after_replica(inputs, {**inputs}) == {}


def test_a_snapshot_is_restored_without_its_key_and_gets_the_rest_afterwards() -> None:
    inputs = {**WRITABLE, "snapshotIdentifier": "taken", "deletionProtection": True}
    request = requests.from_snapshot(inputs)
    assert request["DBSnapshotIdentifier"] == "taken"
    assert request["DeletionProtection"] is True
    assert not set(request) & {"DBName", "KmsKeyId", "StorageEncrypted", "MasterUsername", "MasterUserPassword"}
    follow_up = requests.after_snapshot(inputs)
    assert follow_up["MasterUserPassword"] == "hunter2-hunter2"
    assert follow_up["BackupRetentionPeriod"] == 7


def test_a_point_in_time_names_exactly_its_source() -> None:
    block = {"sourceDbInstanceAutomatedBackupsArn": "arn:x", "restoreTime": "2026-01-01T00:00:00Z"}
    request = requests.point_in_time({**BASE, "restoreToPointInTime": block})
    assert request["TargetDBInstanceIdentifier"] == BASE["identifier"]
    assert request["SourceDBInstanceAutomatedBackupsArn"] == "arn:x"
    assert request["RestoreTime"] == "2026-01-01T00:00:00Z"
    assert not set(request) & {"SourceDBInstanceIdentifier", "UseLatestRestorableTime", "KmsKeyId"}


def test_a_new_database_without_a_retention_has_no_backups() -> None:
    request = requests.plain({key: value for key, value in WRITABLE.items() if key != "backupRetentionPeriod"})
    assert request["BackupRetentionPeriod"] == 0


def test_growth_is_switched_off_by_a_limit_equal_to_the_storage() -> None:
    old = {"allocatedStorage": 100, "maxAllocatedStorage": 500}
    request = requests.modification(old, {"allocatedStorage": 100}, frozenset({"maxAllocatedStorage"}))
    assert request["MaxAllocatedStorage"] == 100


def test_log_exports_are_told_as_what_comes_and_what_goes() -> None:
    old = {"enabledCloudwatchLogsExports": ["postgresql"]}
    new = {"enabledCloudwatchLogsExports": ["upgrade"]}
    request = requests.modification(old, new, frozenset({"enabledCloudwatchLogsExports"}))
    assert request["CloudwatchLogsExportConfiguration"] == {
        "EnableLogTypes": ["upgrade"],
        "DisableLogTypes": ["postgresql"],
    }


def test_a_major_upgrade_says_whether_it_is_allowed() -> None:
    new = {"engineVersion": "18", "allowMajorVersionUpgrade": True}
    request = requests.modification({"engineVersion": "17"}, new, frozenset({"engineVersion"}))
    assert request["EngineVersion"] == "18"
    assert request["AllowMajorVersionUpgrade"] is True
