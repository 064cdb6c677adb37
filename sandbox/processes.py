"""The sandbox's processes: found again after a kill -9 of everything, and ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

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

    By the marker in the environment; PostgreSQL's backends write their title over theirs and are known by their name
    and their working directory, which is the data directory.
    """
    return [process for process in psutil.process_iter() if _belongs(process, root)]


def _belongs(process: psutil.Process, root: Path) -> bool:
    if process.pid == psutil.Process().pid:
        return False
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARKER) == str(root):
            return True
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
        return process.name() == "postgres" and Path(process.cwd()).is_relative_to(root)
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
    return len(seen)


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
