"""Snapshots, copies to the other region, restores to a point in time, automated backups that outlive their region."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pytest

from sandbox.postgres.processes import processes_in
from tests.sandbox.cloud_fixtures import RunningCloud, unique, until
from tests.sandbox.rds_helpers import EAST, WEST, Instance, Rds, rds_fixture, refused, utc_now

rds = rds_fixture
ROWS = 500


@dataclass(frozen=True)
class Kept:
    """An encrypted instance with automated backups and a table of ROWS rows."""

    identifier: str
    key_abroad: str
    filled: datetime.datetime


@pytest.fixture(scope="module")
def kept(rds: Rds) -> Kept:
    group = unique("kept")
    rds(EAST).create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres17", Description="tests"
    )
    instance = rds.create(
        unique("kept"),
        BackupRetentionPeriod=7,
        StorageEncrypted=True,
        KmsKeyId=rds.key(EAST),
        MultiAZ=True,
        DBParameterGroupName=group,
        PreferredBackupWindow="02:00-03:00",
        EnablePerformanceInsights=True,
        EnableCloudwatchLogsExports=["postgresql"],
        CopyTagsToSnapshot=True,
        Tags=[{"Key": "site", "Value": "primary"}],
    )
    rds.query(instance, "CREATE TABLE parts AS SELECT g AS id FROM generate_series(1, 500) AS g")
    return Kept(instance["DBInstanceIdentifier"], rds.key(WEST), utc_now())


@pytest.fixture(scope="module")
def snapshot(rds: Rds, kept: Kept) -> str:
    name = unique("manual")
    rds(EAST).create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=kept.identifier)
    rds.snapshot_available(name)
    rds.available(kept.identifier)
    return name


def _arn(snapshot: str) -> str:
    return f"arn:aws:rds:{EAST}:123456789012:snapshot:{snapshot}"


def _rows(rds: Rds, instance: Instance) -> int:
    return int(rds.value(instance, "SELECT count(*) FROM parts"))


def test_a_new_instance_with_retention_has_its_first_automated_snapshot(rds: Rds, kept: Kept) -> None:
    found = rds(EAST).describe_db_snapshots(DBInstanceIdentifier=kept.identifier, SnapshotType="automated")
    names = [item["DBSnapshotIdentifier"] for item in found["DBSnapshots"]]
    assert len(names) == 1
    assert names[0].startswith(f"rds:{kept.identifier}-")
    with refused("InvalidDBSnapshotState", "automated"):
        rds(EAST).delete_db_snapshot(DBSnapshotIdentifier=names[0])


def test_a_snapshot_carries_the_tags_and_the_key_of_its_instance(rds: Rds, kept: Kept, snapshot: str) -> None:
    found = rds.snapshot_available(snapshot)
    assert found["TagList"] == [{"Key": "site", "Value": "primary"}]
    assert found["KmsKeyId"] == rds.describe(kept.identifier)["KmsKeyId"]
    assert found["DbiResourceId"] == rds.describe(kept.identifier)["DbiResourceId"]
    with refused("DBSnapshotAlreadyExists"):
        rds(EAST).create_db_snapshot(DBSnapshotIdentifier=snapshot, DBInstanceIdentifier=kept.identifier)


def test_a_snapshot_copied_to_the_other_region_restores_there_with_its_rows(
    rds: Rds, kept: Kept, snapshot: str
) -> None:
    copy = unique("copy")
    with refused("InvalidParameterValue", "Must specify new KMS key"):
        rds(WEST).copy_db_snapshot(SourceDBSnapshotIdentifier=_arn(snapshot), TargetDBSnapshotIdentifier=copy)
    rds(WEST).copy_db_snapshot(
        SourceDBSnapshotIdentifier=_arn(snapshot), TargetDBSnapshotIdentifier=copy, KmsKeyId=kept.key_abroad
    )
    copied = rds.snapshot_available(copy, WEST)
    assert (copied["KmsKeyId"], copied["SourceRegion"]) == (kept.key_abroad, EAST)

    name = unique("from-copy")
    rds(WEST).restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=copy)
    restored = rds.available(name, WEST)
    assert _rows(rds, restored) == ROWS
    rds.query(restored, "INSERT INTO parts VALUES (0)")
    rds.delete(name, WEST)
    rds(WEST).delete_db_snapshot(DBSnapshotIdentifier=copy)
    with refused("DBSnapshotNotFound"):
        rds(WEST).describe_db_snapshots(DBSnapshotIdentifier=copy)


def test_a_snapshot_restores_in_its_own_region_only(rds: Rds, snapshot: str) -> None:
    with refused("InvalidParameterValue", "CopyDBSnapshot"):
        rds(WEST).restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=unique("nowhere"), DBSnapshotIdentifier=_arn(snapshot)
        )


def test_a_restore_keeps_the_data_and_retention_and_drops_the_rest(rds: Rds, kept: Kept, snapshot: str) -> None:
    name = unique("restored")
    rds(EAST).restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)
    restored = rds.available(name)
    source = rds.describe(kept.identifier)
    for same in ("BackupRetentionPeriod", "PreferredBackupWindow", "KmsKeyId", "DBInstanceClass", "MasterUsername"):
        assert restored[same] == source[same], same
    assert restored["DbiResourceId"] != source["DbiResourceId"]
    assert [group["DBParameterGroupName"] for group in restored["DBParameterGroups"]] == ["default.postgres17"]
    assert restored["MultiAZ"] is False
    assert restored["DeletionProtection"] is False
    assert restored["PerformanceInsightsEnabled"] is False
    assert restored.get("EnabledCloudwatchLogsExports", []) == []
    assert restored["TagList"] == []
    rds.delete(name)


def test_a_restore_to_a_time_undoes_a_bad_delete_and_nothing_more(rds: Rds, kept: Kept) -> None:
    instance = rds.describe(kept.identifier)
    rds.query(instance, "CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 100) AS g")
    good = rds.value(instance, "SELECT clock_timestamp()")
    rds.query(instance, "DELETE FROM orders")
    rds.query(instance, "CREATE TABLE after_the_accident ()")
    rds.restorable(kept.identifier, good)

    name = unique("undone")
    rds(EAST).restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=kept.identifier, TargetDBInstanceIdentifier=name, RestoreTime=good
    )
    undone = rds.available(name)
    assert rds.value(undone, "SELECT count(*) FROM orders") == 100
    assert rds.value(undone, "SELECT to_regclass('after_the_accident')") is None
    assert rds.value(rds.describe(kept.identifier), "SELECT count(*) FROM orders") == 0
    rds.query(undone, "INSERT INTO orders VALUES (101)")
    rds.delete(name)


def test_the_latest_restorable_time_has_what_was_committed_before_it(rds: Rds, kept: Kept) -> None:
    instance = rds.describe(kept.identifier)
    rds.query(instance, "CREATE TABLE latest AS SELECT 1 AS id")
    rds.restorable(kept.identifier, rds.value(instance, "SELECT clock_timestamp()"))
    name = unique("latest")
    rds(EAST).restore_db_instance_to_point_in_time(
        SourceDbiResourceId=instance["DbiResourceId"], TargetDBInstanceIdentifier=name, UseLatestRestorableTime=True
    )
    assert rds.value(rds.available(name), "SELECT count(*) FROM latest") == 1
    rds.delete(name)


def test_times_outside_of_the_window_are_refused(rds: Rds, kept: Kept) -> None:
    window = rds(EAST).describe_db_instance_automated_backups(DBInstanceIdentifier=kept.identifier)
    restorable = window["DBInstanceAutomatedBackups"][0]["RestoreWindow"]
    wrong = (restorable["EarliestTime"] - datetime.timedelta(seconds=1), utc_now() + datetime.timedelta(minutes=1))
    for moment in wrong:
        with refused("InvalidParameterValue", "can be restored to times from"):
            rds(EAST).restore_db_instance_to_point_in_time(
                SourceDBInstanceIdentifier=kept.identifier,
                TargetDBInstanceIdentifier=unique("outside"),
                RestoreTime=moment,
            )


def test_an_instance_without_backups_has_no_point_in_time(rds: Rds) -> None:
    bare = rds.create(unique("bare"))["DBInstanceIdentifier"]
    with refused("PointInTimeRestoreNotEnabled"):
        rds(EAST).restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=bare, TargetDBInstanceIdentifier=unique("x"), UseLatestRestorableTime=True
        )
    rds(EAST).modify_db_instance(DBInstanceIdentifier=bare, BackupRetentionPeriod=1, ApplyImmediately=True)
    assert rds.available(bare)["LatestRestorableTime"] is not None
    rds(EAST).modify_db_instance(DBInstanceIdentifier=bare, BackupRetentionPeriod=0, ApplyImmediately=True)
    assert "LatestRestorableTime" not in rds.available(bare)
    assert rds(EAST).describe_db_snapshots(DBInstanceIdentifier=bare)["DBSnapshots"] == []
    rds.delete(bare)


def test_replicated_backups_restore_while_the_source_region_is_dead(rds: Rds, cloud: RunningCloud, kept: Kept) -> None:
    source = rds.create(unique("lost"), BackupRetentionPeriod=7, StorageEncrypted=True, KmsKeyId=rds.key(EAST))
    arn = source["DBInstanceArn"]
    with refused("InvalidParameterCombination", "KmsKeyId"):
        rds(WEST).start_db_instance_automated_backups_replication(SourceDBInstanceArn=arn)
    started = rds(WEST).start_db_instance_automated_backups_replication(
        SourceDBInstanceArn=arn, KmsKeyId=kept.key_abroad, BackupRetentionPeriod=14
    )["DBInstanceAutomatedBackup"]
    replicated = started["DBInstanceAutomatedBackupsArn"]
    assert replicated.startswith(f"arn:aws:rds:{WEST}:")
    rds.query(source, "CREATE TABLE parts AS SELECT 1 AS id")
    written = rds.value(source, "SELECT clock_timestamp()")

    def arrived() -> bool:
        found = rds(WEST).describe_db_instance_automated_backups(DBInstanceAutomatedBackupsArn=replicated)
        backup = found["DBInstanceAutomatedBackups"][0]
        latest = backup.get("RestoreWindow", {}).get("LatestTime")
        return backup["Status"] == "replicating" and latest is not None and latest >= written

    until(arrived, seconds=90)
    assert rds.describe(source["DBInstanceIdentifier"])["DBInstanceAutomatedBackupsReplications"] == [
        {"DBInstanceAutomatedBackupsArn": replicated}
    ]
    with refused("InvalidDBInstanceAutomatedBackupState"):
        rds(WEST).start_db_instance_automated_backups_replication(SourceDBInstanceArn=arn, KmsKeyId=kept.key_abroad)
    for process in processes_in(cloud.directory / "rds" / EAST / "servers" / source["DbiResourceId"]):
        process.kill()

    name = unique("abroad")
    rds(WEST).restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=replicated, TargetDBInstanceIdentifier=name, RestoreTime=written
    )
    restored = rds.available(name, WEST)
    assert _rows(rds, restored) == 1
    assert restored["KmsKeyId"] == kept.key_abroad

    rds.delete(source["DBInstanceIdentifier"])
    found = rds(WEST).describe_db_instance_automated_backups(DBInstanceAutomatedBackupsArn=replicated)
    assert found["DBInstanceAutomatedBackups"][0]["Status"] == "retained"
    rds(WEST).delete_db_instance_automated_backup(DBInstanceAutomatedBackupsArn=replicated)
    rds.delete(name, WEST)


def test_stopping_a_replication_keeps_what_has_arrived(rds: Rds, kept: Kept) -> None:
    arn = rds.describe(kept.identifier)["DBInstanceArn"]
    with refused("InvalidDBInstanceState", "not replicating to the current region"):
        rds(WEST).stop_db_instance_automated_backups_replication(SourceDBInstanceArn=arn)
    replicated = rds(WEST).start_db_instance_automated_backups_replication(
        SourceDBInstanceArn=arn, KmsKeyId=kept.key_abroad
    )["DBInstanceAutomatedBackup"]["DBInstanceAutomatedBackupsArn"]
    until(
        lambda: (
            rds(WEST).describe_db_instance_automated_backups(DBInstanceAutomatedBackupsArn=replicated)[
                "DBInstanceAutomatedBackups"
            ][0]["Status"]
            == "replicating"
        ),
        seconds=90,
    )
    rds(WEST).stop_db_instance_automated_backups_replication(SourceDBInstanceArn=arn)
    name = unique("retained")
    rds(WEST).restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=replicated, TargetDBInstanceIdentifier=name, UseLatestRestorableTime=True
    )
    assert _rows(rds, rds.available(name, WEST)) == ROWS
    rds.delete(name, WEST)
    assert rds.describe(kept.identifier)["DBInstanceAutomatedBackupsReplications"] == []


def test_retained_backups_outlive_their_instance(rds: Rds) -> None:
    instance = rds.create(unique("mourned"), BackupRetentionPeriod=1)
    rds.query(instance, "CREATE TABLE parts AS SELECT 1 AS id")
    rds.restorable(instance["DBInstanceIdentifier"], rds.value(instance, "SELECT clock_timestamp()"))
    rds(EAST).delete_db_instance(
        DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True, DeleteAutomatedBackups=False
    )
    rds.gone(instance["DBInstanceIdentifier"])
    name = unique("revived")
    rds(EAST).restore_db_instance_to_point_in_time(
        SourceDbiResourceId=instance["DbiResourceId"], TargetDBInstanceIdentifier=name, UseLatestRestorableTime=True
    )
    assert _rows(rds, rds.available(name)) == 1
    rds(EAST).delete_db_instance_automated_backup(DbiResourceId=instance["DbiResourceId"])
    rds.delete(name)
