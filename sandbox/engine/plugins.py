"""Put into a PULUMI_HOME what the engine looks for there, so that the plain ``pulumi`` command finds all of it."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.provider.version import VERSION as AWS_VERSION
from sandbox.toolchain.pulumi import VERSION as PULUMI_VERSION


@dataclass(frozen=True)
class Plugin:
    """An executable that the engine finds at ``plugins/<kind>-<name>-v<version>/pulumi-<kind>-<name>``."""

    kind: str
    name: str
    version: str
    module: str
    """What ``python -m`` starts."""

    def executable(self, pulumi_home: Path) -> Path:
        """Nothing else has to lie beside it."""
        directory = f"{self.kind}-{self.name}-v{self.version}"
        return pulumi_home / "plugins" / directory / f"pulumi-{self.kind}-{self.name}"


PLUGINS = (
    Plugin("resource", "aws", AWS_VERSION, "sandbox.provider"),
    # A host that lies beside the pulumi executable, as the official one does, is taken first. On PATH it would be
    # taken as well, but with a warning at every command.
    Plugin("language", "python", PULUMI_VERSION.removeprefix("v"), "sandbox.engine.language_host"),
)


def bin_directory(pulumi_home: Path) -> Path:
    """What ``install`` puts ``pulumi`` into."""
    return pulumi_home / "bin"


def install(pulumi_home: Path, pulumi: Path, python: Path | None = None) -> None:
    """Make ``pulumi_home`` complete. May be repeated, and by two processes at once; nothing is ever half there.

    ``pulumi``: what ``ensure_pulumi`` gives. ``python``: the interpreter of the plugins, this one unless told; not
    resolved, because its directory says which virtual environment it belongs to.
    Raises ``SandboxError`` when the directory cannot be written.
    """
    with _explained(pulumi_home):
        for plugin in PLUGINS:
            _write_executable(plugin.executable(pulumi_home), _launcher(pulumi_home, plugin.module, python))
        _link(bin_directory(pulumi_home) / "pulumi", pulumi)


def write_plugin(pulumi_home: Path, module: str, directory: Path | None = None) -> None:
    """Let ``module`` be the ``aws`` provider instead of ours. ``directory``: where it lies if it is not installed."""
    with _explained(pulumi_home):
        _write_executable(PLUGINS[0].executable(pulumi_home), _launcher(pulumi_home, module, None, directory))


@contextmanager
def _explained(pulumi_home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SandboxError(
            f"the plugins of the engine cannot be installed below {pulumi_home} ({error}): make it writable"
        ) from error


def _launcher(pulumi_home: Path, module: str, python: Path | None, directory: Path | None = None) -> str:
    """A script that becomes the plugin. Started for every command, so it sees to it that byte code is kept.

    A shebang with the interpreter would be simpler, but is limited in length and cannot contain a space.
    """
    lines = ["#!/bin/sh", "unset PYTHONDONTWRITEBYTECODE"]
    if not os.access(sysconfig.get_path("purelib"), os.W_OK):
        lines.append(f"export PYTHONPYCACHEPREFIX={shlex.quote(str(pulumi_home / 'pycache'))}")
    if directory is not None:
        lines.append(f"export PYTHONPATH={shlex.quote(str(directory))}")
    # -P: the engine starts plugins in the directory of the program, whose files must not stand in for modules
    lines.append(f'exec {shlex.quote(str(python or sys.executable))} -P -m {module} "$@"')
    return "\n".join(lines) + "\n"


def _write_executable(path: Path, content: str) -> None:
    if path.is_file() and path.read_text() == content and os.access(path, os.X_OK):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content)
    temporary.chmod(0o755)
    temporary.replace(path)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink() and path.readlink() == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
