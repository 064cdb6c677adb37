"""The environment variables with which `pulumi`, `aws`, `psql` and `dr` work on the sandbox."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from sandbox.cloud_process import CloudInfo
from sandbox.engine.environment import UNSET as ENGINE_UNSET
from sandbox.engine.environment import engine_environment
from sandbox.paths import SandboxPaths
from sandbox.processes import MARKER

UNSET = (*ENGINE_UNSET, "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_REGION")
"""A profile or a session of the user's must not mix with the sandbox's credentials."""


def engine(paths: SandboxPaths, passphrase: Path) -> dict[str, str]:
    """A whole environment for `pulumi` commands that touch the state only."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    return {**kept, **_pulumi(paths, passphrase, kept.get("PATH", os.defpath)), MARKER: str(paths.root)}


def exports(paths: SandboxPaths, cloud: CloudInfo) -> dict[str, str]:
    """What `dr sandbox env` prints."""
    passphrase = paths.secrets / "passphrase"
    return {
        **_pulumi(paths, passphrase, os.environ.get("PATH", os.defpath)),
        "DR_PROJECT": str(paths.workspace),
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(cloud.ca_certificate),
    }


def shell(variables: dict[str, str]) -> str:
    """Lines for `eval`."""
    lines = [f"unset {' '.join(UNSET)}", *(f"export {key}={shlex.quote(value)}" for key, value in variables.items())]
    return "\n".join(lines)


def _pulumi(paths: SandboxPaths, passphrase: Path, path: str) -> dict[str, str]:
    # `dr` and `aws` of this installation come with the sandbox's pulumi; a second `eval` must not lengthen PATH
    tools = str(Path(sys.executable).parent)
    rest = [entry for entry in path.split(os.pathsep) if entry != tools]
    return engine_environment(paths, passphrase, os.pathsep.join([tools, *rest]))
