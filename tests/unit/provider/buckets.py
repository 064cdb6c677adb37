"""Buckets to try settings on."""

from __future__ import annotations

from typing import Any

from sandbox.provider.services.s3 import Bucket
from sandbox.provider.services.s3_protection import BucketVersioning
from tests.unit.provider.program import Program

VERSIONED = {"versioningConfiguration": {"status": "Enabled"}}


def bucket(name: str = "backups", region: str = "us-east-1", **inputs: Any) -> Program:
    """A bucket that was made by an update."""
    made = Program(Bucket, region=region)
    made.up(bucket=name, **inputs)
    return made


def versioned(name: str = "backups", **inputs: Any) -> Program:
    """One that keeps versions."""
    made = bucket(name, **inputs)
    Program(BucketVersioning).up(bucket=name, **VERSIONED)
    return made
