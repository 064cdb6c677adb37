"""Throw a sandbox away: every process, port and file, also after a kill."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox import processes, workspace
from sandbox.paths import SandboxPaths
from sandbox.place import exclusive


@dataclass(frozen=True)
class Down:
    """What was thrown away."""

    processes: int
    existed: bool


def down(paths: SandboxPaths) -> Down:
    """End its processes and remove its directory. Nothing there is success."""
    with exclusive(paths):
        ended = processes.reap(paths.root)
        existed = paths.root.exists()
        if existed:
            workspace.remove(paths)
    return Down(ended, existed)
