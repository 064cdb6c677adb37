"""The Pulumi CLI, which is the engine of the sandbox: the one on PATH if it is suitable, else our own build."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from sandbox.toolchain.builder import build_once
from sandbox.toolchain.program import GoProgram, Toolchain
from sandbox.toolchain.progress import Progress, open_progress
from sandbox.toolchain.version import VersionError, ask_version

VERSION: Final = "v3.274.1"
PULUMI: Final = GoProgram(
    name="pulumi",
    version=VERSION,
    module=Path(__file__).with_name("pulumi"),
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    linker_flags=f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={VERSION}",
    disk_bytes=2_500_000_000,  # 1.7 GB of compilation cache, the rest for the linker and the result
    expectation="about 6 minutes on two cores",
)
ASK_TIMEOUT: Final = 15.0
"""Seconds for a ``pulumi`` on PATH to print its version."""

_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def ensure_pulumi(
    progress: Progress | None = None, toolchain: Toolchain | None = None, timeout: float = ASK_TIMEOUT
) -> Path:
    """The executable, as an absolute path without symbolic links.

    Taken from PATH when it has the pinned major version and at least the pinned minor one (then its own Python
    language host may lie beside it); else from the user's cache, built first if need be.
    ``progress``: shown on standard error unless told. ``timeout``: seconds for the one on PATH to print its version.
    Raises ``SandboxError`` (``ToolchainExit``).
    """
    toolchain = toolchain or Toolchain.of_user()
    if progress is not None:
        return _from_path(progress, toolchain, timeout) or build_once(PULUMI, toolchain, progress)
    with open_progress() as shown:
        return _from_path(shown, toolchain, timeout) or build_once(PULUMI, toolchain, shown)


def _from_path(progress: Progress, toolchain: Toolchain, timeout: float) -> Path | None:
    found = shutil.which(PULUMI.name)
    if found is None:
        return None
    executable = Path(found).resolve()
    if executable == toolchain.executable(PULUMI):  # by way of the sandbox's own bin directory
        return executable
    try:
        version = ask_version(executable, ["version"], timeout)
    except VersionError as error:
        progress.say(f"{found} does not print its version ({error}): it is not used.")
        return None
    if is_suitable(version):
        return executable
    progress.say(f"{found} is {version[:40]!r}, {VERSION} or a newer v3 is needed: it is not used.")
    return None


def is_suitable(version: str) -> bool:
    """Whether a CLI of ``version`` may stand in for the pinned one."""
    have, need = _NUMBERS.match(version), _NUMBERS.match(VERSION)
    if have is None or need is None:
        return False
    return have[1] == need[1] and int(have[2]) >= int(need[2])
