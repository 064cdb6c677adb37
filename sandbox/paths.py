"""Where one sandbox keeps everything that it writes. Nothing is written anywhere else but to the user's cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SandboxPaths:
    """The layout below ``root``.

    ``root`` is traversable by everyone (0711): PostgreSQL refuses to run as root and then runs as ``nobody``.
    Files with secrets are 0600 and lie in ``secrets`` (0700).
    """

    root: Path

    @property
    def cloud(self) -> Path:
        """What the cloud process writes: databases, certificates, request log."""
        return self.root / "cloud"

    @property
    def cloud_info(self) -> Path:
        """Written by the cloud when it is ready: pid, port, endpoint, CA certificate."""
        return self.cloud / "cloud.json"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME: plugins and credentials of the engine."""
        return self.root / "pulumi-home"

    @property
    def state(self) -> Path:
        """The file backend of the engine (PULUMI_BACKEND_URL)."""
        return self.root / "state"

    @property
    def workspace(self) -> Path:
        """A copy of Pulumi.yaml and the two stack files: tracked files are never changed by the sandbox."""
        return self.root / "workspace"

    @property
    def secrets(self) -> Path:
        """The passphrase of the state, readable by the owner only."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """Standard error of the processes that the sandbox starts."""
        return self.root / "logs"

    @property
    def lock(self) -> Path:
        """Held by whoever brings the sandbox up or down."""
        return self.root.with_name(self.root.name + ".lock")
