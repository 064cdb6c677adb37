"""Every resource type that the provider knows."""

from __future__ import annotations

from typing import Final

from sandbox.provider.core.registry import table
from sandbox.provider.core.resource import Resource
from sandbox.provider.services import ec2, ec2_network, ec2_security, iam, kms, logs, rds, s3, secretsmanager

KINDS: Final[tuple[type[Resource], ...]] = (
    *ec2.KINDS,
    *ec2_network.KINDS,
    *ec2_security.KINDS,
    *iam.KINDS,
    *kms.KINDS,
    *logs.KINDS,
    *rds.KINDS,
    *s3.KINDS,
    *secretsmanager.KINDS,
)
TABLE: Final = table(KINDS)
