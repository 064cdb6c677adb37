"""The provider's own configuration: the ``aws:`` keys of a stack."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from sandbox.provider.core.aws import Settings
from sandbox.provider.core.values import Properties, Unknown

KNOWN = frozenset(
    {
        "region",
        "accessKey",
        "secretKey",
        "token",
        "profile",
        "maxRetries",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "s3UsePathStyle",
        "version",
        "pluginDownloadURL",
    }
)
"""Keys that this provider honours; the genuine one has more, and one that is not here is refused, not ignored."""


def failures(inputs: Properties) -> list[tuple[str, str]]:
    """Refusals (key, reason) of a configuration."""
    found = [
        (key, f'the sandbox\'s aws provider does not support the configuration key "aws:{key}": remove it')
        for key in sorted(set(inputs) - KNOWN)
        if not key.startswith("__") and inputs[key] not in ("", None)
    ]
    if not region_of(inputs):
        found.append(
            ("region", "missing region information: run `pulumi config set aws:region <region>` or set AWS_REGION")
        )
    return found


def region_of(inputs: Mapping[str, Any]) -> str:
    """The region: configuration first, then AWS_REGION, then AWS_DEFAULT_REGION."""
    value = inputs.get("region")
    if isinstance(value, Unknown):
        return ""
    return str(value or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "")


def parse(inputs: Properties) -> Settings:
    """Typed settings. Values arrive as they are, or as JSON texts from stack configuration."""

    def flag(key: str) -> bool:
        return json.loads(str(inputs.get(key, "false")).lower()) is True

    def text(key: str) -> str | None:
        value = inputs.get(key)
        return str(value) if value else None

    return Settings(
        region=region_of(inputs),
        access_key=text("accessKey"),
        secret_key=text("secretKey"),
        token=text("token"),
        profile=text("profile"),
        max_retries=int(inputs.get("maxRetries", 2)),
        skip_credentials_validation=flag("skipCredentialsValidation"),
        path_style=flag("s3UsePathStyle"),
    )
