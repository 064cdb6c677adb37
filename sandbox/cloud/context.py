"""What every part of the cloud is given: where to write, which regions there are, and how to be closed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT_ID = "123456789012"
REGIONS = ("us-east-1", "us-west-2")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CloudContext:
    """One running cloud. ``directory`` is the only place that it writes to."""

    directory: Path
    account_id: str = ACCOUNT_ID
    regions: tuple[str, ...] = REGIONS
    _callbacks: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def on_close(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` when the cloud goes down; the newest first."""
        self._callbacks.append(callback)

    def close(self) -> None:
        """Run every callback, also when one of them fails."""
        while self._callbacks:
            callback = self._callbacks.pop()
            try:
                callback()
            except Exception:  # the others own processes that must not outlive the cloud
                log.exception("closing a part of the cloud failed")
