"""Bring a sandbox up: the engine, the cloud, and two empty stacks to provision."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandbox import aws_command, cloud_process, environment, processes, workspace
from sandbox.engine.plugins import install
from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths
from sandbox.place import BUSY, exclusive, stamp

Say = Callable[[str], None]


@dataclass(frozen=True)
class Up:
    """A sandbox that is ready."""

    paths: SandboxPaths
    endpoint: str
    seconds: float
    reused: bool


def up(paths: SandboxPaths, *, port: int, pulumi: Path, reuse: bool, say: Say) -> Up:
    """Two empty regions, and stacks that can be provisioned. Leaves nothing behind when it fails.

    Raises SandboxError; ``reuse`` makes a sandbox that is already up a success.
    """
    started = time.monotonic()
    with exclusive(paths):
        running = cloud_process.info(paths)
        if running is not None and running.alive:
            if reuse:
                return Up(paths, running.endpoint, time.monotonic() - started, reused=True)
            raise SandboxError(
                f"a sandbox is already up in {paths.root} ({running.endpoint}): use it (`dr sandbox env`), throw it "
                "away (`dr sandbox down`), or give another place with --directory",
                exit_code=BUSY,
            )
        _clear(paths, say)
        try:
            endpoint = _make(paths, port, pulumi)
        except BaseException:
            processes.reap(paths.root)
            workspace.remove(paths)
            raise
    return Up(paths, endpoint, time.monotonic() - started, reused=False)


def _clear(paths: SandboxPaths, say: Say) -> None:
    """What a killed sandbox left: its cloud lived in memory, so its state describes nothing any more."""
    ended = processes.reap(paths.root)
    if paths.root.exists() and any(paths.root.iterdir()):
        say(f"clearing away a sandbox that was killed ({ended} processes left)")
        workspace.remove(paths)


def _make(paths: SandboxPaths, port: int, pulumi: Path) -> str:
    stamp(paths)
    cloud = cloud_process.start(paths, port)
    install(paths.pulumi_home, pulumi)
    aws_command.install(paths)
    name = workspace.copy(paths)
    passphrase, password = workspace.make_secrets(paths)
    paths.state.mkdir(parents=True, exist_ok=True)
    engine = environment.engine(paths, passphrase)
    with ThreadPoolExecutor(max_workers=len(workspace.STACKS)) as pool:
        list(pool.map(lambda stack: _make_stack(engine, paths, name, stack, password), workspace.STACKS))
    return cloud_process.wait(paths, cloud).endpoint


def _make_stack(engine: dict[str, str], paths: SandboxPaths, name: str, stack: str, password: str) -> None:
    _pulumi(engine, paths, ["stack", "init", stack, "--no-select"])
    # the secret goes through standard input: a process list shows arguments to everybody
    _pulumi(
        engine, paths, ["config", "set", "--secret", f"{name}:{workspace.SECRET_SETTING}", "--stack", stack], password
    )


def _pulumi(engine: dict[str, str], paths: SandboxPaths, arguments: list[str], text: str = "") -> None:
    result = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        env=engine,
        cwd=paths.workspace,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SandboxError(
            f"`pulumi {' '.join(arguments[:2])}` failed: {result.stderr.strip() or result.stdout.strip()}"
        )
