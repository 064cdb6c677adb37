"""moto's settings, which it reads from the environment; some when it is imported, so they are set before that."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.cloud.context import CloudContext

# Objects above this size lie in (unlinked) files below the cloud's directory instead of in memory.
_OBJECT_BYTES_IN_MEMORY = 256 * 1024


def apply(context: CloudContext) -> None:
    """Set them for this process, which is the cloud and nothing else."""
    os.environ.update(
        {
            # every access key belongs to the one account
            "MOTO_ACCOUNT_ID": context.account_id,
            # moto's CORS headers would hide those of the buckets
            "MOTO_DISABLE_GLOBAL_CORS": "true",
            # 16 MB and half a second for machine images that nothing here starts
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
            # 14 MB and 0.1 s: clusters and enhanced monitoring attach policies that AWS manages
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(_OBJECT_BYTES_IN_MEMORY),
            # moto asks nobody for credentials, but boto3 inside of it looks for a home and a metadata service
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "cloud",
            "AWS_SECRET_ACCESS_KEY": "cloud",
        }
    )
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)


def scratch_directory(context: CloudContext) -> Path:
    """Where the files of large objects lie; they have no name, so nothing is left of them when the cloud ends."""
    return context.directory / "objects"
