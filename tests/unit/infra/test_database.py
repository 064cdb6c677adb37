"""The database in either role, and what a failover does to it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.database import BACKUP_WINDOW, MAINTENANCE_WINDOWS
from infra.sites import Site
from tests.unit.infra.recording import Run, run_stack

BACKUPS = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
DELETE_TIME_ONLY = {"skipFinalSnapshot", "finalSnapshotIdentifier"}
"""Read from the state when the instance is deleted; changing them makes no call to RDS."""


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_the_active_database_has_what_the_playbook_promises(primary: Run) -> None:
    inputs = primary.database.inputs
    assert inputs["multiAz"] is True
    assert inputs["backupRetentionPeriod"] == 7
    assert inputs["backupWindow"] == "02:00-03:00"
    assert inputs["deletionProtection"] is True
    assert inputs["deleteAutomatedBackups"] is False
    assert inputs["performanceInsightsEnabled"] is True
    assert inputs["applyImmediately"] is True
    assert inputs["autoMinorVersionUpgrade"] is False
    assert inputs["copyTagsToSnapshot"] is True
    assert inputs["enabledCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert inputs["dbName"] == "partner_db"
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["finalSnapshotIdentifier"] == "partner-db-primary-1-final"
    assert "replicateSourceDb" not in inputs


def test_the_database_is_named_after_site_and_generation(primary: Run, secondary: Run, returned: Run) -> None:
    for run, name, identifier in (
        (primary, "database-1", "partner-db-primary-1"),
        (secondary, "database-1", "partner-db-secondary-1"),
        (returned, "database-2", "partner-db-primary-2"),
    ):
        assert (run.database.name, run.database.inputs["identifier"]) == (name, identifier)


def test_the_standby_is_a_replica_without_name_user_or_password_of_its_own(secondary: Run) -> None:
    inputs = secondary.database.inputs
    assert inputs["replicateSourceDb"] == "arn:aws:rds:us-east-1:123456789012:db:partner-db-primary-1"
    assert not inputs.keys() & {"dbName", "username", "password", "allocatedStorage", "finalSnapshotIdentifier"}
    assert inputs["skipFinalSnapshot"] is True, "RDS takes no final snapshot of a replica"


def test_the_standby_has_the_settings_of_the_active_site(primary: Run, secondary: Run) -> None:
    own_by_site = {"identifier", "kmsKeyId", "performanceInsightsKmsKeyId", "tags", "maintenanceWindow"}
    own_by_site |= {"dbSubnetGroupName", "parameterGroupName", "vpcSecurityGroupIds"}
    by_role = {"replicateSourceDb", "dbName", "username", "password", "allocatedStorage", *DELETE_TIME_ONLY}
    assert changed(dict(primary.database.inputs), dict(secondary.database.inputs)) == own_by_site | by_role


def test_a_failover_changes_the_database_and_nothing_else(secondary: Run, failed_over: Run) -> None:
    before, after = secondary.by_identity(), failed_over.by_identity()
    assert before.keys() == after.keys()
    assert [key for key in before if before[key].inputs != after[key].inputs] == [
        ("aws:rds/instance:Instance", "database-1")
    ]


def test_a_promotion_clears_the_source_and_keeps_the_backups(secondary: Run, failed_over: Run) -> None:
    before, after = dict(secondary.database.inputs), dict(failed_over.database.inputs)
    assert changed(before, after) - DELETE_TIME_ONLY == {
        "replicateSourceDb",  # the promotion
        "dbName",  # equal to what the replica has: no change to RDS
        "username",  # the same
        "allocatedStorage",  # the same, or less than it has grown to, which is ignored with autoscaling
        "password",  # so that the instance and the site's secret agree
    }
    assert "replicateSourceDb" not in after
    assert before["backupRetentionPeriod"] == after["backupRetentionPeriod"] == 7
    assert before["backupWindow"] == after["backupWindow"]


def test_a_promotion_replaces_nothing(secondary: Run, failed_over: Run) -> None:
    replacing = {"availabilityZone", "engine", "kmsKeyId", "storageEncrypted", "snapshotIdentifier", "region"}
    assert not changed(dict(secondary.database.inputs), dict(failed_over.database.inputs)) & replacing
    assert failed_over.database.inputs["identifier"] == secondary.database.inputs["identifier"]


def test_a_lost_site_comes_back_beside_its_old_database(returned: Run, after_failover: dict[str, Any]) -> None:
    source = after_failover["secondary"]["database"]["arn"]
    assert returned.database.inputs["replicateSourceDb"] == source
    assert [each.name for each in returned.of("aws:rds/instance:Instance")] == ["database-2"]


def test_a_database_that_leaves_the_state_stays_alive(any_run: Run) -> None:
    assert any_run.database.retained
    assert any_run.database.inputs["deletionProtection"] is True


def test_the_automated_backups_of_the_writable_database_are_kept_in_the_other_region(
    primary: Run, secondary: Run, returned: Run
) -> None:
    assert not primary.of(BACKUPS), "the peer is a standby: there is nothing to keep"
    backups = secondary.one(BACKUPS)
    assert backups.inputs["sourceDbInstanceArn"] == "arn:aws:rds:us-east-1:123456789012:db:partner-db-primary-1"
    assert backups.inputs["retentionPeriod"] == 7
    assert backups.retained, "deleting it waits for the source region, which may be gone"
    assert returned.one(BACKUPS).inputs["sourceDbInstanceArn"].endswith("db:partner-db-secondary-1")


def test_a_failover_keeps_the_lost_sites_backups(secondary: Run, failed_over: Run) -> None:
    assert failed_over.one(BACKUPS).inputs == secondary.one(BACKUPS).inputs


def test_the_lost_sites_backups_leave_the_state_when_it_has_come_back(
    after_failover: dict[str, Any], returned: Run
) -> None:
    run = run_stack("secondary", {**after_failover, "primary": returned.outputs}, role="active", epoch="2")
    assert not run.of(BACKUPS)


def test_the_log_groups_are_there_before_the_database_writes_to_them(any_run: Run) -> None:
    identifier = any_run.database.inputs["identifier"]
    groups = [each for each in any_run.of("aws:cloudwatch/logGroup:LogGroup") if identifier in each.inputs["name"]]
    assert {group.inputs["name"] for group in groups} == {
        f"/aws/rds/instance/{identifier}/{log}" for log in ("postgresql", "upgrade")
    }
    assert {group.urn for group in groups} <= set(any_run.database.depends_on)
    assert all(group.inputs["retentionInDays"] == 90 for group in groups)


def test_no_parameter_writes_statements_with_passwords_to_the_log(any_run: Run) -> None:
    names = [each["name"] for each in any_run.one("aws:rds/parameterGroup:ParameterGroup").inputs["parameters"]]
    assert "log_statement" not in names


def test_the_sites_are_never_maintained_on_one_day_nor_while_backing_up() -> None:
    days = {window[:3] for window in MAINTENANCE_WINDOWS.values()}
    assert len(days) == len(Site)
    assert all(window[4:9] >= BACKUP_WINDOW[6:] for window in MAINTENANCE_WINDOWS.values())


def test_the_sites_secret_leads_to_its_own_database(primary: Run, secondary: Run) -> None:
    for run in (primary, secondary):
        version = run.one("aws:secretsmanager/secretVersion:SecretVersion")
        assert SITE_HOST.format(run.outputs["site"], run.outputs["region"]) in version.inputs["secretString"]
        assert "replicas" not in run.one("aws:secretsmanager/secret:Secret").inputs


SITE_HOST = '"host": "partner-db-{}-1.{}.rds.example"'


def test_a_standby_without_a_peer_has_no_database_and_an_empty_secret() -> None:
    run = run_stack("secondary")
    assert not run.of("aws:rds/instance:Instance")
    assert not run.of("aws:secretsmanager/secretVersion:SecretVersion")
    assert run.one("aws:secretsmanager/secret:Secret")
    assert "database" not in run.outputs


def test_a_new_password_reaches_database_and_secret_of_the_active_site(provisioned: dict[str, Any]) -> None:
    run = run_stack("primary", provisioned, databasePassword="another-long-one")
    assert run.database.inputs["password"] == "another-long-one"
    assert "another-long-one" in run.one("aws:secretsmanager/secretVersion:SecretVersion").inputs["secretString"]


@pytest.fixture(scope="module")
def disposable(provisioned: dict[str, Any]) -> tuple[Run, Run]:
    return (
        run_stack("primary", provisioned, disposable="true"),
        run_stack("secondary", provisioned, disposable="true"),
    )


def test_a_disposable_site_can_be_destroyed_without_a_rest(disposable: tuple[Run, Run]) -> None:
    for run in disposable:
        assert not any(resource.protect or resource.retained for resource in run.resources)
        inputs = run.database.inputs
        assert inputs["deletionProtection"] is False
        assert inputs["skipFinalSnapshot"] is True
        assert "finalSnapshotIdentifier" not in inputs
        assert inputs["deleteAutomatedBackups"] is True
        assert all(bucket.inputs["forceDestroy"] is True for bucket in run.of("aws:s3/bucket:Bucket"))
        assert run.one("aws:secretsmanager/secret:Secret").inputs["recoveryWindowInDays"] == 0
        assert run.one("aws:kms/key:Key").inputs["deletionWindowInDays"] == 7


def test_a_site_with_real_data_refuses_to_be_destroyed(primary: Run) -> None:
    protected = {(each.type, each.name) for each in primary.resources if each.protect}
    assert protected == {
        ("aws:kms/key:Key", "key"),
        *(("aws:s3/bucket:Bucket", purpose) for purpose in ("backups", "uploads", "logs", "records")),
    }
    assert not any(bucket.inputs["forceDestroy"] for bucket in primary.of("aws:s3/bucket:Bucket"))
    assert primary.one("aws:secretsmanager/secret:Secret").inputs["recoveryWindowInDays"] == 7
    assert primary.one("aws:kms/key:Key").inputs["deletionWindowInDays"] == 30
