"""Long operations, one after the other for each instance, in threads that end when there is nothing left to do."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread

log = logging.getLogger(__name__)

Task = Callable[[], None]


class Workers:
    """One queue a key. A task that raises is logged; whoever gave it must have put the failure into a state."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Task]] = {}
        self._lock = Lock()
        self._closed = False

    def submit(self, key: str, task: Task) -> None:
        """Run ``task`` after the earlier ones of ``key``. Nothing is taken any more after close."""
        with self._lock:
            if self._closed:
                return
            queue = self._queues.get(key)
            if queue is not None:
                queue.append(task)
                return
            self._queues[key] = deque([task])
        Thread(target=self._run, args=(key,), name=f"rds {key}", daemon=True).start()

    def close(self) -> None:
        """Drop what has not begun; what runs finds its servers stopped and fails."""
        with self._lock:
            self._closed = True
            for queue in self._queues.values():
                queue.clear()

    @property
    def is_closed(self) -> bool:
        return self._closed

    def _run(self, key: str) -> None:
        while True:
            with self._lock:
                queue = self._queues[key]
                if not queue:
                    del self._queues[key]
                    return
                task = queue.popleft()
            try:
                task()
            except Exception:  # a thread has nobody to raise to
                if not self._closed:
                    log.exception("an operation on %s failed", key)
