"""AWS clients for recovery: they give up early, because a dead region must never cost more than a few seconds."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient

_CONFIG = Config(
    connect_timeout=1.0,  # seconds; with the one retry below a dead region costs under 3 s
    read_timeout=10.0,  # seconds
    retries={"mode": "standard", "total_max_attempts": 2},
)


@cache
def rds(region: str) -> RDSClient:
    """RDS in a region."""
    return boto3.client("rds", region_name=region, config=_CONFIG)


@cache
def s3(region: str) -> S3Client:
    """S3 in a region."""
    return boto3.client("s3", region_name=region, config=_CONFIG)


@cache
def secretsmanager(region: str) -> SecretsManagerClient:
    """Secrets Manager in a region."""
    return boto3.client("secretsmanager", region_name=region, config=_CONFIG)


@cache
def sts(region: str) -> STSClient:
    """STS in a region."""
    return boto3.client("sts", region_name=region, config=_CONFIG)
