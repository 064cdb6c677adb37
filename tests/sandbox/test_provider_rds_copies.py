"""Replicas, snapshots, restores and replicated backups of the provider on the real cloud process."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.services.rds_backups import InstanceAutomatedBackupsReplication, Snapshot, SnapshotCopy
from sandbox.provider.services.rds_groups import ParameterGroup
from tests.sandbox import provider_rds as given
from tests.sandbox.cloud_fixtures import RunningCloud, unique, until
from tests.sandbox.provider_rds import SECONDS, Databases, Make, call_count, copy_of, plain, rds_calls
from tests.sandbox.rds_helpers import EAST, USER, WEST, Rds
from tests.unit.provider.program import Program

# fixtures
rds = given.rds
aws = given.aws
resource = given.resource
shared = given.shared
database = given.database
source = given.source


def test_a_promotion_is_one_update_in_place_with_backups_and_a_password(
    cloud: RunningCloud, rds: Rds, resource: Make, source: Program, database: Databases
) -> None:
    group = resource(ParameterGroup, WEST)
    group.up(name=unique("group"), family="postgres17", parameters=[{"name": "log_disconnections", "value": "1"}])
    identifier = unique("standby")
    settings = {
        "storageEncrypted": True,
        "kmsKeyId": rds.key(WEST),
        "parameterGroupName": group.id,
        "backupRetentionPeriod": 7,
        "backupWindow": "02:00-03:00",
        "maintenanceWindow": "sun:05:00-sun:06:00",
    }
    standby = copy_of(source, identifier, **settings)
    replica = database(WEST, **standby)
    assert replica.plan(**standby).changes == ()
    replica.refresh()
    assert replica.plan(**standby).changes == ()
    assert replica.state["replicateSourceDb"] == source.state["arn"]
    assert replica.state["username"] == USER
    resource_id = replica.id

    active = plain(identifier, **settings)
    planned = replica.plan(**active)
    assert not planned.replace
    assert {(change.path, change.kind) for change in planned.changes} == {
        ("replicateSourceDb", "delete"),
        ("password", "add"),
    }
    before = call_count(cloud)
    replica.up(**active)
    made = [action for action in rds_calls(cloud, before) if not action.startswith("Describe")]
    assert made == ["PromoteReadReplica", "ModifyDBInstance"]
    assert replica.id == resource_id
    assert replica.state["replicateSourceDb"] == ""
    assert replica.state["backupRetentionPeriod"] == 7
    assert replica.plan(**active).changes == ()
    promoted = rds.describe(identifier, WEST)
    rds.query(promoted, "CREATE TABLE written (id int)")


def test_another_source_is_refused_at_apply_without_a_call(
    cloud: RunningCloud, rds: Rds, source: Program, database: Databases
) -> None:
    identifier = unique("standby")
    wanted = copy_of(source, identifier, kmsKeyId=rds.key(WEST), storageEncrypted=True)
    replica = database(WEST, **wanted)
    other = {**wanted, "replicateSourceDb": source.state["arn"] + "-2"}
    assert not replica.plan(**other).replace
    before = call_count(cloud)
    with pytest.raises(PartialFailure) as caught:
        replica.up(**other)
    assert "cannot elect new source database for replication" in str(caught.value.cause)
    assert set(rds_calls(cloud, before)) == {"DescribeDBInstances"}

    # promoted by somebody else: the program still says replica
    replica.client("rds").promote_read_replica(DBInstanceIdentifier=identifier, BackupRetentionPeriod=0)
    until(lambda: replica.refresh()["status"] == "available", seconds=SECONDS)
    assert replica.state["replicateSourceDb"] == ""
    assert replica.plan(**wanted).changed == {"replicateSourceDb"}
    with pytest.raises(PartialFailure):
        replica.up(**wanted)


def test_a_snapshot_stays_in_the_program_or_leaves_it_without_a_difference(
    rds: Rds, resource: Make, source: Program, database: Databases
) -> None:
    taken = resource(Snapshot)
    wanted = {"dbInstanceIdentifier": source.state["identifier"], "dbSnapshotIdentifier": unique("taken")}
    taken.up(**wanted, tags={"a": "1"})
    assert taken.plan(**wanted, tags={"a": "1"}).changes == ()
    taken.up(**wanted, tags={"b": "1"})
    assert taken.plan(**wanted, tags={"b": "1"}).changes == ()
    assert taken.state["status"] == "available"

    restore = plain(
        unique("restored"),
        snapshotIdentifier=taken.id,
        storageEncrypted=True,
        backupRetentionPeriod=1,
        password="restored-Password-1",
    )
    restored = database(**restore)
    assert restored.plan(**restore).changes == ()
    restored.refresh()
    assert restored.plan(**restore).changes == ()
    assert restored.state["backupRetentionPeriod"] == 1
    live = rds.describe(restore["identifier"])
    assert rds.value(live, "SELECT count(*) FROM kept", password="restored-Password-1") == 2

    without = {key: value for key, value in restore.items() if key != "snapshotIdentifier"}
    assert restored.plan(**without).changes == ()
    restored.up(**without, tags={"a": "1"})
    assert restored.plan(**restore, tags={"a": "1"}).changes == (), "the state still knows the snapshot"
    assert restored.plan(**{**restore, "snapshotIdentifier": "another"}, tags={"a": "1"}).replace

    copied = resource(SnapshotCopy, WEST)
    copy = {
        "sourceDbSnapshotIdentifier": taken.state["dbSnapshotArn"],
        "targetDbSnapshotIdentifier": unique("copy"),
        "kmsKeyId": rds.key(WEST),
    }
    copied.up(**copy)
    copied.refresh()
    assert copied.plan(**copy).changes == ()
    assert copied.state["sourceRegion"] == EAST
    for snapshot in (copied, taken):
        snapshot.destroy()
        snapshot.destroy()
        snapshot.refresh()
        assert snapshot.id == ""


def test_a_point_in_time_restore_is_replaced_when_its_block_goes(source: Program, database: Databases) -> None:
    until(lambda: source.refresh()["latestRestorableTime"], seconds=SECONDS)
    block = {"sourceDbInstanceIdentifier": source.state["identifier"], "useLatestRestorableTime": True}
    wanted: dict[str, Any] = {
        "identifier": unique("as-of"),
        "instanceClass": "db.t4g.medium",
        "restoreToPointInTime": block,
        "storageEncrypted": True,
        "skipFinalSnapshot": True,
        "applyImmediately": True,
        "backupRetentionPeriod": 2,
    }
    restored = database(**wanted)
    assert restored.state["backupRetentionPeriod"] == 2
    restored.refresh()
    assert restored.plan(**wanted).changes == ()
    other = {**block, "useLatestRestorableTime": False, "restoreTime": "2030-01-01T00:00:00Z"}
    assert not restored.plan(**{**wanted, "restoreToPointInTime": other}).replace
    without = {key: value for key, value in wanted.items() if key != "restoreToPointInTime"}
    assert restored.plan(**without).replace


def test_backups_are_replicated_to_the_other_region_and_let_go(rds: Rds, resource: Make, source: Program) -> None:
    program = resource(InstanceAutomatedBackupsReplication, WEST)
    wanted = {"sourceDbInstanceArn": source.state["arn"], "retentionPeriod": 7, "kmsKeyId": rds.key(WEST)}
    program.up(**wanted)
    assert program.id.startswith(f"arn:aws:rds:{WEST}:")
    program.refresh()
    assert program.plan(**wanted).changes == ()
    assert program.plan(**{**wanted, "retentionPeriod": 8}).replace
    other = resource(InstanceAutomatedBackupsReplication, WEST)
    other.imported(program.id)
    assert other.plan(**wanted).changes == ()
    program.destroy()
    program.destroy()
    program.refresh()
    assert program.id == ""
