"""Small parts of the sandbox that need no server."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import environment, processes
from sandbox.cloud_process import CloudInfo
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths
from sandbox.place import default_root, exclusive, place, stamp


def test_only_marked_processes_are_found_and_reaped(tmp_path: Path) -> None:
    def sleeper(marker: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"],
            env={**os.environ, processes.MARKER: marker},
            stdout=subprocess.PIPE,
        )

    ours, theirs = sleeper(str(tmp_path)), sleeper(str(tmp_path / "other"))
    try:
        for child in (ours, theirs):
            assert child.stdout is not None
            child.stdout.readline()
        assert [process.pid for process in processes.find(tmp_path)] == [ours.pid]
        assert processes.reap(tmp_path) == 1
        assert processes.find(tmp_path) == []
        assert theirs.poll() is None
    finally:
        for child in (ours, theirs):
            child.kill()
            child.communicate()


def test_a_process_that_ignores_termination_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.2)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    child = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, processes.MARKER: str(tmp_path)}, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    assert processes.reap(tmp_path) == 1
    assert processes.find(tmp_path) == []
    child.communicate()


def test_two_at_once_are_told_of_each_other(tmp_path: Path) -> None:
    paths = SandboxPaths(tmp_path / "sandbox")
    with exclusive(paths), pytest.raises(SandboxError, match=str(os.getpid())) as caught, exclusive(paths):
        pass
    assert caught.value.exit_code == 3


def test_the_lock_of_nothing_leaves_no_file(tmp_path: Path) -> None:
    paths = SandboxPaths(tmp_path / "sandbox")
    with exclusive(paths):
        assert paths.lock.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SandboxError, match="--directory"):
        place(tmp_path)


def test_a_stamped_directory_is_a_sandboxs(tmp_path: Path) -> None:
    stamp(place(tmp_path / "new"))
    (tmp_path / "new" / "anything").touch()
    assert place(tmp_path / "new").root == (tmp_path / "new").resolve()


def test_the_default_place_can_be_reached_by_nobody() -> None:
    for parent in default_root().parents:
        assert parent.stat().st_mode & 0o001


def test_the_exports_survive_a_shell_and_a_second_eval_changes_nothing(tmp_path: Path) -> None:
    paths = SandboxPaths(tmp_path / "it's a place")
    exports = environment.exports(paths, CloudInfo(1, "http://127.0.0.1:1", tmp_path / "ca.pem"))
    script = environment.shell(exports)
    twice = f"eval {shlex.quote(script)} && eval {shlex.quote(script)}"
    command = f'{twice} && printf %s "$DR_PROJECT|$PATH|${{AWS_PROFILE-unset}}"'
    done = subprocess.run(
        ["bash", "-euc", command], env={**os.environ, "AWS_PROFILE": "mine"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{paths.workspace}|{exports['PATH']}|unset"
