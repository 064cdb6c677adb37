"""The cloud as a process of its own: started, waited for, asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths
from sandbox.processes import MARKER

READY_SECONDS = 60.0
"""How long the cloud may take to be ready; it needs a few seconds on a free machine."""


@dataclass(frozen=True)
class CloudInfo:
    """What the cloud wrote when it was ready."""

    pid: int
    endpoint: str
    ca_certificate: Path

    @property
    def alive(self) -> bool:
        """Whether the process that wrote it still runs (and is not another one of the same number)."""
        try:
            return "sandbox.cloud" in " ".join(psutil.Process(self.pid).cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def info(paths: SandboxPaths) -> CloudInfo | None:
    """The cloud of this sandbox; None when none was ever ready."""
    try:
        document = json.loads(paths.cloud_info.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return CloudInfo(int(document["pid"]), str(document["endpoint"]), Path(document["ca_certificate"]))


def start(paths: SandboxPaths, port: int) -> subprocess.Popen[bytes]:
    """Start it; it goes on when the caller ends. Its output goes to a log file."""
    paths.logs.mkdir(parents=True, exist_ok=True)
    paths.cloud.mkdir(parents=True, exist_ok=True)
    with (paths.logs / "cloud.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.cloud", "--directory", str(paths.cloud), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(paths),
            start_new_session=True,
            cwd="/",
        )


def _environment(paths: SandboxPaths) -> dict[str, str]:
    """Nothing of the caller's AWS settings reaches the cloud."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PG", "PULUMI_"))}
    return {**kept, MARKER: str(paths.root)}


def wait(paths: SandboxPaths, process: subprocess.Popen[bytes]) -> CloudInfo:
    """Until it is ready. Raises SandboxError with the cloud's own last words when it ends before."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        code = process.poll()
        if code is not None:
            raise SandboxError(f"the sandbox's cloud did not start: {_last_words(paths)}")
        found = info(paths)
        if found is not None and found.pid == process.pid:
            return found
        time.sleep(0.05)
    raise SandboxError(
        f"the sandbox's cloud was not ready within {READY_SECONDS:g} s ({_last_words(paths)}): "
        "try again when the machine is less busy"
    )


def _last_words(paths: SandboxPaths) -> str:
    text = (paths.logs / "cloud.log").read_text(encoding="utf-8", errors="replace").strip()
    return text.splitlines()[-1] if text else "it said nothing"
