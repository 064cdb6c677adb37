"""Where this site's database comes from: decided, and refused, before anything is touched.

RDS finds the impossible moves out in the middle of an update, or never: a replica whose source changes fails at apply
time, a promoted database cannot become a replica again, and a new instance on an active site is simply empty. Here each
is one sentence at preview.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.errors import LineageError
from infra.outputs import DatabaseOutputs, Published
from infra.settings import Settings
from infra.sites import Role, Site


@dataclass(frozen=True)
class Writable:
    """The database of an active site: made empty at the very first provisioning, later a replica that is promoted."""


@dataclass(frozen=True)
class ReplicaOf:
    """The database of a standby: follows the peer's."""

    source_arn: str


Source = Writable | ReplicaOf
"""A restored database (from a snapshot, or to a point in time) will be a third kind."""


def source(settings: Settings, own: Published | None, peer: Published | None) -> Source | None:
    """What the database of this run is; None on a standby whose peer has no database yet. Raises LineageError."""
    if own is not None and settings.generation < own.generation:
        raise LineageError(
            f"generation {settings.generation} of the {settings.site} site's database is older than generation "
            f"{own.generation}, which runs: bring the checkout up to date, or set generation to {own.generation}."
        )
    existing = own.database if own else None
    theirs = peer.database if peer else None
    if settings.role is Role.ACTIVE:
        _check_active(settings, existing, theirs)
        return Writable()
    if peer is None or theirs is None:
        _check_alone(settings, existing)
        return None
    if peer.role is not Role.ACTIVE:
        raise LineageError(
            f"The {settings.site} site is configured standby, but the {peer.site} site is a standby too: there is "
            f"nothing to follow. Update the site that is to be active first, `pulumi up -s {peer.site}`."
        )
    if existing is not None and existing.generation == settings.generation:
        _check_follows(settings.site, existing, theirs)
    return ReplicaOf(theirs.arn)


def _check_active(
    settings: Settings, existing: DatabaseOutputs[str, int] | None, theirs: DatabaseOutputs[str, int] | None
) -> None:
    site = settings.site
    if existing is not None and existing.generation != settings.generation:
        raise LineageError(
            f"The {site} site is configured active with database generation {settings.generation}, but its data is in "
            f"generation {existing.generation} ({existing.identifier}): a new generation of an active site would be "
            f"empty. Set it back with `pulumi config set generation {existing.generation} -s {site}`."
        )
    if existing is None and theirs is not None:
        raise LineageError(
            f"The {site} site is configured active but has no database, and the {site.peer} site has one "
            f"({theirs.identifier}): an empty one would take its place. Run the {site} site as a standby "
            f"first, so that there is a replica to promote (`pulumi config set role standby -s {site}`)."
        )


def _check_alone(settings: Settings, existing: DatabaseOutputs[str, int] | None) -> None:
    if existing is not None:
        raise LineageError(
            f"The {settings.site} site is configured standby and has a database ({existing.identifier}), but the "
            f"{settings.site.peer} site publishes none to follow: going on would drop {existing.identifier} from the "
            f"state. If the {settings.site.peer} site is gone for good, make this one active; else bring its stack "
            f"back first."
        )


def _check_follows(site: Site, existing: DatabaseOutputs[str, int], theirs: DatabaseOutputs[str, int]) -> None:
    raise_it = f"`pulumi config set generation {existing.generation + 1} -s {site}`"
    if existing.source_arn is None:
        raise LineageError(
            f"The {site} site is configured standby, but its database {existing.identifier} was the writable one, and "
            f"RDS cannot turn it into a replica. Raise the generation ({raise_it}): a new replica is made beside it, "
            f"and {existing.identifier} stays alive outside of the state."
        )
    if existing.source_arn != theirs.arn:
        raise LineageError(
            f"The {site} site's database {existing.identifier} follows {existing.source_arn}, and RDS cannot make it "
            f"follow {theirs.arn}. Raise the generation ({raise_it}): a new replica is made beside it."
        )
