"""What the cloud's databases are to the machine: secrets stay secret, and nothing outlives the cloud unseen."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.postgres.credentials import Credentials
from sandbox.postgres.processes import processes_in, reap
from tests.sandbox.cloud_fixtures import RunningCloud, make_client, start_cloud, unique, until
from tests.sandbox.rds_helpers import EAST, PASSWORD, WEST, Rds, rds_fixture

rds = rds_fixture


@pytest.fixture
def place() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="goliath-rds-"))
    root.chmod(0o755)
    try:
        yield root
    finally:
        reap(root)
        shutil.rmtree(root, ignore_errors=True)


def test_no_secret_is_in_a_command_line_a_log_or_a_readable_file(rds: Rds, cloud: RunningCloud) -> None:
    source = rds.create(unique("quiet"), BackupRetentionPeriod=1)
    replica = rds.replica(unique("quiet"), source)
    rds(EAST).modify_db_instance(
        DBInstanceIdentifier=source["DBInstanceIdentifier"], MasterUserPassword=PASSWORD + "x", ApplyImmediately=True
    )
    rds.available(source["DBInstanceIdentifier"])
    directory = cloud.directory / "rds"
    secrets = [PASSWORD, *_internal_secrets(directory / "secrets")]

    for process in psutil.process_iter():
        with_arguments = " ".join(_arguments(process))
        assert not any(secret in with_arguments for secret in secrets), process
    for log in [*directory.rglob("server.log"), cloud.directory.parent / "cloud.log"]:
        text = log.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), log
    for file in directory.rglob("*"):
        if file.is_file() and file.stat().st_mode & 0o044:
            assert not any(secret.encode() in file.read_bytes() for secret in secrets), file
    rds.delete(replica["DBInstanceIdentifier"], WEST)
    rds.delete(source["DBInstanceIdentifier"])


def _internal_secrets(directory: Path) -> list[str]:
    where = Credentials(directory, "", "")
    admin = where.initial_password_file.read_text().strip()
    replication = where.passfile.read_text().splitlines()[0].rsplit(":", 1)[1]
    return [admin, replication]


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_after_a_kill_of_the_cloud_its_servers_are_found_and_reaped(place: Path) -> None:
    running = start_cloud(place).ready()
    try:
        own = Rds(lambda service, region: make_client(running.endpoint, service, region), running.ca_certificate)
        instance = own.create(unique("orphan"))
        postmaster = _postmaster(running.directory, instance["DbiResourceId"])
    finally:
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    assert psutil.pid_exists(postmaster)
    found = processes_in(place)
    assert postmaster in {process.pid for process in found}
    assert reap(place) == len(found)
    assert processes_in(place) == []


def test_a_cloud_that_is_told_to_end_leaves_no_server(place: Path) -> None:
    started = start_cloud(place)
    running = started.ready()
    own = Rds(lambda service, region: make_client(running.endpoint, service, region), running.ca_certificate)
    own.create(unique("orderly"), BackupRetentionPeriod=1)
    own(EAST).create_db_instance(
        DBInstanceIdentifier=unique("half-made"),
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="someone",
        MasterUserPassword=PASSWORD,
    )
    assert started.stop() == 0
    assert processes_in(place) == []


def test_servers_do_not_run_as_root_and_carry_the_mark_of_the_sandbox(rds: Rds, cloud: RunningCloud) -> None:
    instance = rds.create(unique("owner"))
    process = psutil.Process(_postmaster(cloud.directory, instance["DbiResourceId"]))
    expected = os.geteuid()
    assert process.uids().effective == expected if expected != 0 else process.username() == "nobody"
    assert process.environ()["GOLIATH_SANDBOX"] == str(cloud.directory.parent)
    rds.delete(instance["DBInstanceIdentifier"])
    until(lambda: not process.is_running())


def _postmaster(directory: Path, resource_id: str) -> int:
    pid_file = directory / "rds" / EAST / "servers" / resource_id / "data" / "postmaster.pid"
    return int(pid_file.read_text().splitlines()[0])
