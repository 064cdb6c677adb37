"""A sandbox for tests, driven as a user drives it: by commands in a shell's environment."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def clean_environment() -> dict[str, str]:
    """The tests' own settings of AWS, PostgreSQL and Pulumi do not reach the commands."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PG", "PULUMI_", "DR_"))}
    return {**kept, "PATH": os.pathsep.join([str(BIN), kept.get("PATH", os.defpath)])}


def run(arguments: list[str], environment: Mapping[str, str] | None = None, *, timeout: float = 600) -> Result:
    """Run a command to its end; a test's command that hangs is killed."""
    done = subprocess.run(
        arguments,
        env=dict(environment or clean_environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def new_directory() -> Path:
    """A directory name that PostgreSQL can reach when it runs as nobody: pytest's own are not."""
    parent = Path(tempfile.mkdtemp(prefix="goliath-test-"))
    parent.chmod(0o711)
    return parent / "sandbox"


@dataclass
class Running:
    """One sandbox that is up."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    def up(self, *options: str) -> Result:
        """``dr sandbox up``; then the environment that ``dr sandbox env`` prints."""
        result = run(["dr", "sandbox", "up", "--directory", str(self.directory), *options])
        if result.code == 0:
            self.environment = self._exports()
        return result

    def down(self) -> Result:
        return run(["dr", "sandbox", "down", "--directory", str(self.directory)])

    def run(self, *arguments: str) -> Result:
        """A command in the sandbox's environment, from a directory that has nothing to do with the project."""
        return run(list(arguments), self.environment)

    def must(self, *arguments: str) -> Result:
        result = self.run(*arguments)
        assert result.code == 0, f"{shlex.join(arguments)} ended with {result.code}:\n{result.text}"
        return result

    def client(self, service: str, region: str) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def _exports(self) -> dict[str, str]:
        script = f'eval "$(dr sandbox env --directory {shlex.quote(str(self.directory))})" && env -0'
        done = run(["bash", "-euc", script])
        assert done.code == 0, done.text
        return dict(item.split("=", 1) for item in done.out.split("\0") if "=" in item)
