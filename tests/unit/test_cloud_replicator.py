"""The queue of replication: order, links that are down, failures, and what is told about all that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from sandbox.cloud.s3.replicator import Backlog, DeliveryError, Kind, Replicator, Route, Task

REGIONS = {"east": "us-east-1", "west": "us-west-2", "north": "eu-north-1"}
DEADLINE = 10.0


class Recorder:
    """Takes deliveries; fails those whose name is told."""

    def __init__(self, *failing: str) -> None:
        self.delivered: list[str] = []
        self.failed: list[tuple[str, str]] = []
        self._failing = failing

    def deliver(self, task: Task) -> None:
        if task.name in self._failing:
            raise DeliveryError("DstBucketUnversioned")
        if task.name == "broken":
            raise RuntimeError("broken")
        self.delivered.append(task.name)

    def fail(self, task: Task, reason: str) -> None:
        self.failed.append((task.name, reason))


def task(name: str, source: str = "east", destination: str = "west", size: int = 10, age: float = 0) -> Task:
    return Task(Kind.OBJECT, source, destination, name, "v", "rule", size, time.time() - age)


@pytest.fixture
def start() -> Callable[..., Replicator]:
    started: list[Replicator] = []

    def begin(recorder: Recorder, link: Callable[[str, str], bool] = lambda _a, _b: True) -> Replicator:
        replicator = Replicator(recorder.deliver, recorder.fail, REGIONS.get, link)
        replicator.start()
        started.append(replicator)
        return replicator

    yield begin  # type: ignore[misc]
    for replicator in started:
        replicator.close()


def test_tasks_between_two_buckets_keep_their_order(start: Callable[..., Replicator]) -> None:
    recorder = Recorder()
    replicator = start(recorder)
    names = [str(number) for number in range(200)]
    for name in names:
        replicator.submit(task(name))
    assert replicator.wait_until_idle(DEADLINE)
    assert recorder.delivered == names


def test_a_link_that_is_down_holds_its_tasks_and_only_those(start: Callable[..., Replicator]) -> None:
    recorder, up = Recorder(), threading.Event()
    replicator = start(recorder, lambda _source, destination: destination != "us-west-2" or up.is_set())
    replicator.submit(task("1"))
    replicator.submit(task("2"))
    replicator.submit(task("north", destination="north"))
    replicator.submit(task("back", source="west", destination="east"))
    deadline = time.monotonic() + DEADLINE
    while len(recorder.delivered) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(recorder.delivered) == ["back", "north"]
    assert replicator.backlog()[Route("east", "west", "rule")].operations == 2
    up.set()
    assert replicator.wait_until_idle(DEADLINE)
    assert recorder.delivered[2:] == ["1", "2"]


def test_the_link_may_be_replaced_while_it_works(start: Callable[..., Replicator]) -> None:
    recorder = Recorder()
    replicator = start(recorder, lambda _a, _b: False)
    replicator.submit(task("1"))
    assert not replicator.wait_until_idle(0.05)
    replicator.link_is_up = lambda _a, _b: True
    assert replicator.wait_until_idle(DEADLINE)


def test_a_failure_is_told_once_and_the_next_task_goes_on(start: Callable[..., Replicator]) -> None:
    recorder = Recorder("bad")
    replicator = start(recorder)
    for name in ("bad", "broken", "good"):
        replicator.submit(task(name))
    assert replicator.wait_until_idle(DEADLINE)
    assert recorder.failed == [("bad", "DstBucketUnversioned"), ("broken", "InternalError")]
    assert recorder.delivered == ["good"]
    assert replicator.take_failures() == {Route("east", "west", "rule"): 2}
    assert replicator.take_failures() == {}


def test_a_bucket_that_is_gone_is_found_out_by_delivering(start: Callable[..., Replicator]) -> None:
    recorder = Recorder("lost")
    replicator = start(recorder, lambda _a, _b: False)
    replicator.submit(task("lost", destination="deleted"))
    assert replicator.wait_until_idle(DEADLINE)
    assert recorder.failed == [("lost", "DstBucketUnversioned")]


def test_the_backlog_is_what_waits_and_how_old_it_is(start: Callable[..., Replicator]) -> None:
    replicator = start(Recorder(), lambda _a, _b: False)
    replicator.submit(task("old", size=100, age=30))
    replicator.submit(task("new", size=1))
    backlog = replicator.backlog()[Route("east", "west", "rule")]
    assert (backlog.operations, backlog.size) == (2, 101)
    assert 30 <= backlog.latency < 60
    assert replicator.backlog().get(Route("west", "east", "rule"), Backlog()) == Backlog()


def test_closing_does_not_wait_for_a_link(start: Callable[..., Replicator]) -> None:
    replicator = start(Recorder(), lambda _a, _b: False)
    replicator.submit(task("1"))
    replicator.close()
    assert replicator.backlog()[Route("east", "west", "rule")].operations == 1
