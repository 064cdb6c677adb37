"""The two sites and the two roles: the words everything else is named by."""

from __future__ import annotations

from enum import StrEnum


class Site(StrEnum):
    """A place. It never changes, so names and regions hang on it."""

    PRIMARY = "primary"
    SECONDARY = "secondary"

    @property
    def peer(self) -> Site:
        return Site.SECONDARY if self is Site.PRIMARY else Site.PRIMARY

    @property
    def region(self) -> str:
        """The AWS region of the site. In code, because another region plans the replacement of everything."""
        return "us-east-1" if self is Site.PRIMARY else "us-west-2"


class Role(StrEnum):
    """What a site is today. It flips at a failover, so no name, address or tag may depend on it."""

    ACTIVE = "active"
    STANDBY = "standby"


class Purpose(StrEnum):
    """What a bucket is for; the second part of its name."""

    BACKUPS = "backups"
    UPLOADS = "uploads"
    LOGS = "logs"
    RECORDS = "records"
