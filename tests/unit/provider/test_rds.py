"""What the engine would plan for a database, and what RDS would be asked for: no cloud is needed to say it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.core.values import UNKNOWN
from sandbox.provider.services import rds_requests as requests
from sandbox.provider.services.rds_backups import InstanceAutomatedBackupsReplication, Snapshot
from sandbox.provider.services.rds_groups import ParameterGroup, SubnetGroup
from sandbox.provider.services.rds_instance import Instance
from tests.unit.provider.program import Program, Refused, cloud

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
SOURCE = "arn:aws:rds:us-west-2:123456789012:db:partner-db-secondary-1"
EAST = {"region": "us-east-1"}
BASE: dict[str, Any] = {
    "identifier": "partner-db-primary-1",
    "instanceClass": "db.m6g.large",
    "engine": "postgres",
    "engineVersion": "17",
    "storageEncrypted": True,
    "kmsKeyId": KEY,
    "backupRetentionPeriod": 7,
    "backupWindow": "02:00-03:00",
    "applyImmediately": True,
}
WRITABLE: dict[str, Any] = {
    **BASE,
    "allocatedStorage": 100,
    "dbName": "partner_db",
    "username": "partner_admin",
    "password": "hunter2-hunter2",
    "finalSnapshotIdentifier": "partner-db-primary-1-final",
}
REPLICA: dict[str, Any] = {**BASE, "replicateSourceDb": SOURCE, "skipFinalSnapshot": True}
LIVE: dict[str, Any] = {
    "DBInstanceIdentifier": "partner-db-primary-1",
    "DbiResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "DBInstanceArn": "arn:aws:rds:us-east-1:123456789012:db:partner-db-primary-1",
    "DBInstanceStatus": "available",
    "DBInstanceClass": "db.m6g.large",
    "Engine": "postgres",
    "EngineVersion": "17.10",
    "AllocatedStorage": 100,
    "StorageEncrypted": True,
    "KmsKeyId": KEY,
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "02:00-03:00",
    "AutoMinorVersionUpgrade": True,
    "DBName": "partner_db",
    "MasterUsername": "partner_admin",
}


class Recorder:
    """An RDS that knows one instance and writes down what it is asked for."""

    def __init__(self, **live: Any) -> None:
        self.live = {**LIVE, **live}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def describe_db_instances(self, **_: Any) -> dict[str, Any]:
        return {"DBInstances": [self.live]}

    def __getattr__(self, action: str) -> Any:
        def act(**request: Any) -> dict[str, Any]:
            self.asked.append((action, request))
            if action == "promote_read_replica":
                self.live.pop("ReadReplicaSourceDBInstanceIdentifier", None)
            return {"DBInstance": self.live}

        return act


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


def program(inputs: dict[str, Any], **live: Any) -> tuple[Program, Recorder]:
    """An instance that exists as these inputs say."""
    recorder = Recorder(**live)
    made = Program(Instance)

    class Clients(type(made.aws)):  # type: ignore[misc]
        def client(self, service: str, region: str) -> Any:
            del service, region
            return recorder

    made.aws = Clients(made.aws.settings)
    made.up(**inputs)
    recorder.asked.clear()
    return made, recorder


def replica() -> tuple[Program, Recorder]:
    return program(REPLICA, ReadReplicaSourceDBInstanceIdentifier=SOURCE)


def test_clearing_the_source_promotes_in_place_and_the_rest_follows_in_one_modification() -> None:
    made, recorder = replica()
    planned = made.plan(**WRITABLE)
    assert not planned.replace
    assert planned.changed == {"replicateSourceDb", "password", "skipFinalSnapshot", "finalSnapshotIdentifier"}
    made.up(**WRITABLE)
    assert recorder.asked == [
        (
            "promote_read_replica",
            {
                "DBInstanceIdentifier": "partner-db-primary-1",
                "BackupRetentionPeriod": 7,
                "PreferredBackupWindow": "02:00-03:00",
            },
        ),
        (
            "modify_db_instance",
            {
                "DBInstanceIdentifier": "partner-db-primary-1",
                "ApplyImmediately": True,
                "DeletionProtection": False,
                "MasterUserPassword": "hunter2-hunter2",
            },
        ),
    ]
    assert made.state["replicateSourceDb"] == ""
    assert made.plan(**WRITABLE).changes == ()


def test_a_promotion_without_a_retention_sends_what_the_replica_has() -> None:
    bare = {key: value for key, value in REPLICA.items() if key not in {"backupRetentionPeriod", "backupWindow"}}
    made, recorder = program(bare, ReadReplicaSourceDBInstanceIdentifier=SOURCE, BackupRetentionPeriod=0)
    made.up(**{key: value for key, value in bare.items() if key != "replicateSourceDb"})
    action, request = recorder.asked[0]
    assert action == "promote_read_replica"
    assert request["BackupRetentionPeriod"] == 0


def test_promoting_and_renaming_in_one_update_asks_for_a_name_that_is_not_there_yet() -> None:
    made, recorder = replica()
    made.up(**{**WRITABLE, "identifier": "partner-db-primary-2"})
    (_, promoted), (_, modified) = recorder.asked
    assert promoted["DBInstanceIdentifier"] == "partner-db-primary-2"
    assert modified["DBInstanceIdentifier"] == "partner-db-primary-1"
    assert modified["NewDBInstanceIdentifier"] == "partner-db-primary-2"


@pytest.mark.parametrize("source", [f"{SOURCE}-2", "partner-db-secondary-1"])
def test_another_source_plans_an_update_and_fails_at_apply(source: str) -> None:
    made, recorder = replica()
    assert not made.plan(**{**REPLICA, "replicateSourceDb": source}).replace
    with pytest.raises(PartialFailure, match="cannot elect new source database for replication"):
        made.up(**{**REPLICA, "replicateSourceDb": source})
    assert recorder.asked == []


def test_a_writable_database_does_not_become_a_replica() -> None:
    made, recorder = program(WRITABLE)
    wanted = {key: value for key, value in WRITABLE.items() if key not in {"dbName", "username"}}
    assert not made.plan(**wanted, replicateSourceDb=SOURCE).replace
    with pytest.raises(PartialFailure, match="cannot elect"):
        made.up(**wanted, replicateSourceDb=SOURCE)
    assert recorder.asked == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engine", "mysql"),
        ("dbName", "other"),
        ("username", "other"),
        ("kmsKeyId", f"{KEY[:-1]}6"),
        ("storageEncrypted", False),
        ("availabilityZone", "us-east-1b"),
        ("snapshotIdentifier", "a-snapshot"),
        ("restoreToPointInTime", {"useLatestRestorableTime": True, "sourceDbInstanceIdentifier": "x"}),
        ("region", "us-west-2"),
    ],
)
def test_what_cannot_change_replaces_and_a_given_identifier_deletes_first(name: str, value: Any) -> None:
    made, _ = program(WRITABLE)
    new = {**made.checked(**WRITABLE), name: value}
    from sandbox.provider.core.diff import diff

    found = diff(Instance, state=made.state, old_inputs=made.inputs, new=new)
    assert found.replace
    assert found.delete_before_replace


def test_with_a_made_identifier_the_new_one_is_created_first() -> None:
    unnamed = {key: value for key, value in WRITABLE.items() if key != "identifier"}
    made, _ = program(unnamed)
    assert str(made.inputs["identifier"]).startswith("thing")
    assert "-" not in made.inputs["identifier"]
    found = made.plan(**{**unnamed, "dbName": "other"})
    assert found.replace
    assert not found.delete_before_replace


@pytest.mark.parametrize(
    "name",
    ["backupRetentionPeriod", "backupWindow", "engineVersion", "kmsKeyId", "allocatedStorage", "dbName", "username"],
)
def test_what_aws_also_chooses_may_be_left_out(name: str) -> None:
    made, _ = program(WRITABLE)
    assert made.plan(**{key: value for key, value in WRITABLE.items() if key != name}).changes == ()


@pytest.mark.parametrize(("version", "differs"), [("17", False), ("17.10", False), ("17.1", True), ("18", True)])
def test_a_prefix_of_the_version_that_runs_is_no_difference(version: str, differs: bool) -> None:
    made = Program(Instance)
    made.id, made.state, made.inputs = "db-X", {"engineVersion": "17.10"}, {"engineVersion": "17.10"}
    assert ("engineVersion" in made.plan(**{**WRITABLE, "engineVersion": version}).changed) is differs


def test_the_flags_for_the_deletion_alone_make_no_call() -> None:
    made, recorder = program(WRITABLE)
    made.up(**{**WRITABLE, "deleteAutomatedBackups": False, "skipFinalSnapshot": True})
    assert recorder.asked == []
    assert made.state["deleteAutomatedBackups"] is False


def test_apply_immediately_alone_is_a_modification() -> None:
    made, recorder = program(WRITABLE)
    made.up(**{**WRITABLE, "applyImmediately": False})
    assert recorder.asked == [
        (
            "modify_db_instance",
            {"DBInstanceIdentifier": BASE["identifier"], "ApplyImmediately": False, "DeletionProtection": False},
        )
    ]


def test_a_deletion_sends_what_the_state_says() -> None:
    made, recorder = program({**WRITABLE, "deleteAutomatedBackups": False})
    recorder.describe_db_instances = lambda **_: {"DBInstances": []}  # type: ignore[method-assign]
    made.destroy()
    assert recorder.asked == [
        (
            "delete_db_instance",
            {
                "DBInstanceIdentifier": BASE["identifier"],
                "DeleteAutomatedBackups": False,
                "SkipFinalSnapshot": False,
                "FinalDBSnapshotIdentifier": "partner-db-primary-1-final",
            },
        )
    ]


@pytest.mark.parametrize("status", ["failed", "incompatible-parameters", "stopped"])
def test_a_database_that_will_not_come_up_ends_the_wait_and_stays_in_the_state(status: str) -> None:
    with pytest.raises(PartialFailure, match=f"unexpected state '{status}'") as caught:
        program(WRITABLE, DBInstanceStatus=status)
    assert caught.value.resource_id == LIVE["DbiResourceId"]
    assert "hunter2" not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"engine": "mysql"}, "one of"),
        ({"kmsKeyId": "a-key-id"}, "invalid ARN"),
        ({"replicateSourceDb": SOURCE}, "conflicts with"),
        ({"blueGreenUpdate": {"enabled": True}}, "not supported"),
        ({"s3Import": {"bucketName": "x"}}, "not supported"),
        ({"manageMasterUserPassword": True}, "use password"),
        ({"passwordWo": "x"}, "use password"),
        ({"finalSnapshotIdentifier": "ends-with-"}, "hyphen"),
        ({"identifierPrefix": "x"}, "conflicts with"),
        ({"snapshotIdentifier": "x", "restoreToPointInTime": {"useLatestRestorableTime": True}}, "conflicts with"),
        ({"allocatedStorrage": 1}, "no such input"),
    ],
)
def test_a_wrong_database_is_refused(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Program(Instance).checked(**{**WRITABLE, **inputs})


def test_no_input_is_ignored() -> None:
    """What RDS is asked for, what the provider itself acts on, and what it refuses are all there is."""
    acted_on = {
        "allowMajorVersionUpgrade",
        "applyImmediately",
        "deleteAutomatedBackups",
        "finalSnapshotIdentifier",
        "identifier",
        "identifierPrefix",
        "region",
        "replicateSourceDb",
        "restoreToPointInTime",
        "skipFinalSnapshot",
        "snapshotIdentifier",
        "tags",
    }
    for name in Instance.facts().inputs - set(requests.NAMES) - acted_on:
        with pytest.raises(Refused, match=f'"{name}" is not supported by the sandbox.s provider'):
            Program(Instance).checked(**{**WRITABLE, name: "x"})


def test_a_database_is_checked_before_its_key_and_its_source_are_known() -> None:
    found = Program(Instance).checked(**{**BASE, "kmsKeyId": UNKNOWN, "replicateSourceDb": UNKNOWN})
    assert found["kmsKeyId"] is UNKNOWN


def test_a_password_is_in_no_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(Refused) as refused:
        Program(Instance).checked(**{**WRITABLE, "password": ["hunter2-hunter2"]})
    with pytest.raises(ClientError) as caught:
        Program(Instance).up(**{**WRITABLE, "parameterGroupName": "no-such-group"})
    assert "hunter2" not in f"{refused.value}{caught.value}{caplog.text}"


def test_an_order_of_subnets_and_a_way_of_applying_are_no_difference() -> None:
    group = Program(SubnetGroup)
    group.id, group.state = "group", {"name": "group", "subnetIds": ["a", "b"], "description": "x", **EAST}
    assert group.plan(name="group", subnetIds=["b", "a"], description="x").changes == ()
    parameters = Program(ParameterGroup)
    listed = [{"name": "TimeZone", "value": "UTC", "applyMethod": "immediate"}, {"name": "work_mem", "value": "1"}]
    parameters.id, parameters.state = "group", {"name": "group", "family": "postgres17", "parameters": listed}
    parameters.state |= {"description": "Managed by Pulumi", **EAST}
    turned = [{"name": "work_mem", "value": "1", "applyMethod": "pending-reboot"}, {"name": "timezone", "value": "UTC"}]
    assert parameters.plan(name="group", family="postgres17", parameters=turned).changes == ()
    assert parameters.plan(name="group", family="postgres17", parameters=turned[:1]).changed == {"parameters"}
    assert parameters.plan(name="group", family="postgres16", parameters=turned).replace


def test_group_names_are_lower_case() -> None:
    with pytest.raises(Refused, match="lower-case"):
        Program(SubnetGroup).checked(name="Group", subnetIds=["a"])


def test_every_change_of_replicated_backups_replaces() -> None:
    made = Program(InstanceAutomatedBackupsReplication)
    wanted = {"sourceDbInstanceArn": SOURCE, "retentionPeriod": 7, "kmsKeyId": KEY}
    made.id, made.state, made.inputs = "arn", {**wanted, "region": "us-east-1"}, wanted
    assert made.plan(**wanted).changes == ()
    for changed in ({"retentionPeriod": 8}, {"sourceDbInstanceArn": f"{SOURCE}-2"}, {"kmsKeyId": f"{KEY[:-1]}6"}):
        assert made.plan(**{**wanted, **changed}).replace


def test_sharing_a_snapshot_is_refused() -> None:
    with pytest.raises(Refused, match="one account"):
        Program(Snapshot).checked(dbInstanceIdentifier="a", dbSnapshotIdentifier="b", sharedAccounts=["1"])
