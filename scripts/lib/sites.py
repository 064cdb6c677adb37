"""The two places."""

from __future__ import annotations

from enum import StrEnum


class Site(StrEnum):
    """A place; also the name of its Pulumi stack."""

    PRIMARY = "primary"
    SECONDARY = "secondary"

    @property
    def peer(self) -> Site:
        """The other one."""
        return Site.SECONDARY if self is Site.PRIMARY else Site.PRIMARY


class Role(StrEnum):
    """What a site is now."""

    ACTIVE = "active"
    STANDBY = "standby"
