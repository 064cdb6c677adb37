"""The environment with which the plain ``pulumi`` command works on the sandbox, from any directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from sandbox.engine.plugins import bin_directory
from sandbox.paths import SandboxPaths

UNSET: Final = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN")
"""Must not be in the environment beside these: the first would be taken instead of the passphrase's file."""


def engine_environment(paths: SandboxPaths, passphrase: Path, path: str, python: Path | None = None) -> dict[str, str]:
    """What to set. Those for AWS are not the engine's business.

    ``passphrase``: a file, readable by its owner only, with the passphrase of the stacks' secrets. ``path``: the PATH
    to extend, in which the sandbox's ``pulumi`` comes first. ``python``: runs programs (this one unless told), also
    where the official language host is installed.
    """
    directory = str(bin_directory(paths.pulumi_home))
    others = [entry for entry in path.split(os.pathsep) if entry and entry != directory]
    return {
        "PATH": os.pathsep.join([directory, *others]),
        "PULUMI_BACKEND_URL": paths.state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        # a missing plugin is an error that names it, not a download
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(paths.pulumi_home),
        # a pulumi-resource-aws of the user on PATH would be taken first, and would reach for the real AWS
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # every flag of the CLI can be given so: -C, which lets it find the project from anywhere
        "PULUMI_OPTION_CWD": str(paths.workspace),
        "PULUMI_PYTHON_CMD": str(python or sys.executable),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
