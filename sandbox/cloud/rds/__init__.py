"""RDS for PostgreSQL with a real server behind every instance."""

from __future__ import annotations

from sandbox.cloud.context import CloudContext


def register(context: CloudContext) -> None:
    """Put our RDS in the place of moto's, and its servers' end into the cloud's."""
    # moto's packages take a while to load; a process that only wants the package's name should not wait for them.
    from moto.rds.models import rds_backends  # noqa: PLC0415

    from sandbox.cloud.rds import urls  # noqa: PLC0415
    from sandbox.cloud.rds.backend import SandboxRdsBackend  # noqa: PLC0415
    from sandbox.cloud.rds.system import RdsSystem  # noqa: PLC0415

    system = RdsSystem.create(context)
    system.start()
    context.on_close(system.close)
    SandboxRdsBackend.system = system
    SandboxRdsBackend.urls_module = urls
    rds_backends.backend = SandboxRdsBackend
