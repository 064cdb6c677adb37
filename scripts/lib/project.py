"""Which Pulumi project the verbs work on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode
from scripts.lib.sites import Site

VARIABLE = "DR_PROJECT"
"""Environment variable: the directory of Pulumi.yaml and the stack files."""


@dataclass(frozen=True)
class Project:
    """A directory with Pulumi.yaml and the two stack files."""

    directory: Path
    name: str

    def region(self, site: Site) -> str:
        """The site's region as its stack file says. Raises DrError when it does not."""
        file = self.directory / f"Pulumi.{site}.yaml"
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            region = document.get("config", {}).get("aws:region")
        except (OSError, yaml.YAMLError, AttributeError) as error:
            raise DrError(
                f"the stack file {file} cannot be read ({error}): restore it from version control",
                exit_code=ExitCode.USAGE,
            ) from None
        if not isinstance(region, str) or not region:
            raise DrError(
                f"the stack file {file} has no aws:region: run `pulumi config set aws:region <region> -s {site}`",
                exit_code=ExitCode.USAGE,
            )
        return region


def find_project() -> Project:
    """The project of DR_PROJECT, else the nearest one from the current directory upwards."""
    given = os.environ.get(VARIABLE)
    start = Path(given) if given else Path.cwd()
    candidates = [start] if given else [start, *start.parents]
    for directory in candidates:
        file = directory / "Pulumi.yaml"
        if file.is_file():
            try:
                name = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("name")
            except (yaml.YAMLError, AttributeError) as error:
                raise DrError(f"{file} cannot be read: {error}", exit_code=ExitCode.USAGE) from None
            return Project(directory.resolve(), str(name))
    where = f"{VARIABLE}={given}" if given else f"{start} or a directory above it"
    raise DrError(
        f"no Pulumi.yaml in {where}: run this in a checkout of the project, or set {VARIABLE} to its directory",
        exit_code=ExitCode.USAGE,
    )
