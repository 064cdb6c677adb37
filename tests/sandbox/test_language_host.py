"""The plain ``pulumi`` command runs Python programs by our language host as it would by the official one."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.sandbox.engine_fixtures import EngineProject, engine_project, pulumi_cli

__all__ = ["engine_project", "pulumi_cli"]  # fixtures
pytestmark = pytest.mark.engine
MakeProject = Callable[[str], EngineProject]
DEADLINE = 60.0

OUTPUTS = """
import pulumi
config = pulumi.Config()
pulumi.export("greeting", "hello " + config.require("name"))
pulumi.export("key", config.require_secret("key"))
pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
print("printed in", "preview" if pulumi.runtime.is_dry_run() else "update")
"""


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE:.0f} s for {what}"
        time.sleep(0.05)


def processes_of(project: EngineProject) -> list[psutil.Process]:
    """Everything that was started with the sandbox's environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("GOLIATH_SANDBOX") == str(project.paths.root):
                found.append(process)
        except psutil.Error:  # not ours, or gone meanwhile
            continue
    return found


def test_up_preview_refresh_and_destroy_work_from_any_directory_and_keep_secrets(
    engine_project: MakeProject, tmp_path: Path
) -> None:
    project = engine_project(OUTPUTS)
    project.pulumi("config", "set", "-s", "primary", "name", "world")
    project.pulumi("config", "set", "-s", "primary", "--secret", "key", "tell-no-one")

    preview = project.pulumi("preview", "-s", "primary").stdout
    assert "printed in preview" in preview
    assert "hello world" in preview
    assert "warning" not in preview

    up = project.pulumi("up", "-s", "primary", "--yes").stdout
    assert "printed in preview" in up
    assert "printed in update" in up
    assert "tell-no-one" not in up
    outputs = json.loads(project.pulumi("stack", "output", "-s", "primary", "--json", "--show-secrets").stdout)
    assert outputs == {"greeting": "hello world", "key": "tell-no-one", "stack": "organization/tiny/primary"}

    for file in (path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()):
        assert b"tell-no-one" not in file.read_bytes(), file

    assert "1 unchanged" in project.pulumi("up", "-s", "primary", "--yes").stdout
    project.pulumi("refresh", "-s", "primary", "--yes")
    assert "1 deleted" in project.pulumi("destroy", "-s", "primary", "--yes").stdout
    assert processes_of(project) == []


def test_a_program_reads_the_outputs_of_another_stack(engine_project: MakeProject) -> None:
    project = engine_project(
        """
import pulumi
if pulumi.get_stack() == "primary":
    pulumi.export("role", "active")
else:
    peer = {"name": "organization/tiny/primary"}
    known_at_once = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", peer).value["outputs"]
    pulumi.export("at_once", known_at_once["role"])
    pulumi.export("later", pulumi.StackReference(peer["name"]).get_output("role"))
"""
    )
    project.pulumi("up", "-s", "primary", "--yes")
    project.pulumi("stack", "init", "secondary")
    project.pulumi("up", "-s", "secondary", "--yes")
    outputs = json.loads(project.pulumi("stack", "output", "-s", "secondary", "--json").stdout)
    assert outputs == {"at_once": "active", "later": "active"}


def test_a_resource_is_imported_refreshed_and_destroyed(engine_project: MakeProject) -> None:
    project = engine_project("")
    provider = project.paths.pulumi_home / "plugins" / "resource-tiny-v1.0.0" / "pulumi-resource-tiny"
    provider.parent.mkdir()
    provider.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("tiny_provider.py")} "$@"\n')
    provider.chmod(0o755)
    imported = project.pulumi(
        "import", "tiny:index:Thing", "thing", "an-id", "-s", "primary", "--yes", "--protect=false"
    )
    assert "1 imported" in imported.stdout
    assert 'resource thing "tiny:index:Thing"' in imported.stdout
    assert 'x = "found"' in imported.stdout
    assert "error" not in imported.stdout
    project.pulumi("refresh", "-s", "primary", "--yes")
    assert "- 2 deleted" in project.pulumi("destroy", "-s", "primary", "--yes").stdout


def test_a_run_error_is_its_message_and_nothing_else(engine_project: MakeProject) -> None:
    project = engine_project('import pulumi\nraise pulumi.RunError("the peer is active: fence it first")')
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        done = project.pulumi(*command, "-s", "primary", check=False)
        assert done.returncode != 0
        diagnostics = done.stdout.partition("Diagnostics:")[2]
        assert diagnostics.count("the peer is active: fence it first") == 1
        assert "    error: the peer is active: fence it first\n" in diagnostics
        assert "Traceback" not in done.stdout
        assert "unhandled" not in done.stdout


def test_another_exception_is_a_traceback_that_starts_in_the_program(engine_project: MakeProject) -> None:
    project = engine_project("import part\n\npart.work()\n")
    project.write("def work() -> None:\n    raise ValueError('no such thing')\n", "part.py")
    done = project.pulumi("preview", "-s", "primary", check=False)
    assert done.returncode != 0
    text = " ".join(done.stdout.split())
    assert "error: Program failed with an unhandled exception: Traceback (most recent call last):" in text
    assert f'File "{project.program}/part.py", line 2, in work' in text
    assert "ValueError: no such thing" in text
    assert "runpy" not in text
    assert "language_host" not in text
    assert done.stdout.partition("Diagnostics:")[2].count("ValueError: no such thing") == 1


def test_an_exception_in_an_apply_fails_the_update(engine_project: MakeProject) -> None:
    project = engine_project('import pulumi\npulumi.export("x", pulumi.Output.from_input(0).apply(lambda n: 1 / n))\n')
    done = project.pulumi("up", "-s", "primary", "--yes", "--skip-preview", check=False)
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout


def test_a_program_that_ends_badly_fails_the_command(engine_project: MakeProject) -> None:
    project = engine_project("")
    for statement, said in (
        ("sys.exit(3)", "program exited with non-zero exit code: 3"),
        ("sys.exit('out of luck')", "out of luck"),
        ("import os; os.kill(os.getpid(), 9)", "program was ended by signal SIGKILL"),
        ("import nowhere", "No module named 'nowhere'"),
    ):
        project.write(f"import sys\n{statement}\n")
        done = project.pulumi("preview", "-s", "primary", check=False)
        assert done.returncode != 0, statement
        assert said in done.stdout
    project.write("import sys; sys.exit(0)\n")
    project.pulumi("preview", "-s", "primary")


def test_what_a_program_does_at_its_exit_is_done_and_seen(engine_project: MakeProject) -> None:
    project = engine_project(
        "import atexit, sys\natexit.register(lambda: print('last words'))\nprint('err', file=sys.stderr)"
    )
    output = project.pulumi("up", "-s", "primary", "--yes", "--skip-preview").stdout
    assert "last words" in output
    assert "err" in output


def test_every_run_of_a_program_starts_afresh(engine_project: MakeProject) -> None:
    """A module that was imported by the preview is imported again by the update."""
    project = engine_project("import part\n")
    project.write("import pulumi\npulumi.export('loaded', True)\n", "part.py")
    project.pulumi("up", "-s", "primary", "--yes")
    assert json.loads(project.pulumi("stack", "output", "-s", "primary", "--json").stdout) == {"loaded": True}


def test_modules_in_the_directory_of_the_program_do_not_stand_in_for_those_of_the_host(
    engine_project: MakeProject,
) -> None:
    project = engine_project("import logging_\n")
    project.write("", "logging_.py")
    for name in ("grpc.py", "signal.py", "socket.py", "sandbox.py"):
        project.write("raise AssertionError('imported by the host')\n", name)
    project.pulumi("preview", "-s", "primary")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_its_program_without_a_traceback(
    engine_project: MakeProject, tmp_path: Path, number: signal.Signals
) -> None:
    started = tmp_path / "started"
    project = engine_project(
        f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\nwhile True: time.sleep(0.1)\n"
    )
    command = project.start("up", "-s", "primary", "--yes", "--skip-preview")
    until(started.exists, "the program")
    os.killpg(command.pid, number)
    output, _ = command.communicate(timeout=DEADLINE)
    assert command.returncode != 0
    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output
    until(lambda: processes_of(project) == [], "every process to be gone")
    # the lock has been given back
    project.write("")
    project.pulumi("up", "-s", "primary", "--yes", "--skip-preview")


def test_nothing_outlives_an_engine_that_is_killed(engine_project: MakeProject, tmp_path: Path) -> None:
    started = tmp_path / "started"
    project = engine_project(
        f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\nwhile True: time.sleep(0.1)\n"
    )
    command = project.start("up", "-s", "primary", "--yes", "--skip-preview")
    until(started.exists, "the program")
    command.kill()
    command.communicate(timeout=DEADLINE)
    until(lambda: processes_of(project) == [], "every process to be gone")

    # its lock stays, the engine says whose it is, and "pulumi cancel" breaks it
    project.write("")
    locked = project.pulumi("up", "-s", "primary", "--yes", "--skip-preview", check=False)
    assert locked.returncode != 0
    assert "the stack is currently locked by 1 lock(s)" in locked.stdout
    assert f"(pid {command.pid})" in locked.stdout
    project.pulumi("cancel", "-s", "primary", "--yes")
    project.pulumi("up", "-s", "primary", "--yes", "--skip-preview")


def test_about_and_install_name_the_interpreter(engine_project: MakeProject) -> None:
    project = engine_project("")
    about = json.loads(project.pulumi("about", "-s", "primary", "--json").stdout)
    assert about["runtime"]["executable"] == sys.executable
    assert sys.executable in project.pulumi("install").stdout


def test_an_option_that_the_host_does_not_have_is_refused(engine_project: MakeProject) -> None:
    project = engine_project("")
    file = project.paths.workspace / "Pulumi.yaml"
    file.write_text(
        file.read_text().replace("runtime: python", "runtime: {name: python, options: {typechecker: mypy}}")
    )
    done = project.pulumi("preview", "-s", "primary", check=False)
    assert done.returncode != 0
    assert "'typechecker' in Pulumi.yaml is not supported" in done.stdout
