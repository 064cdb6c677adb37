"""The sandbox's processes: found again after a kill -9 of everything, and ended."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from sandbox.postgres import processes as postgres

MARKER: Final = "GOLIATH_SANDBOX"
"""Environment variable that every process of a sandbox inherits; its value is the sandbox's root."""

TERM_SECONDS: Final = 10.0
"""How long a process may take to end by itself: PostgreSQL's fast shutdown writes a checkpoint."""


@dataclass(frozen=True)
class SandboxProcess:
    """One process of a sandbox as a user sees it. Memory in bytes: its own share of what it uses (PSS) on Linux."""

    pid: int
    name: str
    memory: int


def find(root: Path) -> list[psutil.Process]:
    """Every live process of the sandbox in ``root`` but this one.

    By the marker in the environment; PostgreSQL's own write their title over theirs and are known by where they run.
    """
    found = {process.pid: process for process in postgres.processes_in(root)}
    found |= {process.pid: process for process in psutil.process_iter() if _is_marked(process, root)}
    return list(found.values())


def _is_marked(process: psutil.Process, root: Path) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
        alive = process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
        return alive and process.environ().get(MARKER) == str(root)
    return False


def reap(root: Path) -> int:
    """End every process of the sandbox: politely, then not. Returns how many there were."""
    seen: set[int] = set()
    deadline = time.monotonic() + TERM_SECONDS
    polite = True
    while processes := find(root):
        seen |= {process.pid for process in processes}
        if time.monotonic() > deadline:
            polite = False
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                _end(process, polite=polite)
        psutil.wait_procs(processes, timeout=1.0)
    return len(seen) + postgres.reap(root)  # which also releases the shared memory of killed servers


def _end(process: psutil.Process, *, polite: bool) -> None:
    if not polite:
        process.kill()
    elif process.name() == "postgres":
        process.kill()  # its data goes with the sandbox: a clean shutdown would only cost time
    else:
        process.terminate()


def describe(root: Path) -> Iterator[SandboxProcess]:
    """What runs, for a status."""
    for process in find(root):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            yield SandboxProcess(process.pid, process.name(), _memory(process))


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.AccessDenied, AttributeError):
        return int(process.memory_full_info().pss)
    return int(process.memory_info().rss)
