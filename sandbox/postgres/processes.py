"""Finding PostgreSQL's processes by where they run, and ending them.

PostgreSQL overwrites its processes' environment and title, and a postmaster that is killed leaves children behind. What
remains true of each of them is its working directory (the data directory) and its executable.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from sandbox.errors import SandboxError

_KILL_TIMEOUT = 10.0
_IPC_RMID = 0
_NAMES = frozenset({"postgres", "initdb", "pg_basebackup"})


def processes_in(directory: Path) -> list[psutil.Process]:
    """Every live process of PostgreSQL whose working directory is ``directory`` or lies below it."""
    root = directory.resolve()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if process.name() in _NAMES and process.status() != psutil.STATUS_ZOMBIE and _is_below(process.cwd(), root):
                found.append(process)
    return found


def kill_all(find: Callable[[], list[psutil.Process]]) -> int:
    """kill -9 whatever ``find`` finds, until it finds nothing. Returns how many were ended."""
    ended: set[int] = set()
    deadline = time.monotonic() + _KILL_TIMEOUT
    while processes := find():
        if time.monotonic() > deadline:
            pids = ", ".join(str(process.pid) for process in processes)
            raise SandboxError(f"Processes {pids} do not end; end them by hand (kill -9) and repeat.")
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                ended.add(process.pid)
        psutil.wait_procs(processes, timeout=0.5)
    return len(ended)


def reap(directory: Path) -> int:
    """End whatever runs in ``directory`` and release what it held outside of the file system. Returns how many ended.

    For after a kill -9 as well: a killed postmaster leaves children and a segment of System V shared memory, whose
    number its pid file tells.
    """
    ended = kill_all(lambda: processes_in(directory))
    for pid_file in directory.rglob("postmaster.pid"):
        _release_shared_memory(pid_file)
    return ended


def _release_shared_memory(pid_file: Path) -> None:
    lines = pid_file.read_text().splitlines()
    numbers = lines[6].split() if len(lines) > 6 else []
    if len(numbers) == 2 and all(number.isdigit() for number in numbers):
        # It is marked for removal; an id that is not there any more, or not ours, is an error that changes nothing.
        ctypes.CDLL(None, use_errno=True).shmctl(int(numbers[1]), _IPC_RMID, None)


def _is_below(working_directory: str, root: Path) -> bool:
    path = Path(working_directory.removesuffix(" (deleted)"))
    return path == root or root in path.parents
