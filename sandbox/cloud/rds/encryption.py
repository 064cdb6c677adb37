"""Keys of encrypted storage. The data itself is not encrypted at rest in the sandbox; which key it needs is checked."""

from __future__ import annotations

from moto.kms.models import kms_backends

from sandbox.cloud.rds.errors import error

_DEFAULT_KEY = "alias/aws/rds"
_ENABLED = "Enabled"


def key_arn(account_id: str, region: str, key: str | None) -> str:
    """The ARN of an enabled key of this region; None means the account's default key for RDS.

    Takes a key's id, ARN or alias (name or ARN). Raises KMSKeyNotAccessibleFault as the service does, also for a key of
    another region: regions share no key.
    """
    wanted = key or _DEFAULT_KEY
    if wanted.startswith("arn:"):
        parts = wanted.split(":")
        if len(parts) < 6 or parts[2] != "kms" or parts[3] != region or parts[4] != account_id:
            raise _inaccessible(wanted)
    try:
        found = kms_backends[account_id][region].describe_key(wanted)
    except Exception as missing:
        raise _inaccessible(wanted) from missing
    if found is None or found.key_state != _ENABLED:
        raise _inaccessible(wanted)
    return str(found.arn)


def _inaccessible(key: str) -> Exception:
    return error(
        "KMSKeyNotAccessibleFault",
        f"The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it.",
    )
