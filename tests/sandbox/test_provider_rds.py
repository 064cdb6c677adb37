"""A database of the provider on the real cloud process: made, changed, renamed, imported, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.resource import ResourceError
from sandbox.provider.services.rds_groups import ParameterGroup
from sandbox.provider.services.rds_instance import Instance
from tests.sandbox import provider_rds as given
from tests.sandbox.cloud_fixtures import RunningCloud, unique
from tests.sandbox.provider_rds import Databases, Make, call_count, plain, rds_calls
from tests.sandbox.rds_helpers import EAST, PASSWORD, USER, Rds
from tests.unit.provider.program import Program

# fixtures
rds = given.rds
aws = given.aws
resource = given.resource
shared = given.shared
database = given.database
spare_wanted = given.spare_wanted
spare_made = given.spare_made
spare = given.spare


def test_a_database_with_everything_set_is_then_no_difference_and_has_no_drift(
    rds: Rds, resource: Make, database: Databases
) -> None:
    group = resource(ParameterGroup)
    group.up(name=unique("group"), family="postgres17", parameters=[{"name": "log_connections", "value": "1"}])
    key = rds.key(EAST)
    wanted = plain(
        unique("whole"),
        multiAz=True,
        storageType="gp3",
        maxAllocatedStorage=100,
        storageEncrypted=True,
        kmsKeyId=key,
        parameterGroupName=group.id,
        backupRetentionPeriod=7,
        backupWindow="02:00-03:00",
        maintenanceWindow="Sun:05:00-Sun:06:00",
        copyTagsToSnapshot=True,
        performanceInsightsEnabled=True,
        performanceInsightsKmsKeyId=key,
        performanceInsightsRetentionPeriod=7,
        enabledCloudwatchLogsExports=["upgrade", "postgresql"],
        autoMinorVersionUpgrade=False,
        tags={"site": "primary"},
    )
    program = database(**wanted)
    assert program.plan(**wanted).changes == ()
    state, inputs = program.state, program.inputs
    program.refresh()
    moving = {"latestRestorableTime"}
    assert {k: v for k, v in program.state.items() if k not in moving} == {
        k: v for k, v in state.items() if k not in moving
    }
    assert program.inputs == inputs
    assert program.plan(**wanted).changes == ()
    assert program.id == state["resourceId"]
    assert state["engineVersion"] == "17"
    assert state["engineVersionActual"].startswith("17.")
    assert state["endpoint"] == f"{state['address']}:{state['port']}"
    assert state["tagsAll"] == {"site": "primary"}
    with rds.connect(rds.describe(wanted["identifier"])) as connection:
        assert connection.execute("SHOW log_connections").fetchone() == ("on",)
    for name, value in (("dbName", "other"), ("username", "other"), ("storageEncrypted", False)):
        found = program.plan(**{**wanted, name: value})
        assert found.replace
        assert found.delete_before_replace


def test_a_database_is_imported_by_its_resource_id_and_by_its_name(
    resource: Make, spare: Program, spare_wanted: dict[str, Any]
) -> None:
    for name in (spare.id, spare_wanted["identifier"]):
        other = resource(Instance)
        other.imported(name)
        assert other.id == spare.id
        assert other.state["skipFinalSnapshot"] is True
        assert other.state["deleteAutomatedBackups"] is True
        # AWS tells neither of the two; nothing else differs
        assert other.plan(**spare_wanted).changed == {"applyImmediately", "password"}


def test_a_database_changes_in_place(rds: Rds, spare: Program, spare_wanted: dict[str, Any]) -> None:
    program, wanted, resource_id = spare, spare_wanted, spare.id
    new = "another-Password-for-tests-2"
    changed = {
        **wanted,
        "backupRetentionPeriod": 3,
        "backupWindow": "10:00-11:00",
        "maintenanceWindow": "mon:20:00-mon:21:00",
        "deletionProtection": True,
        "enabledCloudwatchLogsExports": ["postgresql"],
        "iamDatabaseAuthenticationEnabled": True,
        "performanceInsightsEnabled": True,
        "maxAllocatedStorage": 50,
        "password": new,
        "tags": {"a": "1"},
    }
    program.up(**changed)
    assert program.plan(**changed).changes == ()
    assert program.id == resource_id
    instance = rds.describe(wanted["identifier"])
    assert rds.value(instance, "SELECT 1", password=new) == 1
    program.up(**wanted)  # taken out again: what is optional goes, what AWS also chooses stays
    live = rds.describe(wanted["identifier"])
    assert not live["DeletionProtection"]
    assert not live["IAMDatabaseAuthenticationEnabled"]
    assert not live["PerformanceInsightsEnabled"]
    assert "MaxAllocatedStorage" not in live
    assert live["EnabledCloudwatchLogsExports"] == []
    assert live["BackupRetentionPeriod"] == 0
    assert live["PreferredBackupWindow"] == "10:00-11:00"
    assert live["TagList"] == []
    assert program.plan(**wanted).changes == ()


def test_a_rename_keeps_the_id(spare: Program, spare_wanted: dict[str, Any]) -> None:
    resource_id, arn = spare.id, spare.state["arn"]
    renamed = {**spare_wanted, "identifier": unique("after")}
    assert not spare.plan(**renamed).replace
    spare.up(**renamed)
    assert spare.id == resource_id
    assert spare.state["arn"] != arn
    assert spare.refresh()["identifier"] == renamed["identifier"]


def test_a_change_that_is_not_to_be_applied_at_once_stays_pending(database: Databases) -> None:
    wanted = plain(unique("patient"), applyImmediately=False)
    program = database(**wanted)
    program.up(**{**wanted, "instanceClass": "db.t4g.large"})
    assert program.state["instanceClass"] == "db.t4g.medium"
    assert program.plan(**{**wanted, "instanceClass": "db.t4g.large"}).changed == {"instanceClass"}


def test_a_deletion_without_a_decision_about_the_final_snapshot_calls_nothing(
    cloud: RunningCloud, rds: Rds, database: Databases
) -> None:
    wanted = plain(unique("deleted"), skipFinalSnapshot=False)
    program = database(**wanted)
    before = call_count(cloud)
    with pytest.raises(ResourceError, match="finalSnapshotIdentifier is required when skipFinalSnapshot is false"):
        program.destroy()
    assert rds_calls(cloud, before) == []

    final = unique("final")
    program.up(**wanted, finalSnapshotIdentifier=final)
    assert rds_calls(cloud, before) == ["DescribeDBInstances"], "only the state changes"
    program.destroy()
    program.refresh()
    assert program.id == ""
    assert rds.snapshot_available(final)["SnapshotType"] == "manual"
    program.destroy = lambda: None  # type: ignore[method-assign]


def test_a_protected_database_is_not_deleted(spare: Program, spare_wanted: dict[str, Any]) -> None:
    spare.up(**spare_wanted, deletionProtection=True)
    with pytest.raises(ClientError, match="deletion protection"):
        spare.destroy()
    assert spare.refresh()["status"] == "available"


def test_a_protection_that_is_not_the_programs_is_taken_off_before_a_deletion(database: Databases) -> None:
    program = database(**plain(unique("protected")))
    program.client("rds").modify_db_instance(
        DBInstanceIdentifier=program.state["identifier"], DeletionProtection=True, ApplyImmediately=True
    )
    program.destroy()
    program.destroy()
    program.refresh()
    assert program.id == ""


def test_a_namesake_is_taken_for_the_database_that_is_gone(rds: Rds, database: Databases) -> None:
    wanted = plain(unique("namesake"))
    program = database(**wanted)
    lost = program.id
    rds.delete(wanted["identifier"])
    rds.create(wanted["identifier"])
    program.refresh()
    assert program.id not in {"", lost}


def test_a_database_that_cannot_be_made_leaves_nothing_behind(resource: Make) -> None:
    program = resource(Instance)
    with pytest.raises(ResourceError, match='"allocatedStorage": required field is not set'):
        program.up(identifier=unique("none"), instanceClass="db.t4g.medium", engine="postgres", username=USER)
    with pytest.raises(ClientError) as caught:
        program.up(**plain(unique("none"), parameterGroupName="no-such-group"))
    assert PASSWORD not in str(caught.value)
