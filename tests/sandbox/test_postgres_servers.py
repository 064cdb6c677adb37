"""Real servers: started, killed, cloned through a link that can break, copied, restored to a time."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
from pathlib import Path

import psycopg
import pytest

from sandbox.errors import SandboxError
from sandbox.postgres import installation, replica, snapshot, transfer
from sandbox.postgres.account import Account
from sandbox.postgres.archive import Archive, OutsideWindowError
from sandbox.postgres.link import RegionLink
from sandbox.postgres.processes import processes_in
from sandbox.postgres.server import PostgresServer, StartError
from sandbox.postgres.settings import Settings
from tests.sandbox.cloud_fixtures import until
from tests.sandbox.postgres_helpers import Machine, counting, execute, machine_fixture, value

machine = machine_fixture


@pytest.fixture(scope="module")
def primary(machine: Machine) -> PostgresServer:
    return machine.primary("primary")


@pytest.fixture(scope="module")
def link(machine: Machine) -> RegionLink:
    return RegionLink(machine.loop, "here", "there")


@pytest.fixture(scope="module")
def standby(machine: Machine, primary: PostgresServer, link: RegionLink) -> PostgresServer:
    server = machine.server("standby")
    upstream = replica.clone(server, link.port(primary.port))
    server.configure(Settings(upstream=upstream))
    server.start()
    until(lambda: replica.replication(server).streaming)
    return server


def _shared_memory() -> set[str]:
    listed = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in listed}


def test_a_cut_link_stops_replication_and_nothing_is_lost_when_it_is_back(
    primary: PostgresServer, standby: PostgresServer, link: RegionLink
) -> None:
    before = value(primary, "SELECT count(*) FROM t")
    assert isinstance(before, int)
    link.cut()
    until(lambda: not replica.replication(standby).streaming)
    execute(primary, "INSERT INTO t SELECT generate_series(1, 10)")
    assert counting(standby, before)()
    link.restore()
    until(counting(standby, before + 10))


def test_a_slow_link_still_carries_everything_in_order(
    primary: PostgresServer, standby: PostgresServer, link: RegionLink
) -> None:
    link.set_latency(50)
    execute(primary, "CREATE TABLE late AS SELECT generate_series(1, 20000) AS i")
    until(lambda: value(standby, "SELECT to_regclass('late') IS NOT NULL") is True)
    link.set_latency(0)
    assert value(standby, "SELECT sum(i) FROM late") == 20000 * 20001 // 2


def test_a_replica_writes_only_after_its_promotion(machine: Machine, primary: PostgresServer) -> None:
    server = machine.server("promoted")
    server.configure(Settings(upstream=_cloned(server, primary)))
    server.start()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        execute(server, "INSERT INTO t VALUES (0)")
    server.promote()
    execute(server, "INSERT INTO t VALUES (0)")


def _cloned(server: PostgresServer, source: PostgresServer) -> replica.Upstream:
    return replica.clone(server, source.port)


def test_a_killed_server_leaves_no_process_and_no_shared_memory_and_comes_back_with_its_rows(
    machine: Machine,
) -> None:
    server = machine.primary("killed")
    execute(server, "INSERT INTO t VALUES (1)")
    segment = (server.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
    assert segment in _shared_memory()
    server.kill()
    assert processes_in(server.data) == []
    assert segment not in _shared_memory()
    server.start()
    assert counting(server, 1)()
    server.remove()
    assert not server.directory.exists()


def test_orphans_of_a_killed_postmaster_do_not_stand_in_the_way(machine: Machine) -> None:
    server = machine.primary("orphaned")
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, 9)
    until(lambda: not server.is_running)
    server.start()
    assert counting(server, 0)()
    server.remove()


def test_a_server_that_does_not_start_says_why(machine: Machine) -> None:
    server = machine.server("broken")
    server.initialise()
    server.configure(Settings(parameters={"shared_preload_libraries": "no_such_library"}))
    with pytest.raises(StartError, match="no_such_library"):
        server.start()
    assert processes_in(server.data) == []


def test_a_replica_takes_the_limits_of_its_source_and_one_that_is_set_below_them_does_not_start(
    machine: Machine,
) -> None:
    source = machine.primary("wide", Settings(parameters={"max_connections": "80"}))
    server = machine.server("narrow")
    upstream = replica.clone(server, source.port)
    server.configure(Settings(upstream=upstream))
    server.start()
    assert value(server, "SHOW max_connections") == "80"
    server.configure(Settings(upstream=upstream, parameters={"max_connections": "40"}))
    with pytest.raises(StartError, match="max_connections"):
        server.restart()
    source.stop()


def test_a_closed_server_does_not_start_again(machine: Machine) -> None:
    server = machine.primary("closed")
    server.close()
    with pytest.raises(SandboxError, match="going down"):
        server.start()


def test_a_clone_that_breaks_off_leaves_nothing(machine: Machine, primary: PostgresServer, link: RegionLink) -> None:
    port = link.port(primary.port)
    link.cut()
    try:
        with pytest.raises(SandboxError, match="pg_basebackup"):
            snapshot.take(machine.environment, port, machine.root / "never")
    finally:
        link.restore()
    assert not (machine.root / "never").exists()


# -- files to the other region ----------------------------------------------------------------------------------------


def _offered(machine: Machine, link: RegionLink, name: str) -> tuple[transfer.FileServer, Path, int]:
    account = machine.environment.installation.account
    directory = account.make_directory(machine.root / name)
    account.write_private(directory / "one", "first")
    account.write_private(directory / "two", "second")
    files = transfer.FileServer(account, machine.root / f"{name}-scratch")
    return files, directory, link.port(files.port)


def test_files_arrive_whole_and_a_ticket_is_good_once(machine: Machine, link: RegionLink) -> None:
    files, directory, port = _offered(machine, link, "offered")
    account = machine.environment.installation.account
    ticket = files.offer(directory)
    transfer.fetch(port, ticket, machine.root / "fetched", account)
    assert {path.name: path.read_text() for path in (machine.root / "fetched").iterdir()} == {
        "one": "first",
        "two": "second",
    }
    with pytest.raises(SandboxError, match="broke off"):
        transfer.fetch(port, ticket, machine.root / "again", account)
    assert not (machine.root / "again").exists()
    files.close()
    with pytest.raises(SandboxError, match="gone"):
        _ = files.port


def test_a_file_that_cannot_be_read_makes_the_transfer_fail(machine: Machine, link: RegionLink) -> None:
    files, directory, port = _offered(machine, link, "missing")
    account = machine.environment.installation.account
    with pytest.raises(SandboxError, match="broke off"):
        transfer.fetch(port, files.offer(directory, ["one", "three"]), machine.root / "partial", account)
    assert not (machine.root / "partial").exists()
    files.close()


def test_nothing_passes_a_cut_link(machine: Machine, link: RegionLink) -> None:
    files, directory, port = _offered(machine, link, "cut-off")
    link.cut()
    try:
        with pytest.raises(SandboxError, match="broke off"):
            transfer.fetch(port, files.offer(directory), machine.root / "no", machine.environment.installation.account)
    finally:
        link.restore()
    files.close()


# -- points in time ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archived(machine: Machine) -> tuple[PostgresServer, Archive]:
    archive = Archive(machine.environment, machine.root / "archive")
    archive.prepare()
    server = machine.primary("archived", Settings(archive=archive.incoming))
    assert archive.window is None
    archive.take_base(server.port)
    archive.advance(server)
    return server, archive


def _restored(machine: Machine, archive: Archive, name: str, moment: datetime.datetime) -> PostgresServer:
    server = machine.server(name)
    server.prepare_directory()
    target = archive.restore(moment, server.data)
    server.configure(Settings(recovery_target=target))
    server.start()
    return server


def test_a_time_between_two_commits_has_the_first_and_not_the_second(
    machine: Machine, archived: tuple[PostgresServer, Archive]
) -> None:
    server, archive = archived
    execute(server, "INSERT INTO t VALUES (1)")
    moment = value(server, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime.datetime)
    execute(server, "DELETE FROM t")
    archive.advance(server)
    restored = _restored(machine, archive, "between", moment)
    assert counting(restored, 1)()
    execute(restored, "INSERT INTO t VALUES (2)")


def test_the_ends_of_the_window_can_be_restored_and_what_lies_outside_is_refused(
    machine: Machine, archived: tuple[PostgresServer, Archive]
) -> None:
    _, archive = archived
    window = archive.window
    assert window is not None
    for name, moment in (("earliest", window.earliest), ("latest", window.latest)):
        assert value(_restored(machine, archive, name, moment), "SELECT pg_is_in_recovery()") is False
    for moment in (
        window.earliest - datetime.timedelta(milliseconds=1),
        window.latest + datetime.timedelta(milliseconds=1),
    ):
        with pytest.raises(OutsideWindowError, match="restorable are"):
            archive.restore(moment, machine.root / "outside")
    assert not (machine.root / "outside").exists()


def test_a_missing_segment_is_an_error_and_not_a_database_of_an_earlier_time(
    machine: Machine, archived: tuple[PostgresServer, Archive]
) -> None:
    server, archive = archived
    execute(server, "INSERT INTO t VALUES (3)")
    archive.advance(server)
    # the window is told in whole milliseconds
    moment = value(server, "SELECT date_trunc('milliseconds', clock_timestamp())")
    assert isinstance(moment, datetime.datetime)
    archive.advance(server)
    newest = max(archive.segments(), key=lambda path: path.name)
    hidden = newest.rename(newest.with_suffix(".hidden"))
    try:
        with pytest.raises(StartError, match="recovery ended before configured recovery target was reached"):
            _restored(machine, archive, "gap", moment)
    finally:
        hidden.rename(newest)


# -- where the binaries are -------------------------------------------------------------------------------------------


def test_servers_listen_on_loopback_only(primary: PostgresServer) -> None:
    assert value(primary, "SHOW listen_addresses") == "127.0.0.1"
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", primary.port))


def test_binaries_that_the_account_cannot_reach_are_copied_to_where_it_can(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user reaches what is his own")
    hidden = tmp_path / "home"
    shutil.copytree(machine.environment.installation.root, hidden / "pginstall", symlinks=True)
    hidden.chmod(0o700)
    monkeypatch.setattr(installation, "_packaged", lambda: hidden / "pginstall")
    made = installation.Installation.prepare(machine.root / "copied", Account.for_postgres())
    assert made.root == machine.root / "copied" / "pginstall"
    assert made.run("postgres", ["--version"], directory=made.root).startswith("postgres (PostgreSQL) 17")
