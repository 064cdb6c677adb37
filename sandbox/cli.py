"""``dr sandbox``: two AWS regions on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sandbox import cloud_process, environment, processes
from sandbox import down as down_module
from sandbox import up as up_module
from sandbox.errors import SandboxError
from sandbox.place import place
from sandbox.toolchain.pulumi import ensure_pulumi

app = typer.Typer(help="Two AWS regions on this machine, with no AWS account.", no_args_is_help=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)

Directory = Annotated[
    Path | None,
    typer.Option("--directory", help="Where the sandbox lies [default: one place for each user and checkout]."),
]
NOT_UP = 1
"""Exit code of `status` and `env` without a sandbox."""


@app.command()
def up(
    directory: Directory = None,
    port: Annotated[int, typer.Option(help="Port of the AWS endpoint; 0 takes a free one.", min=0, max=65535)] = 0,
    reuse: Annotated[bool, typer.Option("--reuse", help="Be content with one that is already up.")] = False,
) -> None:
    """Bring up two empty regions, ready to be provisioned."""
    paths = place(directory)
    pulumi = ensure_pulumi()
    made = up_module.up(paths, port=port, pulumi=pulumi, reuse=reuse, say=lambda text: err.print(text, markup=False))
    if made.reused:
        err.print(f"the sandbox in {paths.root} is up already: {made.endpoint}", markup=False)
        return
    err.print(f"the sandbox is up in {made.seconds:.1f} s: {made.endpoint}, files in {paths.root}", markup=False)
    err.print('to use it in this shell: eval "$(dr sandbox env)"', markup=False)


@app.command()
def down(directory: Directory = None) -> None:
    """Throw the sandbox away: its processes, ports and files, also after a kill."""
    paths = place(directory)
    gone = down_module.down(paths)
    if not gone.existed and not gone.processes:
        err.print(f"there is no sandbox in {paths.root}", markup=False)
    else:
        err.print(f"the sandbox in {paths.root} is gone ({gone.processes} processes ended)", markup=False)


@app.command()
def env(directory: Directory = None) -> None:
    """Print the exports with which pulumi, aws, psql and dr work on the sandbox."""
    paths = place(directory)
    cloud = cloud_process.info(paths)
    if cloud is None or not cloud.alive:
        raise SandboxError(f"no sandbox is up in {paths.root}: run `dr sandbox up` first", exit_code=NOT_UP)
    sys.stdout.write(environment.shell(environment.exports(paths, cloud)) + "\n")


@app.command()
def status(
    directory: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for machines.")] = False,
) -> None:
    """Say whether the sandbox is up, and what runs in it. Exit code 1 when it is not."""
    paths = place(directory)
    cloud = cloud_process.info(paths)
    alive = cloud is not None and cloud.alive
    running = sorted(processes.describe(paths.root), key=lambda process: -process.memory)
    if as_json:
        document = {
            "up": alive,
            "directory": str(paths.root),
            "endpoint": cloud.endpoint if cloud and alive else None,
            "processes": [{"pid": item.pid, "name": item.name, "memory_bytes": item.memory} for item in running],
            "memory_bytes": sum(item.memory for item in running),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif alive and cloud:
        table = Table("process", "how many", "memory (MiB)")
        for name in dict.fromkeys(item.name for item in running):
            of_name = [item for item in running if item.name == name]
            table.add_row(name, str(len(of_name)), f"{sum(item.memory for item in of_name) / 2**20:.0f}")
        out.print(f"up: {cloud.endpoint}, files in {paths.root}", markup=False)
        out.print(table)
        out.print(f"memory in all: {sum(item.memory for item in running) / 2**20:.0f} MiB", markup=False)
    else:
        left = f"; {len(running)} processes of a killed one are left: run `dr sandbox down`" if running else ""
        err.print(f"no sandbox is up in {paths.root}{left}", markup=False)
    if not alive:
        raise typer.Exit(NOT_UP)


@app.command()
def toolchain() -> None:
    """Find or build the Pulumi engine (once for each user; several minutes) and print its path."""
    sys.stdout.write(f"{ensure_pulumi()}\n")
