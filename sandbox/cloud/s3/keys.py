"""KMS keys of encrypted objects. The bytes are not encrypted here; which key they need, and its state, is checked.

Regions share no key: a key of another region cannot be used by a bucket ("Using server-side encryption with AWS KMS
keys": the key must be in the Region of the bucket).
"""

from __future__ import annotations

from moto.kms.models import kms_backends

_MANAGED_KEY = "alias/aws/s3"


class KeyUnusableError(Exception):
    """``code`` is what S3 calls it (``KMS.DisabledException``)."""

    def __init__(self, code: str, message: str, *, found: bool) -> None:
        super().__init__(message)
        self.code = code
        self.found = found


def usable_key_arn(account: str, region: str, reference: str | None) -> str:
    """The ARN of an enabled key of ``region``; None is the key that AWS manages for S3 there.

    ``reference`` is a key's id, ARN or alias (name or ARN). Raises KeyUnusableError.
    """
    wanted = reference or _MANAGED_KEY
    if wanted.startswith("arn:") and wanted.split(":")[3] != region:
        raise KeyUnusableError("KMS.NotFoundException", f"Invalid arn {wanted.split(':')[3]}", found=False)
    backend = kms_backends[account][region]
    name = wanted.rsplit(":", 1)[-1] if wanted.startswith("arn:") else wanted
    key_id = backend.get_key_id_from_alias(name) if name.startswith("alias/") else name.removeprefix("key/")
    key = backend.keys.get(key_id or "")
    if key is None:
        raise KeyUnusableError("KMS.NotFoundException", f"Key '{wanted}' does not exist", found=False)
    if key.key_state == "Disabled":
        raise KeyUnusableError("KMS.DisabledException", f"{key.arn} is disabled.", found=True)
    if key.key_state != "Enabled":
        state = "pending deletion" if key.key_state == "PendingDeletion" else key.key_state
        raise KeyUnusableError("KMS.KMSInvalidStateException", f"{key.arn} is {state}.", found=True)
    return str(key.arn)
