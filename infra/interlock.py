"""No two active sites: the check that an old checkout cannot pass."""

from __future__ import annotations

from infra.errors import InterlockError
from infra.outputs import Published
from infra.settings import Settings
from infra.sites import Role


def check(settings: Settings, own: Published | None, peer: Published | None) -> None:
    """Raises InterlockError. ``own`` and ``peer`` are what the two stacks published last; the higher epoch is right.

    This keeps operators and pipelines from a mistake. It is no lock: between two updates that run at the same moment
    stand the epoch in the data path and the fencing of the recovery scripts.
    """
    site, epoch = settings.site, settings.epoch
    if own is not None and own.epoch > epoch:
        raise InterlockError(
            f"The {site} site is already at epoch {own.epoch} ({own.role}), and this configuration says epoch {epoch} "
            f"({settings.role}): it is older than what runs. Bring the checkout up to date (`git pull`) and try again."
        )
    if settings.role is not Role.ACTIVE or peer is None:
        return
    if peer.role is Role.ACTIVE and peer.epoch >= epoch:
        raise InterlockError(
            f"The {site} site is configured active with epoch {epoch}, but the {peer.site} site is active with epoch "
            f"{peer.epoch}: there would be two active sites. If the {peer.site} site is to stay active, make this one "
            f"standby (`pulumi config set role standby -s {site}`). If this site is to take over, raise its epoch "
            f"(`pulumi config set epoch {peer.epoch + 1} -s {site}`)."
        )
    if peer.epoch > epoch:
        raise InterlockError(
            f"The {site} site is configured active with epoch {epoch}, but the {peer.site} site is already at epoch "
            f"{peer.epoch}: this configuration is older than the last failover. Bring the checkout up to date "
            f"(`git pull`); if this site is to take over, raise its epoch to {peer.epoch + 1} or more."
        )
