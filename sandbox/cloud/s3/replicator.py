"""The queue of replication: what waits to go from which bucket to which, and the one thread that takes it there.

Knows nothing of S3's objects: a task is delivered by a function, and a link between two regions may be down, in which
case its tasks wait ("Getting replication status information": with a Region unavailable the status stays PENDING and
replication resumes afterwards).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

log = logging.getLogger(__name__)

# How soon a link that came back is noticed.
_LINK_POLL_SECONDS = 0.1


class Kind(StrEnum):
    """What is replicated."""

    OBJECT = "object"
    DELETE_MARKER = "delete marker"
    TAGS = "tags"
    LOCK = "lock"


@dataclass(frozen=True)
class Task:
    """One operation on its way. ``size`` in bytes; ``queued`` in seconds since the epoch."""

    kind: Kind
    source: str
    destination: str
    name: str
    version_id: str
    rule_id: str
    size: int = 0
    queued: float = field(default_factory=time.time)

    @property
    def route(self) -> Route:
        return Route(self.source, self.destination, self.rule_id)


@dataclass(frozen=True)
class Route:
    """What AWS counts by: the dimensions of the metrics."""

    source: str
    destination: str
    rule_id: str


@dataclass(frozen=True)
class Backlog:
    """What waits on one route. ``latency`` is the age of its oldest task in seconds."""

    operations: int = 0
    size: int = 0
    latency: float = 0.0


class DeliveryError(Exception):
    """``reason`` as in "Amazon S3 replication failure reasons": retrying would not help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


LinkIsUp = Callable[[str, str], bool]
"""Whether anything gets from the first region to the second at the moment. Must answer at once."""


def always_up(_source: str, _destination: str) -> bool:
    return True


class Replicator:
    """``deliver`` does the work of a task, or raises DeliveryError; ``failed`` hears of those.

    ``link_is_up`` may be replaced at any time.
    """

    def __init__(
        self,
        deliver: Callable[[Task], None],
        failed: Callable[[Task, str], None],
        region_of: Callable[[str], str | None],
        link_is_up: LinkIsUp = always_up,
    ) -> None:
        self.link_is_up = link_is_up
        self._deliver = deliver
        self._failed = failed
        self._region_of = region_of
        self._lanes: dict[tuple[str, str], deque[Task]] = {}
        self._failures: Counter[Route] = Counter()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="s3-replication", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop after the task at hand; what waits is dropped with the cloud."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def submit(self, task: Task) -> None:
        """Queue a task. Tasks between the same two buckets are delivered in this order."""
        with self._changed:
            self._lanes.setdefault((task.source, task.destination), deque()).append(task)
            self._changed.notify_all()

    def backlog(self) -> Mapping[Route, Backlog]:
        """What waits now, by route; routes on which nothing waits are left out."""
        now = time.time()
        with self._changed:
            tasks = [task for lane in self._lanes.values() for task in lane]
        found: dict[Route, Backlog] = {}
        for task in tasks:
            known = found.get(task.route, Backlog())
            latency = max(known.latency, now - task.queued)
            found[task.route] = Backlog(known.operations + 1, known.size + task.size, latency)
        return found

    def take_failures(self) -> Mapping[Route, int]:
        """How many tasks failed since this was last asked."""
        with self._changed:
            failures, self._failures = self._failures, Counter()
        return failures

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether the queue became empty within ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: not any(self._lanes.values()), timeout=seconds)

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._deliver(task)
            except DeliveryError as failure:
                self._note_failure(task, failure.reason)
            except Exception:  # one task that this program cannot do must not stop all of replication
                log.exception("replicating %s/%s to %s", task.source, task.name, task.destination)
                self._note_failure(task, "InternalError")
            with self._changed:
                lane = self._lanes[task.source, task.destination]
                lane.popleft()
                # the next one comes from another lane if there is one
                self._lanes[task.source, task.destination] = self._lanes.pop((task.source, task.destination))
                if not lane:
                    del self._lanes[task.source, task.destination]
                self._changed.notify_all()

    def _note_failure(self, task: Task, reason: str) -> None:
        log.warning(
            "replication of the %s %s/%s (version %s) to %s failed: %s",
            task.kind,
            task.source,
            task.name,
            task.version_id,
            task.destination,
            reason,
        )
        with self._changed:
            self._failures[task.route] += 1
        self._failed(task, reason)

    def _next(self) -> Task | None:
        """The next task whose way is open; it stays in its lane until it is delivered. None when closing."""
        with self._changed:
            while not self._closing:
                for (source, destination), lane in self._lanes.items():
                    if self._open(source, destination):
                        return lane[0]
                self._changed.wait(timeout=_LINK_POLL_SECONDS if self._lanes else None)
        return None

    def _open(self, source: str, destination: str) -> bool:
        """A bucket that is gone is found out by delivering, not by a link."""
        regions = self._region_of(source), self._region_of(destination)
        return None in regions or self.link_is_up(regions[0] or "", regions[1] or "")
