"""Finding an instance, and what its status means to someone who waits for it."""

from __future__ import annotations

import re
from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.provider.core.aws import code_of
from sandbox.provider.core.resource import ResourceError

_READY: Final = frozenset({"available", "storage-optimization"})
_PENDING: Final = frozenset(
    {
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "creating",
        "maintenance",
        "modifying",
        "moving-to-vpc",
        "rebooting",
        "renaming",
        "resetting-master-credentials",
        "starting",
        "stopping",
        "storage-full",
        "upgrading",
    }
)
"""Statuses that the genuine provider waits through; any other ends the wait with an error."""


def find(client: Any, name: str) -> dict[str, Any] | None:
    """The instance of that DbiResourceId, where the name looks like one, else of that identifier."""
    if re.fullmatch(r"db-[0-9A-Z]{2,255}", name):
        by_id = [{"Name": "dbi-resource-id", "Values": [name]}]
        found = client.describe_db_instances(Filters=by_id)["DBInstances"]
        return found[0] if found else None
    try:
        found = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    except ClientError as error:
        if code_of(error) in {"DBInstanceNotFound", "DBInstanceNotFoundFault"}:
            return None
        raise
    return found[0] if found else None


def is_ready(live: dict[str, Any] | None, identifier: str) -> tuple[bool, str]:
    """Whether it is available, and its status. Raises ResourceError when it will not become available by waiting."""
    if live is None:
        raise ResourceError(f"database {identifier} is gone while waiting for it to be available")
    status = str(live["DBInstanceStatus"])
    if status not in _READY | _PENDING:
        raise ResourceError(f"unexpected state '{status}' of database {identifier}, wanted 'available'")
    return status in _READY, status
