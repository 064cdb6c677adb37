"""Fixtures that run the real engine; a pytest plugin, whose fixtures may be imported as well."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.engine.environment import UNSET, engine_environment
from sandbox.engine.plugins import install
from sandbox.paths import SandboxPaths
from sandbox.toolchain.pulumi import ensure_pulumi

TIMEOUT = 120.0
"""Seconds after which a command of the engine counts as hanging."""


@pytest.fixture(scope="session")
def pulumi_cli() -> Path:
    """The engine: from PATH, or from the user's cache, built there first (minutes) on a machine that never had it."""
    return ensure_pulumi()


@dataclass(frozen=True)
class EngineProject:
    """A Pulumi project whose program lies elsewhere, with a PULUMI_HOME and a state of its own."""

    paths: SandboxPaths
    program: Path

    def write(self, source: str, name: str = "__main__.py") -> None:
        """Write a file of the program."""
        (self.program / name).write_text(source)

    def variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        passphrase = self.paths.secrets / "passphrase"
        return {
            **kept,
            **engine_environment(self.paths, passphrase, kept.get("PATH", os.defpath)),
            "GOLIATH_SANDBOX": str(self.paths.root),
        }

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the plain command, in a directory that has nothing to do with the project."""
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd="/",
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the plain command in a process group of its own, as a shell would."""
        return subprocess.Popen(
            ["pulumi", *arguments],
            cwd="/",
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )


@pytest.fixture
def engine_project(tmp_path: Path, pulumi_cli: Path) -> Callable[[str], EngineProject]:
    """Makes a project with the given program and an empty stack ``primary``."""

    def make(source: str) -> EngineProject:
        paths = SandboxPaths(tmp_path / "sandbox")
        for directory in (paths.state, paths.workspace, paths.secrets):
            directory.mkdir(parents=True)
        paths.secrets.chmod(0o700)
        passphrase = paths.secrets / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_text("correct horse battery staple\n")
        program = tmp_path / "program"
        program.mkdir()
        (paths.workspace / "Pulumi.yaml").write_text(f"name: tiny\nruntime: python\nmain: {program}\n")
        install(paths.pulumi_home, pulumi_cli)
        project = EngineProject(paths, program)
        project.write(source)
        project.pulumi("stack", "init", "primary")
        return project

    return make
