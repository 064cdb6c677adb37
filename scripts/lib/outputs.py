"""What the two stacks say of themselves: the outputs of infra/, parsed once, typed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from scripts.lib.engine import Engine
from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode
from scripts.lib.project import Project
from scripts.lib.sites import Role, Site

REPLICATED: Final = ("backups", "uploads", "logs")
"""Purposes of the buckets that replicate to the other site, both ways."""


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class DatabaseOutputs(_Output):
    """The site's database instance."""

    generation: int
    identifier: str
    arn: str
    resource_id: str
    address: str
    port: int
    endpoint: str
    name: str
    username: str
    source_arn: str | None = None


class BucketOutputs(_Output):
    """Bucket names by purpose."""

    backups: str
    uploads: str
    logs: str
    records: str


class NetworkOutputs(_Output):
    """The site's network."""

    cidr: str
    vpc_id: str


class SiteOutputs(_Output):
    """One stack's outputs; unknown ones (of a newer program) are ignored."""

    site: Site
    region: str
    role: Role
    epoch: int
    generation: int
    peer_seen: bool
    account_id: str
    key_arn: str
    key_alias: str
    network: NetworkOutputs
    buckets: BucketOutputs
    database_secret_arn: str
    database: DatabaseOutputs | None = None


def read_outputs(project: Project) -> dict[Site, SiteOutputs | None]:
    """Both stacks' outputs, read side by side; None for a site that is not provisioned."""
    engine = Engine(project)
    with ThreadPoolExecutor(max_workers=len(Site)) as pool:
        raw = dict(zip(Site, pool.map(engine.outputs, Site), strict=True))
    return {site: _parse(site, document) for site, document in raw.items()}


def _parse(site: Site, document: dict[str, object] | None) -> SiteOutputs | None:
    if not document:
        return None
    try:
        return SiteOutputs.model_validate(document)
    except ValidationError as error:
        wrong = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors())
        raise DrError(
            f"the outputs of stack {site} do not fit this version of `dr` ({wrong}): run `pulumi up -s {site}`, or use "
            "the version that wrote them"
        ) from None


def active_and_standby(sites: dict[Site, SiteOutputs | None]) -> tuple[SiteOutputs, SiteOutputs]:
    """The two sites by role. Raises DrError when that is not one of each."""
    missing = [site for site, outputs in sites.items() if outputs is None]
    if missing:
        raise DrError(f"not provisioned: {', '.join(missing)}; run `dr provision`", exit_code=ExitCode.REFUSED)
    present = [outputs for outputs in sites.values() if outputs is not None]
    active = [outputs for outputs in present if outputs.role is Role.ACTIVE]
    standby = [outputs for outputs in present if outputs.role is Role.STANDBY]
    if len(active) != 1 or len(standby) != 1:
        roles = ", ".join(f"{outputs.site} is {outputs.role} (epoch {outputs.epoch})" for outputs in present)
        raise DrError(f"one active and one standby site are needed, but {roles}", exit_code=ExitCode.REFUSED)
    return active[0], standby[0]
