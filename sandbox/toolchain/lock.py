"""One build of one program at a time on this machine, whoever asks."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.toolchain.progress import Progress

POLL = 0.25
"""Seconds between two looks at a held lock: short beside a build, and a signal gets through."""


@contextmanager
def build_lock(path: Path, title: str, progress: Progress) -> Iterator[None]:
    """Hold the lock; while another process holds it, say so and wait.

    The kernel drops the lock with its holder, so that it cannot be stale. The file stays: removing it would let two
    processes lock two files of the same name.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, title, progress)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, title: str, progress: Progress) -> None:
    announced = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip()
        else:
            return
        # the holder writes its pid just after it has locked: an empty file means that it is about to
        if holder and not announced:
            progress.say(f"{title} is being built by another process (pid {holder}); its result will be used.")
            announced = True
        progress.advance(f"waiting for pid {holder or '?'}, which builds {title}", 0, 0)
        time.sleep(POLL)
