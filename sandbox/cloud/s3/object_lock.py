"""Object Lock: what may be locked how, and what nobody may undo before its time.

"Using S3 Object Lock", "Managing Object Lock" (user guide), "PutObjectRetention" (API reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.cloud.s3.clock import moment
from sandbox.cloud.s3.errors import S3Error, access_denied, invalid_argument, invalid_bucket_state, malformed_xml
from sandbox.cloud.s3.objects import Bucket, ObjectVersion

_MODE, _UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
MODES = {"GOVERNANCE", "COMPLIANCE"}


@dataclass(frozen=True)
class Lock:
    """A lock as a request asks for it; None is what it does not say. ``until`` is the time as it was written."""

    mode: str | None = None
    until: str | None = None
    legal_hold: str | None = None

    @staticmethod
    def asked_for(headers: Mapping[str, str]) -> Lock:
        """The headers of PutObject, CopyObject and CreateMultipartUpload. Raises InvalidArgument for half of one."""
        lock = Lock(
            headers.get(_MODE),
            headers.get(_UNTIL),
            headers.get("x-amz-object-lock-legal-hold"),
        )
        if (lock.mode is None) != (lock.until is None):
            raise invalid_argument(f"{_UNTIL} and {_MODE} must both be supplied")
        if lock.mode is not None and lock.mode not in MODES:
            raise invalid_argument("Unknown wormMode directive.")
        if lock.until is not None and moment(lock.until) <= datetime.now(UTC):
            raise invalid_argument("The retain until date must be in the future!")
        return lock

    @property
    def empty(self) -> bool:
        return self.mode is None and self.legal_hold is None

    def put_on(self, version: ObjectVersion) -> None:
        if self.mode is not None:
            version.lock_mode, version.lock_until = self.mode, self.until
        if self.legal_hold is not None:
            version.lock_legal_status = self.legal_hold


def check_retention(version: ObjectVersion, mode: str | None, until: str | None, *, bypass: bool) -> None:
    """Whether a retention may replace the one that is there.

    Anybody may lengthen one. Compliance can be neither shortened nor lifted nor turned into governance by anybody;
    governance only by who says so (``x-amz-bypass-governance-retention``).
    """
    if (mode is None) != (until is None) or (mode is not None and mode not in MODES):
        raise malformed_xml()
    if until is not None and moment(until) <= datetime.now(UTC):
        raise invalid_argument("The retain until date must be in the future!")
    if version.lock_mode is None or version.lock_until is None or moment(version.lock_until) <= datetime.now(UTC):
        return
    weaker = mode is None or (version.lock_mode == "COMPLIANCE" and mode == "GOVERNANCE")
    shorter = until is None or moment(until) < moment(version.lock_until)
    if (weaker or shorter) and not (version.lock_mode == "GOVERNANCE" and bypass):
        raise access_denied("Access Denied because object protected by object lock.")


def configure(bucket: Bucket, *, enabled: bool, mode: str | None, days: int | None, years: int | None) -> None:
    """Object Lock on a versioned bucket, empty or not, and the retention that new objects get.

    It can be turned on for an existing bucket (since 2023) and never off.
    """
    if not enabled or (mode is not None and (mode not in MODES or bool(days) == bool(years))):
        raise malformed_xml()
    if not bucket.is_versioned:
        raise invalid_bucket_state("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    bucket.object_lock_enabled = True
    bucket.default_lock_mode = mode
    bucket.default_lock_days = days or 0
    bucket.default_lock_years = years or 0


def no_lock() -> S3Error:
    message = "The specified object does not have a ObjectLock configuration"
    return S3Error("NoSuchObjectLockConfiguration", message, status=404)


def shown_retention(version: Any) -> dict[str, Any]:
    """What GetObjectRetention answers. Raises NoSuchObjectLockConfiguration if there is none."""
    if not version.lock_mode:
        raise no_lock()
    return {"Mode": version.lock_mode, "RetainUntilDate": moment(version.lock_until)}
