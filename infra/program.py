"""One run of the program: read, refuse or build, publish."""

from __future__ import annotations

from infra import interlock, lineage, outputs, peer, settings
from infra.site import SiteEnvironment


def run() -> None:
    """Everything that can be refused is refused before the first resource is registered. Raises ProgramError."""
    configured = settings.load()
    own = peer.published_by(configured.site)
    other = peer.published_by(configured.site.peer)
    peer.check_agreement(configured, other)
    interlock.check(configured, own, other)
    source = lineage.source(configured, own, other)
    outputs.export(SiteEnvironment(configured, source, other).outputs())
