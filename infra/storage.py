"""The site's buckets: backups, uploads, logs, records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.bucket import BucketArgs, Keep, SafeBucket
from infra.component import Component
from infra.settings import StorageSettings
from infra.sites import Purpose, Site

KEEP: Mapping[Purpose, tuple[Keep, ...]] = {
    # 30 days, and 30 more in which a backup that was deleted, by whom or what ever, can be brought back. These rules
    # go by age alone: what must outlive them (the newest certified backup) has to be held by whoever certifies it.
    Purpose.BACKUPS: tuple(
        Keep(prefix, days=30, replaced_days=30) for prefix in ("database/", "kubernetes/", "redis/")
    ),
    Purpose.UPLOADS: (Keep("", days=None, replaced_days=90),),
    Purpose.LOGS: (Keep("", days=365, replaced_days=30),),
    Purpose.RECORDS: (Keep("", days=None, replaced_days=30),),  # counted from the end of the lock
}
LOCKED = (Purpose.RECORDS,)


@dataclass(frozen=True)
class StorageArgs:
    site: Site
    key_arn: pulumi.Input[str]
    settings: StorageSettings
    disposable: bool


class Storage(Component):
    buckets: Mapping[Purpose, SafeBucket]

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.buckets = {
            purpose: SafeBucket(
                purpose.value,
                BucketArgs(
                    bucket_name=f"{args.settings.bucket_prefix}-{purpose}-{args.site}",
                    key_arn=args.key_arn,
                    keep=KEEP[purpose],
                    locked_days=args.settings.records_retention_days if purpose in LOCKED else None,
                    disposable=args.disposable,
                ),
                self.child(),
            )
            for purpose in Purpose
        }
        self.register_outputs({})
