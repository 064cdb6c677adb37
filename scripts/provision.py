"""``dr provision``: both sites from nothing, or up to date."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.prompt import Confirm

from scripts.lib import clients
from scripts.lib.aws_errors import naming_region
from scripts.lib.console import err, seconds
from scripts.lib.engine import Engine, UpResult
from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode
from scripts.lib.progress import step
from scripts.lib.project import Project, find_project
from scripts.lib.sites import Site

ORDER = (Site.PRIMARY, Site.SECONDARY, Site.PRIMARY)
"""The secondary needs the primary's database and buckets; the primary then needs the secondary's buckets."""


def provision(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Bring up both sites: up primary, up secondary, up primary. Safe to repeat."""
    project = find_project()
    _announce(project, yes=yes)
    engine = Engine(project)
    started = time.monotonic()
    results = [_up(engine, site, number) for number, site in enumerate(ORDER, start=1)]
    total = seconds(time.monotonic() - started)
    if all(result.unchanged for result in results):
        err.print(f"both sites were up to date ({total})")
    else:
        err.print(f"both sites are provisioned ({total})")


def _announce(project: Project, *, yes: bool) -> None:
    """Say what will happen, with real names, before it does."""
    regions = {site: project.region(site) for site in Site}
    with naming_region(regions[Site.PRIMARY]):
        account = clients.sts(regions[Site.PRIMARY]).get_caller_identity()["Account"]
    err.print(
        f"Provisioning {project.name} in AWS account {account}: "
        + ", ".join(f"{site} ({region})" for site, region in regions.items())
    )
    if yes:
        return
    if not err.is_terminal:
        raise DrError(
            "nobody to ask: standard error is not a terminal; give --yes to provision without asking",
            exit_code=ExitCode.NEEDS_DECISION,
        )
    if not Confirm.ask("Go on?", console=err, default=False):
        raise DrError("not confirmed: nothing was changed", exit_code=ExitCode.NEEDS_DECISION)


def _up(engine: Engine, site: Site, number: int) -> UpResult:
    with step(f"{number}/{len(ORDER)}  up {site}") as line:
        result = engine.up(site, lambda progress: line.tell(f"{progress.done} done, {progress.current}"))
        line.end(str(result))
    return result
