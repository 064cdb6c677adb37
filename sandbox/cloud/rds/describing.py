"""Looking instances up, and handing out long answers in pages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg

from sandbox.cloud.rds.errors import instance_not_found, invalid_value
from sandbox.cloud.rds.model import AVAILABLE, Instance
from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.system import RdsSystem
from sandbox.postgres import replica

log = logging.getLogger(__name__)

Item = TypeVar("Item")
_SMALLEST_PAGE, _LARGEST_PAGE = 20, 100
_FRESH = 1.0
"""Seconds for which a replica's answer about its replication is taken as true."""


def describe_instances(system: RdsSystem, region: str, request: Request) -> list[Instance]:
    """DescribeDBInstances: by identifier or ARN (not found is an error), or by filters (nothing is an empty list)."""
    request.accept({"DBInstanceIdentifier", "Filters", "MaxRecords", "Marker"})
    service = system.service
    identifier = request.text("DBInstanceIdentifier")
    if identifier is not None:
        found = [service.instance(region, identifier)]
        if found[0].region != region:
            raise instance_not_found(identifier)
    else:
        with service.lock:
            found = sorted(service.region(region).instances.values(), key=lambda item: item.identifier)
    tests: dict[str, Callable[[Instance, tuple[str, ...]], bool]] = {
        "db-instance-id": lambda item, values: any(value.lower() in (item.identifier, item.arn) for value in values),
        "dbi-resource-id": lambda item, values: item.resource_id in values,
        "engine": lambda _, values: "postgres" in values,
        "db-cluster-id": lambda _, __: False,
        "domain": lambda _, __: False,
    }
    for name, values in request.filters().items():
        if name not in tests:
            raise invalid_value(f"Unrecognized filter name: {name}")
        found = [item for item in found if tests[name](item, values)]
    for item in found:
        _look_at_replication(item)
    return found


def page(request: Request, items: Sequence[Item]) -> tuple[list[Item], str | None]:
    """``MaxRecords`` items from ``Marker`` on, and the marker of the rest."""
    size = request.integer("MaxRecords") or _LARGEST_PAGE
    if not _SMALLEST_PAGE <= size <= _LARGEST_PAGE:
        raise invalid_value(
            f"Invalid value {size} for MaxRecords. Must be between {_SMALLEST_PAGE} and {_LARGEST_PAGE}"
        )
    marker = request.text("Marker")
    if marker is not None and not marker.isdigit():
        raise invalid_value(f"Invalid marker: {marker}")
    start = int(marker or 0)
    rest = start + size
    return list(items[start:rest]), str(rest) if rest < len(items) else None


def _look_at_replication(item: Instance) -> None:
    """What StatusInfos says of a replica comes from the replica itself."""
    if item.source is None or item.status != AVAILABLE or time.monotonic() - item.replication_seen < _FRESH:
        return
    try:
        streaming = replica.replication(item.server).streaming
    except psycopg.Error as problem:
        log.warning("the replica %s does not answer: %s", item.identifier, problem)
        streaming = False
    item.replication_seen = time.monotonic()
    item.replication_error = None if streaming else f"Replication from {item.source.arn} is interrupted."
