"""``make bench``: both sites from nothing and without change, against a provider that does nothing; time and memory.

Prints every figure with its limit, and the machine. Exit code 1 when a limit is missed.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox import cloud_process, environment, processes
from sandbox.down import down
from sandbox.engine.plugins import write_plugin
from sandbox.paths import SandboxPaths
from sandbox.toolchain.pulumi import ensure_pulumi
from sandbox.up import up

ORDER = ("primary", "secondary", "primary")
FRESH_LIMIT = 2.0
"""Times the do-nothing provider's wall time, for both sites from nothing."""
UNCHANGED_LIMIT = 1.5
READY_LIMIT = 15.0
"""Seconds from `dr sandbox up` to ready."""
MEMORY_LIMIT = 1.5 * 2**30
"""Bytes of the sandbox with both sites up."""


@dataclass(frozen=True)
class Run:
    """What one provider needed. Seconds; bytes."""

    ready: float
    fresh: float
    unchanged: float
    resources: int
    memory: int


def measure(root: Path, pulumi: Path, *, nothing: bool) -> Run:
    """A sandbox of its own: both sites from nothing, then three updates without change."""
    paths = SandboxPaths(root)
    made = up(paths, port=0, pulumi=pulumi, reuse=False, say=print)
    try:
        if nothing:
            write_plugin(paths.pulumi_home, "bench.nothing", Path(__file__).resolve().parent.parent)
        cloud = cloud_process.info(paths)
        assert cloud is not None
        variables = {**os.environ, **environment.exports(paths, cloud)}
        fresh = sum(_up(variables, site, fresh=True) for site in ORDER)
        unchanged = sum(_up(variables, site, fresh=False) for site in ORDER)
        resources = sum(_count(variables, site) for site in set(ORDER))
        memory = sum(process.memory for process in processes.describe(root))
    finally:
        down(paths)
    return Run(made.seconds, fresh, unchanged, resources, memory)


def _up(variables: dict[str, str], site: str, *, fresh: bool) -> float:
    started = time.monotonic()
    command = ["pulumi", "up", "-s", site, "--yes", "--skip-preview", "--non-interactive", "--color", "never"]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"`{' '.join(command)}` failed:\n{result.stdout}\n{result.stderr}")
    if not fresh and re.search(r"^\s+[+~-]", result.stdout, re.MULTILINE):
        sys.exit(f"an update without change changed something:\n{result.stdout}")
    return time.monotonic() - started


def _count(variables: dict[str, str], site: str) -> int:
    listing = subprocess.run(
        ["pulumi", "stack", "-s", site, "--show-ids"], env=variables, capture_output=True, text=True, check=True
    )
    found = re.search(r"Current stack resources \((\d+)\)", listing.stdout)
    assert found is not None, listing.stdout
    return int(found.group(1))


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, load {load:.1f}"
    )


def _line(what: str, value: str, limit: str, *, good: bool) -> bool:
    print(f"{what:<58} {value:>12}   limit {limit:<8} {'ok' if good else 'MISSED'}")
    return good


def main() -> int:
    """Measure, print, say whether every limit holds."""
    print(f"machine: {_machine()}")
    pulumi = ensure_pulumi()
    with tempfile.TemporaryDirectory(prefix="goliath-bench-", ignore_cleanup_errors=True) as scratch:
        base = Path(scratch)
        base.chmod(0o711)
        nothing = measure(base / "nothing", pulumi, nothing=True)
        real = measure(base / "real", pulumi, nothing=False)
    print(f"resources: {real.resources} (do-nothing provider: {nothing.resources})")
    print(f"both sites from nothing: {real.fresh:.1f} s (do-nothing provider: {nothing.fresh:.1f} s)")
    print(f"three updates without change: {real.unchanged:.1f} s (do-nothing provider: {nothing.unchanged:.1f} s)")
    fresh, unchanged = real.fresh / nothing.fresh, real.unchanged / nothing.unchanged
    results = (
        _line(
            "both sites from nothing, times the do-nothing provider",
            f"{fresh:.2f}",
            f"{FRESH_LIMIT}",
            good=fresh <= FRESH_LIMIT,
        ),
        _line(
            "without change, times the do-nothing provider",
            f"{unchanged:.2f}",
            f"{UNCHANGED_LIMIT}",
            good=unchanged <= UNCHANGED_LIMIT,
        ),
        _line("`dr sandbox up` to ready", f"{real.ready:.1f} s", f"{READY_LIMIT:g} s", good=real.ready < READY_LIMIT),
        _line(
            "memory of the sandbox with both sites up",
            f"{real.memory / 2**20:.0f} MiB",
            f"{MEMORY_LIMIT / 2**20:.0f} MiB",
            good=real.memory < MEMORY_LIMIT,
        ),
    )
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
