"""What RDS accepts and refuses, without a server."""

from __future__ import annotations

import pytest
from moto.rds.exceptions import RDSClientError

from sandbox.cloud.rds import parameters, rules
from sandbox.cloud.rds.parameters import Change
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.requested import windows


def _request(**values: object) -> Request:
    return Request("CreateDBInstance", values)


@pytest.mark.parametrize("name", ["a", "partner-db-primary-1", "A1", "x" * 63])
def test_identifiers_are_taken_in_lower_case(name: str) -> None:
    assert rules.check_identifier("DBInstanceIdentifier", name) == name.lower()


@pytest.mark.parametrize("name", ["1a", "-a", "a-", "a--b", "a_b", "x" * 64, "ä"])
def test_other_identifiers_are_refused(name: str) -> None:
    with pytest.raises(RDSClientError, match="not a valid identifier"):
        rules.check_identifier("DBInstanceIdentifier", name)


@pytest.mark.parametrize(
    "password", ["seven77", "x" * 129, "with/slash", 'with"quote', "with@at", "with blank", "ümlaut-x"]
)
def test_a_refused_password_is_not_in_the_message(password: str) -> None:
    with pytest.raises(RDSClientError) as caught:
        rules.check_master_password(password)
    assert password not in str(caught.value)


def test_the_only_version_is_the_one_that_runs() -> None:
    assert rules.check_version(None, "17.10") == "17.10"
    assert rules.check_version("17", "17.10") == "17.10"
    assert rules.check_version("17.10", "17.10") == "17.10"
    for other in ("16", "17.4", "18.1", ""):
        with pytest.raises(RDSClientError, match=f"Cannot find version {other} for postgres"):
            rules.check_version(other, "17.10")


@pytest.mark.parametrize(
    ("backup", "maintenance"),
    [
        ("02:00-03:00", "mon:03:00-mon:04:00"),
        ("23:30-00:30", "sun:00:30-sun:01:30"),
        ("02:00-03:00", "sun:23:45-mon:00:15"),
    ],
)
def test_windows_that_only_touch_are_taken(backup: str, maintenance: str) -> None:
    rules.check_windows(backup, maintenance)


@pytest.mark.parametrize(
    ("backup", "maintenance", "sentence"),
    [
        ("02:00-03:00", "mon:02:59-mon:04:00", "must not overlap"),
        ("23:30-00:30", "mon:00:00-mon:00:30", "must not overlap"),
        ("00:00-00:30", "sun:23:45-mon:00:15", "must not overlap"),
        ("02:00-02:29", "mon:03:00-mon:04:00", "at least 30 minutes"),
        ("2:00-3:00", "mon:03:00-mon:04:00", "Invalid backup window format"),
        ("02:00-03:00", "03:00-04:00", "Invalid maintenance window format"),
    ],
)
def test_windows_that_overlap_or_make_no_sense_are_refused(backup: str, maintenance: str, sentence: str) -> None:
    with pytest.raises(RDSClientError, match=sentence):
        rules.check_windows(backup, maintenance)


@pytest.mark.parametrize("number", range(60))
def test_default_windows_never_overlap_whatever_was_asked_for(number: int) -> None:
    identifier = f"database-{number}"
    hour, next_hour = f"{number % 24:02d}", f"{(number + 1) % 24:02d}"
    windows(_request(), "us-east-1", identifier)
    windows(_request(PreferredBackupWindow=f"{hour}:00-{next_hour}:00"), "us-west-2", identifier)
    windows(_request(PreferredMaintenanceWindow=f"Tue:{hour}:00-Tue:{hour}:30"), "us-east-1", identifier)


def test_what_the_sandbox_does_not_know_is_refused_and_never_ignored() -> None:
    with pytest.raises(RDSClientError, match="does not implement Domain of CreateDBInstance"):
        _request(Domain="corp.example.com").accept({"Engine"})
    with pytest.raises(RDSClientError, match="knows NetworkType IPV4 only"):
        _request(NetworkType="DUAL").accept({"NetworkType"})
    _request(Domain=None, MultiAZ=False, Tags=[]).accept(set())


def test_formulas_and_what_the_sandbox_decides_do_not_reach_the_server() -> None:
    values = {
        "max_connections": "LEAST({DBInstanceClassMemory/9531392},5000)",
        "shared_buffers": "{DBInstanceClassMemory/32768}",
        "wal_buffers": "1024",
        "work_mem": "4096",
        "rds.force_ssl": "1",
        "shared_preload_libraries": "pg_stat_statements,pg_cron",
    }
    parameters.check([Change(name, value, False) for name, value in values.items()])
    assert parameters.server_parameters(values) == {
        "work_mem": "4096",
        "shared_preload_libraries": "pg_stat_statements",
    }


def test_tls_is_required_unless_a_group_says_otherwise() -> None:
    assert parameters.requires_tls({}) is True
    assert parameters.requires_tls({"rds.force_ssl": "0"}) is False


def test_one_wrong_parameter_refuses_all_of_a_call() -> None:
    with pytest.raises(RDSClientError, match="Could not find parameter with name: nonsense"):
        parameters.check([Change("work_mem", "4096", True), Change("nonsense", "1", True)])
    with pytest.raises(RDSClientError, match="more than 20"):
        parameters.check([Change("work_mem", "4096", True)] * 21)


@pytest.mark.parametrize(
    ("name", "value"),
    [("random_page_cost", "1.1"), ("log_min_duration_statement", "-1"), ("vacuum_cost_delay", "0"), ("jit", "1")],
)
def test_values_in_the_servers_own_range_are_taken(name: str, value: str) -> None:
    parameters.check([Change(name, value, True)])
