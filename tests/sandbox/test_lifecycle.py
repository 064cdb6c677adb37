"""The sandbox comes up whole or not at all, and goes away without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from sandbox import processes
from tests.sandbox.running import Running, clean_environment, run

pytestmark = pytest.mark.engine


def _traces(sandbox: Running) -> list[object]:
    return [*processes.find(sandbox.directory), *sandbox.directory.parent.iterdir()]


def _listening(sandbox: Running) -> set[int]:
    ports = set()
    for process in processes.find(sandbox.directory):
        ports |= {item.laddr.port for item in process.net_connections("tcp") if item.status == psutil.CONN_LISTEN}
    return ports


def test_down_leaves_no_process_port_or_file(empty_place: Running) -> None:
    assert empty_place.up().code == 0
    ports = _listening(empty_place)
    assert ports, "a sandbox that is up listens somewhere"
    assert empty_place.down().code == 0
    assert _traces(empty_place) == []
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_after_a_kill_of_everything_down_leaves_nothing_and_up_works_again(empty_place: Running) -> None:
    assert empty_place.up().code == 0
    _make_a_database(empty_place)
    killed = processes.find(empty_place.directory)
    assert any(process.name() == "postgres" for process in killed)
    for process in killed:
        process.kill()
    assert empty_place.down().code == 0
    assert _traces(empty_place) == []
    assert empty_place.up().code == 0


def test_up_clears_away_what_a_killed_cloud_left(empty_place: Running) -> None:
    assert empty_place.up().code == 0
    _make_a_database(empty_place)
    status = json.loads(run(["dr", "sandbox", "status", "--json", "--directory", str(empty_place.directory)]).out)
    assert status["up"] is True
    cloud = json.loads((empty_place.directory / "cloud" / "cloud.json").read_text(encoding="utf-8"))["pid"]
    os.kill(cloud, signal.SIGKILL)
    result = empty_place.up()
    assert result.code == 0, result.text
    assert "killed" in result.err
    assert not empty_place.client("rds", "us-east-1").describe_db_instances()["DBInstances"]


def test_a_second_sandbox_in_the_same_place_is_refused_and_the_first_goes_on(empty_place: Running) -> None:
    assert empty_place.up().code == 0
    second = run(["dr", "sandbox", "up", "--directory", str(empty_place.directory)])
    assert second.code == 3
    assert "already up" in second.err
    assert empty_place.client("sts", "us-east-1").get_caller_identity()["Account"] == "123456789012"
    assert run(["dr", "sandbox", "up", "--reuse", "--directory", str(empty_place.directory)]).code == 0


def test_a_port_in_use_is_named_and_nothing_is_left(empty_place: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(["dr", "sandbox", "up", "--port", str(port), "--directory", str(empty_place.directory)])
    assert result.code != 0
    assert str(port) in result.err
    assert "Traceback" not in result.text
    assert _traces(empty_place) == []


def test_a_directory_with_other_files_is_never_taken_or_removed(empty_place: Running) -> None:
    empty_place.directory.mkdir()
    precious = empty_place.directory / "thesis.txt"
    precious.write_text("mine", encoding="utf-8")
    for verb in ("up", "down"):
        result = run(["dr", "sandbox", verb, "--directory", str(empty_place.directory)])
        assert result.code == 2
        assert "thesis" not in result.text
        assert precious.read_text(encoding="utf-8") == "mine"
    precious.unlink()


def test_interrupted_up_leaves_nothing(empty_place: Running) -> None:
    command = subprocess.Popen(
        ["dr", "sandbox", "up", "--directory", str(empty_place.directory)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _until_exists(empty_place.directory / "workspace", command)
    os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 130, err
    assert "Traceback" not in err
    assert _traces(empty_place) == []


def test_env_without_a_sandbox_says_what_to_do(empty_place: Running) -> None:
    result = run(["dr", "sandbox", "env", "--directory", str(empty_place.directory)])
    assert result.code == 1
    assert "dr sandbox up" in result.err
    assert result.out == ""


def test_neither_pulumi_nor_go_is_one_clear_sentence(empty_place: Running, tmp_path: Path) -> None:
    bare = {**clean_environment(), "PATH": f"{tmp_path}", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "c")}
    dr = Path(clean_environment()["PATH"].split(os.pathsep)[0]) / "dr"
    result = run([str(dr), "sandbox", "up", "--directory", str(empty_place.directory)], bare)
    assert result.code != 0
    assert "Traceback" not in result.text
    assert "Go" in result.err
    assert "pulumi" in result.err.lower()
    assert _traces(empty_place) == []


def test_the_tracked_stack_files_are_never_changed(empty_place: Running) -> None:
    root = Path(__file__).resolve().parents[2]
    files = sorted(root.glob("Pulumi*.yaml"))
    before = {file: file.read_bytes() for file in files}
    assert len(files) == 3
    assert empty_place.up().code == 0
    empty_place.must("pulumi", "config", "set", "epoch", "7", "-s", "primary")
    assert {file: file.read_bytes() for file in files} == before


def _make_a_database(sandbox: Running) -> None:
    rds = sandbox.client("rds", "us-east-1")
    rds.create_db_instance(
        DBInstanceIdentifier="some-database",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="someone",
        MasterUserPassword="a-password-of-a-test",
        AllocatedStorage=20,
    )
    deadline = time.monotonic() + 60
    while rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _until_exists(path: Path, command: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
