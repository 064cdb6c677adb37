"""``dr status``: both sites on one screen, and whether they are ready."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from scripts.lib.console import out, print_json
from scripts.lib.exit_codes import ExitCode
from scripts.lib.observation import SiteObservation, observe
from scripts.lib.outputs import read_outputs
from scripts.lib.project import find_project
from scripts.lib.sites import Site


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for machines.")] = False,
) -> None:
    """Show both sites: role, epoch, database, lag, buckets. Exit code 1 when one is not ready."""
    project = find_project()
    regions = {site: project.region(site) for site in Site}
    found = observe(read_outputs(project), regions)
    ready = not any(item.problems for item in found.values())
    if as_json:
        print_json({"ready": ready, "sites": {site.value: asdict(item) for site, item in found.items()}})
    else:
        out.print(_table(found))
        for problem in (problem for item in found.values() for problem in item.problems):
            out.print(f"problem: {problem}", style="red", markup=False)
        out.print("ready" if ready else "not ready", style="bold green" if ready else "bold red")
    if not ready:
        raise typer.Exit(ExitCode.FAILED)


def _table(found: dict[Site, SiteObservation]) -> Table:
    table = Table("")
    for site, item in found.items():
        table.add_column(f"{site} ({item.region})", overflow="fold")  # a name that is cut off cannot be copied
    for title, cells in _rows(list(found.values())):
        table.add_row(title, *cells)
    return table


def _rows(items: list[SiteObservation]) -> list[tuple[str, list[str]]]:
    rows = [
        ("role", [str(item.role or "not provisioned") for item in items]),
        ("epoch", [_text(item.epoch) for item in items]),
        ("database", [item.database.identifier if item.database else "-" for item in items]),
        ("  status", [item.database.status if item.database else "-" for item in items]),
        ("  endpoint", [item.database.endpoint if item.database else "-" for item in items]),
        ("  writes", [_writes(item) for item in items]),
        ("  log position", [_text(item.database.position) if item.database else "-" for item in items]),
        ("  lag", [_lag(item) for item in items]),
        ("  backups kept", [_backups(item) for item in items]),
    ]
    rows += [
        ("network", [_text(item.network) for item in items]),
        ("key", [_text(item.key) for item in items]),
        ("secret", [_text(item.secret) for item in items]),
    ]
    purposes = dict.fromkeys(bucket.purpose for item in items for bucket in item.buckets)
    rows += [(f"bucket {purpose}", [_bucket(item, purpose) for item in items]) for purpose in purposes]
    return rows


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _writes(item: SiteObservation) -> str:
    if item.database is None or item.database.writable is None:
        return "unknown"
    return "accepted" if item.database.writable else f"refused: replica of {_short(item.database.source)}"


def _short(arn: str | None) -> str:
    return (arn or "?").rpartition(":")[2]


def _lag(item: SiteObservation) -> str:
    return "-" if item.database is None or item.database.lag_bytes is None else f"{item.database.lag_bytes} bytes"


def _backups(item: SiteObservation) -> str:
    if item.database is None:
        return "-"
    days = item.database.backup_retention_days
    return f"{days} days{', Multi-AZ' if item.database.multi_az else ''}" if days else "none (replica)"


def _bucket(item: SiteObservation, purpose: str) -> str:
    for bucket in item.buckets:
        if bucket.purpose == purpose:
            return f"{bucket.name} -> {bucket.replicates_to}" if bucket.replicates_to else bucket.name
    return "-"
