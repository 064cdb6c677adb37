"""One instance: what it refuses, what a change does to the real server, and how it ends."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sandbox.cloud_fixtures import unique, until
from tests.sandbox.rds_helpers import DATABASE, EAST, PASSWORD, USER, WEST, Rds, rds_fixture, refused

rds = rds_fixture


@pytest.fixture(scope="module")
def group(rds: Rds) -> str:
    name = unique("group")
    rds(EAST).create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="tests"
    )
    _set(rds, name, "max_connections", "33", "pending-reboot")
    return name


@pytest.fixture(scope="module")
def identifier(rds: Rds, group: str) -> str:
    """An instance that the tests of this module share and leave available."""
    return str(rds.create(unique("one"), DBParameterGroupName=group)["DBInstanceIdentifier"])


def _set(rds: Rds, group: str, name: str, value: str, method: str = "immediate") -> None:
    parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
    rds(EAST).modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter])


def _status(rds: Rds, identifier: str) -> str:
    return str(rds.describe(identifier)["DBParameterGroups"][0]["ParameterApplyStatus"])


# -- parameters -------------------------------------------------------------------------------------------------------


def test_a_new_server_has_the_static_parameters_of_its_group(rds: Rds, identifier: str) -> None:
    assert rds.value(rds.describe(identifier), "SHOW max_connections") == "33"
    assert _status(rds, identifier) == "in-sync"


def test_a_dynamic_parameter_reaches_the_running_server(rds: Rds, identifier: str, group: str) -> None:
    instance = rds.describe(identifier)
    _set(rds, group, "log_min_duration_statement", "250")
    until(lambda: rds.value(instance, "SHOW log_min_duration_statement") == "250ms")
    rds(EAST).reset_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[{"ParameterName": "log_min_duration_statement", "ApplyMethod": "immediate"}],
    )
    until(lambda: rds.value(instance, "SHOW log_min_duration_statement") == "-1")


def test_a_static_parameter_waits_for_a_reboot(rds: Rds, identifier: str, group: str) -> None:
    instance = rds.describe(identifier)
    with refused("InvalidParameterCombination", "static parameter"):
        _set(rds, group, "max_connections", "44", "immediate")
    _set(rds, group, "max_connections", "44", "pending-reboot")
    assert _status(rds, identifier) == "pending-reboot"
    assert rds.value(instance, "SHOW max_connections") == "33"

    rds(EAST).reboot_db_instance(DBInstanceIdentifier=identifier)
    assert rds.describe(identifier)["DBInstanceStatus"] in {"rebooting", "available"}
    rebooted = rds.available(identifier)
    assert rds.value(rebooted, "SHOW max_connections") == "44"
    assert _status(rds, identifier) == "in-sync"
    assert rebooted["Endpoint"] == instance["Endpoint"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("no_such_parameter", "1", "Could not find parameter with name"),
        ("work_mem", "63", "allowed values are: 64-2147483647"),
        ("log_statement", "some", "allowed values are: none,ddl,mod,all"),
        ("autovacuum", "maybe", "allowed values are: 0,1"),
        ("fsync", "0", "cannot be modified"),
    ],
)
def test_what_the_server_would_not_take_is_refused(rds: Rds, group: str, name: str, value: str, sentence: str) -> None:
    with refused("InvalidParameterValue", sentence):
        _set(rds, group, name, value)


def test_a_group_in_use_cannot_be_deleted_and_a_default_one_not_be_changed(
    rds: Rds, identifier: str, group: str
) -> None:
    assert rds.describe(identifier)["DBParameterGroups"][0]["DBParameterGroupName"] == group
    with refused("InvalidDBParameterGroupState", identifier):
        rds(EAST).delete_db_parameter_group(DBParameterGroupName=group)
    with refused("InvalidParameterValue", "default parameter group"):
        _set(rds, "default.postgres17", "work_mem", "4096")


def test_the_user_source_lists_what_was_set_and_no_source_lists_all(rds: Rds, group: str) -> None:
    pages = rds(EAST).get_paginator("describe_db_parameters")
    mine = [item for page in pages.paginate(DBParameterGroupName=group, Source="user") for item in page["Parameters"]]
    everything = [item for page in pages.paginate(DBParameterGroupName=group) for item in page["Parameters"]]
    assert {item["ParameterName"] for item in mine} == {"max_connections"}
    assert mine[0]["ApplyType"] == "static"
    assert len(everything) > 300


# -- access -----------------------------------------------------------------------------------------------------------


def test_the_master_user_is_no_superuser_but_may_make_roles_and_databases(rds: Rds, identifier: str) -> None:
    instance = rds.describe(identifier)
    role = rds.query(
        instance,
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = current_user",
    )
    assert role == [(False, True, True, False)]
    assert rds.value(instance, "SELECT pg_has_role('rds_superuser', 'member')") is True
    rds.query(instance, "CREATE ROLE app LOGIN")
    rds.query(instance, "GRANT CONNECT ON DATABASE partner_db TO app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rds.query(instance, "SELECT pg_read_file('/etc/passwd')")
    with pytest.raises(psycopg.Error):
        rds.query(instance, "SELECT 1", dbname="rdsadmin")


def test_plain_text_connections_are_refused_until_force_ssl_is_off(rds: Rds, identifier: str, group: str) -> None:
    instance = rds.describe(identifier)
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        rds.query(instance, "SELECT 1", sslmode="disable")
    _set(rds, group, "rds.force_ssl", "0")

    def plain() -> bool:
        try:
            return bool(rds.value(instance, "SELECT 1", sslmode="disable") == 1)
        except psycopg.OperationalError:
            return False

    until(plain)
    _set(rds, group, "rds.force_ssl", "1")
    until(lambda: not plain())
    assert rds.value(instance, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True


def test_a_wrong_password_is_refused(rds: Rds, identifier: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        rds.query(rds.describe(identifier), "SELECT 1", password="not-the-password")


def test_a_changed_password_is_the_only_one_that_works(rds: Rds, identifier: str) -> None:
    new = "another-Password-2"
    rds(EAST).modify_db_instance(DBInstanceIdentifier=identifier, MasterUserPassword=new, ApplyImmediately=True)
    instance = rds.available(identifier)
    assert "MasterUserPassword" not in instance["PendingModifiedValues"]
    assert rds.value(instance, "SELECT 1", password=new) == 1
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        rds.query(instance, "SELECT 1")
    rds(EAST).modify_db_instance(DBInstanceIdentifier=identifier, MasterUserPassword=PASSWORD)
    rds.available(identifier)


# -- changes ----------------------------------------------------------------------------------------------------------


def test_changes_wait_for_the_maintenance_window_unless_applied_immediately(rds: Rds, identifier: str) -> None:
    rds(EAST).modify_db_instance(DBInstanceIdentifier=identifier, DBInstanceClass="db.t4g.large", MultiAZ=True)
    waiting = rds.available(identifier)
    assert waiting["PendingModifiedValues"] == {"DBInstanceClass": "db.t4g.large", "MultiAZ": True}
    assert (waiting["DBInstanceClass"], waiting["MultiAZ"]) == ("db.t4g.medium", False)

    rds(EAST).modify_db_instance(DBInstanceIdentifier=identifier, ApplyImmediately=True)
    applied = rds.available(identifier)
    assert applied["PendingModifiedValues"] == {}
    assert (applied["DBInstanceClass"], applied["MultiAZ"]) == ("db.t4g.large", True)
    assert applied["SecondaryAvailabilityZone"] != applied["AvailabilityZone"]


def test_a_rename_keeps_the_server_its_rows_and_its_resource_id(rds: Rds) -> None:
    before = rds.create(unique("before"), Tags=[{"Key": "a", "Value": "b"}])
    rds.query(before, "CREATE TABLE kept AS SELECT 1 AS id")
    new = unique("after")
    rds(EAST).modify_db_instance(
        DBInstanceIdentifier=before["DBInstanceIdentifier"], NewDBInstanceIdentifier=new, ApplyImmediately=True
    )
    rds.gone(before["DBInstanceIdentifier"])
    after = rds.available(new)
    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert after["DBInstanceArn"].endswith(f":db:{new}")
    assert after["TagList"] == before["TagList"]
    assert rds.value(after, "SELECT count(*) FROM kept") == 1
    found = rds(EAST).describe_db_instances(Filters=[{"Name": "dbi-resource-id", "Values": [before["DbiResourceId"]]}])[
        "DBInstances"
    ]
    assert [item["DBInstanceIdentifier"] for item in found] == [new]
    rds.delete(new)


def test_a_stopped_instance_answers_nobody_and_starts_with_its_rows(rds: Rds) -> None:
    instance = rds.create(unique("sleeper"))
    name = instance["DBInstanceIdentifier"]
    rds.query(instance, "CREATE TABLE kept AS SELECT 1 AS id")
    rds(EAST).stop_db_instance(DBInstanceIdentifier=name)
    until(lambda: rds.describe(name)["DBInstanceStatus"] == "stopped")
    with pytest.raises(psycopg.OperationalError):
        rds.query(instance, "SELECT 1")
    rds(EAST).start_db_instance(DBInstanceIdentifier=name)
    assert rds.value(rds.available(name), "SELECT count(*) FROM kept") == 1
    rds.delete(name)


def test_tags_can_be_added_listed_and_removed(rds: Rds, identifier: str) -> None:
    arn = rds.describe(identifier)["DBInstanceArn"]
    rds(EAST).add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "x", "Value": "1"}, {"Key": "y", "Value": "2"}])
    rds(EAST).remove_tags_from_resource(ResourceName=arn, TagKeys=["x"])
    assert rds(EAST).list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "y", "Value": "2"}]
    with refused("DBInstanceNotFound"):
        rds(EAST).list_tags_for_resource(ResourceName=arn + "-not")


# -- the end ----------------------------------------------------------------------------------------------------------


def test_a_protected_instance_is_not_deleted(rds: Rds) -> None:
    name = rds.create(unique("guarded"), DeletionProtection=True)["DBInstanceIdentifier"]
    with refused("InvalidParameterCombination", "disable deletion protection"):
        rds(EAST).delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rds(EAST).modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    with refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required"):
        rds(EAST).delete_db_instance(DBInstanceIdentifier=name)
    rds.delete(name)


def test_a_deleted_instance_leaves_its_final_snapshot_and_no_server(rds: Rds) -> None:
    instance = rds.create(unique("final"))
    name, snapshot = instance["DBInstanceIdentifier"], unique("last-words")
    rds.query(instance, "CREATE TABLE kept AS SELECT 1 AS id")
    rds(EAST).delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=snapshot)
    rds.gone(name)
    with pytest.raises(psycopg.OperationalError):
        rds.query(instance, "SELECT 1")
    rds.snapshot_available(snapshot)
    rds(EAST).restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)
    assert rds.value(rds.available(name), "SELECT count(*) FROM kept") == 1
    rds.delete(name)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"EngineVersion": "16.3"}, "InvalidParameterCombination", "Cannot find version 16.3 for postgres"),
        ({"Engine": "mysql"}, "InvalidParameterValue", "Invalid DB engine"),
        ({"DBInstanceIdentifier": "two--hyphens"}, "InvalidParameterValue", "not a valid identifier"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue", "not a valid password"),
        ({"MasterUserPassword": "with a blank"}, "InvalidParameterValue", "not a valid password"),
        ({"MasterUsername": "rdsadmin"}, "InvalidParameterValue", "reserved word"),
        ({"DBName": "1st"}, "InvalidParameterValue", "must begin with a letter"),
        ({"DBInstanceClass": "t4g.medium"}, "InvalidParameterValue", "Invalid DB Instance class"),
        ({"AllocatedStorage": 5}, "InvalidParameterValue", "Invalid storage size"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue", "retention period"),
        ({"DBParameterGroupName": "nowhere"}, "DBParameterGroupNotFound", "nowhere"),
        ({"DBSubnetGroupName": "nowhere"}, "DBSubnetGroupNotFoundFault", "nowhere"),
        ({"VpcSecurityGroupIds": ["sg-0"]}, "InvalidParameterValue", "sg-0"),
        ({"StorageEncrypted": True, "KmsKeyId": "no-such-key"}, "KMSKeyNotAccessibleFault", "no-such-key"),
        ({"MonitoringInterval": 60}, "InvalidParameterCombination", "MonitoringRoleARN"),
        ({"EnableCloudwatchLogsExports": ["audit"]}, "InvalidParameterCombination", "audit"),
        ({"ManageMasterUserPassword": True}, "InvalidParameterCombination", "ManageMasterUserPassword"),
        (
            {"PreferredBackupWindow": "02:00-03:00", "PreferredMaintenanceWindow": "Mon:02:30-Mon:03:30"},
            "InvalidParameterValue",
            "must not overlap",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_bad_input_is_refused_in_a_sentence_and_makes_nothing(
    rds: Rds, change: dict[str, Any], code: str, sentence: str
) -> None:
    name = unique("never")
    with refused(code, sentence):
        rds.create(**{"identifier": change.get("DBInstanceIdentifier", name), **_without_identifier(change)})
    assert name not in [item["DBInstanceIdentifier"] for item in rds(EAST).describe_db_instances()["DBInstances"]]


def _without_identifier(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name != "DBInstanceIdentifier"}


def test_a_disabled_key_is_not_accessible(rds: Rds) -> None:
    key = rds.key(EAST)
    rds.make_client("kms", EAST).disable_key(KeyId=key.rsplit("/", 1)[1])
    with refused("KMSKeyNotAccessibleFault", "not enabled"):
        rds.create(unique("locked"), StorageEncrypted=True, KmsKeyId=key)


def test_a_name_is_taken_in_its_region_only(rds: Rds, identifier: str) -> None:
    with refused("DBInstanceAlreadyExists"):
        rds.create(identifier)
    with refused("DBInstanceNotFound"):
        rds.describe(identifier, WEST)
    assert (
        rds(WEST).describe_db_instances(Filters=[{"Name": "db-instance-id", "Values": [identifier]}])["DBInstances"]
        == []
    )


def test_the_engine_that_can_be_ordered_is_the_one_that_runs(rds: Rds, identifier: str) -> None:
    versions = rds(EAST).describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
    running = rds.value(rds.describe(identifier), "SHOW server_version")
    assert [item["EngineVersion"] for item in versions] == [running]
    assert rds.describe(identifier)["EngineVersion"] == running
    options = rds(EAST).describe_orderable_db_instance_options(Engine="postgres", DBInstanceClass="db.t4g.medium")
    assert {item["EngineVersion"] for item in options["OrderableDBInstanceOptions"]} == {running}


def test_a_subnet_group_covers_two_zones_and_stays_while_it_is_used(rds: Rds) -> None:
    ec2 = rds.make_client("ec2", EAST)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"{EAST}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("abc")
    ]
    group = unique("subnets")
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        rds(EAST).create_db_subnet_group(
            DBSubnetGroupName=group, DBSubnetGroupDescription="tests", SubnetIds=subnets[:1]
        )
    rds(EAST).create_db_subnet_group(DBSubnetGroupName=group, DBSubnetGroupDescription="tests", SubnetIds=subnets[:2])
    rds(EAST).modify_db_subnet_group(DBSubnetGroupName=group, SubnetIds=subnets)
    found = rds(EAST).describe_db_subnet_groups(DBSubnetGroupName=group)["DBSubnetGroups"][0]
    assert len(found["Subnets"]) == 3
    instance = rds.create(unique("placed"), DBSubnetGroupName=group, MultiAZ=True)
    assert instance["DBSubnetGroup"]["VpcId"] == vpc
    assert {instance["AvailabilityZone"], instance["SecondaryAvailabilityZone"]} <= {f"{EAST}{zone}" for zone in "abc"}
    with refused("InvalidDBSubnetGroupStateFault", group):
        rds(EAST).delete_db_subnet_group(DBSubnetGroupName=group)
    rds.delete(instance["DBInstanceIdentifier"])
    rds(EAST).delete_db_subnet_group(DBSubnetGroupName=group)


def test_the_database_and_the_master_user_are_those_asked_for(rds: Rds, identifier: str) -> None:
    instance = rds.describe(identifier)
    assert (instance["DBName"], instance["MasterUsername"]) == (DATABASE, USER)
    owner = rds.value(instance, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
    assert owner == USER
