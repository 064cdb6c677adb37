"""S3 with what two regions need to be true: home regions, replication, Object Lock, access. Registered with moto."""

from __future__ import annotations

from moto.s3.models import s3_backends

from sandbox.cloud.context import ACCOUNT_ID, CloudContext
from sandbox.cloud.s3.backend import Backend
from sandbox.cloud.s3.metrics import ReplicationMetrics

PARTITION = "aws"


def register(context: CloudContext) -> None:
    """Make moto use our backend from now on, and start replication. Call it before anything asks moto for S3."""
    s3_backends.backend = Backend
    backend = backend_of(context.account_id)
    metrics = ReplicationMetrics(backend)
    backend.replication.replicator.start()
    metrics.start()
    context.on_close(backend.replication.replicator.close)
    context.on_close(metrics.close)


def backend_of(account: str = ACCOUNT_ID) -> Backend:
    """The backend of an account. Raises TypeError if moto's own was made before :func:`register`."""
    backend = s3_backends[account][PARTITION]
    if not isinstance(backend, Backend):
        raise TypeError("moto's S3 was used before sandbox.cloud.s3.register")
    return backend


def bucket_region(name: str) -> str | None:
    """The home region of a bucket; None if there is no bucket of that name."""
    return backend_of().region_of(name)
