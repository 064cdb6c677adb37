"""Read replicas in the other region: what they carry over, what they drop, and what promotion makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from tests.sandbox.cloud_fixtures import unique, until
from tests.sandbox.rds_helpers import DATABASE, EAST, USER, WEST, Instance, Rds, rds_fixture, refused

rds = rds_fixture


@dataclass(frozen=True)
class Pair:
    source: str
    replica: str
    key: str


@pytest.fixture(scope="module")
def pair(rds: Rds) -> Pair:
    """An encrypted, protected, well-kept source in the east and its plain replica in the west."""
    group = unique("settings")
    rds(EAST).create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres17", Description="tests"
    )
    source = rds.create(
        unique("source"),
        StorageEncrypted=True,
        KmsKeyId=rds.key(EAST),
        BackupRetentionPeriod=7,
        MultiAZ=True,
        DeletionProtection=True,
        DBParameterGroupName=group,
        EnablePerformanceInsights=True,
        EnableCloudwatchLogsExports=["postgresql"],
        Tags=[{"Key": "site", "Value": "primary"}],
    )
    rds.query(source, "CREATE TABLE parts (id serial PRIMARY KEY, name text)")
    rds.query(source, "INSERT INTO parts (name) VALUES ('wheel'), ('axle')")
    key = rds.key(WEST)
    replica = rds.replica(unique("replica"), source, KmsKeyId=key)
    return Pair(source["DBInstanceIdentifier"], replica["DBInstanceIdentifier"], key)


def _source(rds: Rds, pair: Pair) -> Instance:
    return rds.describe(pair.source)


def test_rows_written_to_the_source_are_read_from_the_replica(rds: Rds, pair: Pair) -> None:
    rds.query(_source(rds, pair), "INSERT INTO parts (name) VALUES ('brake')")
    replica = rds.describe(pair.replica, WEST)
    until(lambda: rds.value(replica, "SELECT count(*) FROM parts WHERE name = 'brake'") == 1)


def test_a_replica_refuses_writes(rds: Rds, pair: Pair) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        rds.query(rds.describe(pair.replica, WEST), "INSERT INTO parts (name) VALUES ('never')")


def test_source_and_replica_name_each_other(rds: Rds, pair: Pair) -> None:
    source, replica = _source(rds, pair), rds.describe(pair.replica, WEST)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert replica["DBInstanceArn"] in source["ReadReplicaDBInstanceIdentifiers"]
    assert replica["StatusInfos"] == [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
    assert (replica["DBName"], replica["MasterUsername"]) == (DATABASE, USER)


def test_a_replica_has_its_own_key_and_none_of_the_sources_care(rds: Rds, pair: Pair) -> None:
    replica = rds.describe(pair.replica, WEST)
    assert replica["KmsKeyId"] == pair.key
    assert replica["StorageEncrypted"] is True
    assert replica["BackupRetentionPeriod"] == 0
    assert replica["MultiAZ"] is False
    assert replica["DeletionProtection"] is False
    assert replica["PerformanceInsightsEnabled"] is False
    assert replica.get("EnabledCloudwatchLogsExports", []) == []
    assert replica["TagList"] == []
    assert [group["DBParameterGroupName"] for group in replica["DBParameterGroups"]] == ["default.postgres17"]


def test_a_replica_of_an_encrypted_source_abroad_needs_a_key_of_its_region(rds: Rds, pair: Pair) -> None:
    source = _source(rds, pair)
    with refused("InvalidParameterCombination", "cross region unencrypted read replica"):
        rds.replica(unique("keyless"), source)
    with refused("KMSKeyNotAccessibleFault"):
        rds.replica(unique("wrong-key"), source, KmsKeyId=source["KmsKeyId"])


def test_a_source_of_replicas_keeps_its_backups(rds: Rds, pair: Pair) -> None:
    with refused("InvalidParameterCombination", "source of read replicas"):
        rds(EAST).modify_db_instance(DBInstanceIdentifier=pair.source, BackupRetentionPeriod=0, ApplyImmediately=True)


def test_a_replica_cannot_leave_a_final_snapshot(rds: Rds, pair: Pair) -> None:
    with refused("InvalidParameterCombination", "replica"):
        rds(WEST).delete_db_instance(DBInstanceIdentifier=pair.replica, FinalDBSnapshotIdentifier=unique("final"))


def test_a_source_without_backups_gets_no_replica(rds: Rds) -> None:
    bare = rds.create(unique("bare"))
    with refused("InvalidDBInstanceState", "Automated backups are not enabled"):
        rds.replica(unique("refused"), bare)
    rds.delete(bare["DBInstanceIdentifier"])


def test_promotion_in_place_keeps_rows_sequences_identity_and_endpoint(rds: Rds, pair: Pair) -> None:
    source = _source(rds, pair)
    before = rds.replica(unique("promoted"), source, KmsKeyId=pair.key)
    name = before["DBInstanceIdentifier"]
    rows = rds.query(source, "SELECT id, name FROM parts ORDER BY id")
    until(lambda: rds.query(before, "SELECT id, name FROM parts ORDER BY id") == rows)

    rds(WEST).promote_read_replica(DBInstanceIdentifier=name, BackupRetentionPeriod=5)
    after = rds.available(name, WEST)

    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert after["Endpoint"] == before["Endpoint"]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in after
    assert after["BackupRetentionPeriod"] == 5
    assert after["LatestRestorableTime"] is not None
    assert rds.query(after, "SELECT id, name FROM parts ORDER BY id") == rows
    assert rds.value(after, "INSERT INTO parts (name) VALUES ('new') RETURNING id") > max(row[0] for row in rows)
    assert after["DBInstanceArn"] not in _source(rds, pair)["ReadReplicaDBInstanceIdentifiers"]
    with refused("InvalidDBInstanceState", "not a read replica"):
        rds(WEST).promote_read_replica(DBInstanceIdentifier=name)
    rds.delete(name, WEST)


def test_an_explicit_retention_of_zero_promotes_without_backups(rds: Rds, pair: Pair) -> None:
    name = rds.replica(unique("bare-promoted"), _source(rds, pair), KmsKeyId=pair.key)["DBInstanceIdentifier"]
    rds(WEST).promote_read_replica(DBInstanceIdentifier=name, BackupRetentionPeriod=0)
    after = rds.available(name, WEST)
    assert after["BackupRetentionPeriod"] == 0
    assert "LatestRestorableTime" not in after
    rds.delete(name, WEST)


def test_a_replica_may_have_backups_of_its_own_before_it_is_promoted(rds: Rds, pair: Pair) -> None:
    source = _source(rds, pair)
    name = rds.replica(unique("kept"), source, KmsKeyId=pair.key)["DBInstanceIdentifier"]
    rds(WEST).modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=3, ApplyImmediately=True)
    kept = rds.available(name, WEST)
    assert kept["BackupRetentionPeriod"] == 3
    rds.query(source, "INSERT INTO parts (name) VALUES ('seen by the backups of the replica')")
    until(lambda: "LatestRestorableTime" in rds.describe(name, WEST), seconds=60)

    before = rds.value(kept, "SELECT count(*) FROM parts")
    rds(WEST).promote_read_replica(DBInstanceIdentifier=name, BackupRetentionPeriod=7)
    promoted = rds.available(name, WEST)
    assert promoted["BackupRetentionPeriod"] == 7
    rds.query(promoted, "INSERT INTO parts (name) VALUES ('after the promotion')")
    good = rds.value(promoted, "SELECT clock_timestamp()")
    rds.query(promoted, "DELETE FROM parts")
    rds.restorable(name, good, WEST)
    undone = unique("undone")
    rds(WEST).restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=undone, RestoreTime=good
    )
    assert rds.value(rds.available(undone, WEST), "SELECT count(*) FROM parts") == before + 1
    rds.delete(undone, WEST)
    rds.delete(name, WEST)


def test_replicas_of_a_deleted_source_live_on_as_instances_of_their_own(rds: Rds) -> None:
    source = rds.create(unique("doomed"), BackupRetentionPeriod=1)
    rds.query(source, "CREATE TABLE kept AS SELECT 1 AS id")
    replica = rds.replica(unique("heir"), source)
    until(lambda: rds.value(replica, "SELECT to_regclass('kept') IS NOT NULL"))
    rds.delete(source["DBInstanceIdentifier"])
    until(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in rds.describe(replica["DBInstanceIdentifier"], WEST))
    heir = rds.available(replica["DBInstanceIdentifier"], WEST)
    rds.query(heir, "INSERT INTO kept VALUES (2)")
    assert rds.value(heir, "SELECT count(*) FROM kept") == 2
    rds.delete(heir["DBInstanceIdentifier"], WEST)


def test_a_replica_in_the_same_region_takes_the_sources_parameter_group(rds: Rds, pair: Pair) -> None:
    source = _source(rds, pair)
    near = rds.replica(unique("near"), source, EAST)
    assert near["ReadReplicaSourceDBInstanceIdentifier"] == pair.source
    assert near["DBParameterGroups"] == source["DBParameterGroups"]
    assert near["KmsKeyId"] == source["KmsKeyId"]
    rds.delete(near["DBInstanceIdentifier"])
