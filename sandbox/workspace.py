"""The sandbox's copy of the project's configuration: tracked files are never changed by it."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.errors import SandboxError
from sandbox.paths import SandboxPaths

STACKS: Final = ("primary", "secondary")
PROJECT: Final = "Pulumi.yaml"
SETTINGS: Final[Mapping[str, Any]] = {"disposable": True}
"""What the sandbox sets in its copies of the stack files: everything in it may be thrown away."""
SECRET_SETTING: Final = "databasePassword"  # noqa: S105 - the name of a setting, not a secret


def project_directory() -> Path:
    """The checkout that this sandbox belongs to: where Pulumi.yaml is. Raises SandboxError when it is not there."""
    directory = Path(__file__).resolve().parent.parent
    if not (directory / PROJECT).is_file():
        raise SandboxError(
            f"there is no {PROJECT} in {directory}: run `make setup` in a checkout and use its `dr`",
            exit_code=2,
        )
    return directory


def copy(paths: SandboxPaths) -> str:
    """Copy the project file and the two stack files; returns the project's name.

    The program itself is not copied: ``main`` of the copy points to it, so an edit is live at the next `pulumi up`.
    """
    source = project_directory()
    paths.workspace.mkdir(parents=True, exist_ok=True)
    project = _load(source / PROJECT)
    name = str(project["name"])
    project["main"] = str(source / str(project.get("main", ".")))
    # the official language host takes a relative one from the copy's directory, where there is none
    project["runtime"] = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
    _dump(paths.workspace / PROJECT, project)
    for stack in STACKS:
        document = _load(source / f"Pulumi.{stack}.yaml")
        config = document.setdefault("config", {})
        config.update({f"{name}:{key}": value for key, value in SETTINGS.items()})
        _dump(paths.workspace / f"Pulumi.{stack}.yaml", document)
    return name


def make_secrets(paths: SandboxPaths) -> tuple[Path, str]:
    """The passphrase of the sandbox's state (a file that only the owner reads) and the database's password."""
    paths.secrets.mkdir(parents=True, exist_ok=True)
    paths.secrets.chmod(0o700)
    passphrase = paths.secrets / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    return passphrase, secrets.token_urlsafe(24)


def remove(paths: SandboxPaths) -> None:
    """Take everything away that the sandbox has written."""
    shutil.rmtree(paths.root, ignore_errors=False)


def _load(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SandboxError(f"{file} is missing: restore it from version control", exit_code=2) from None
    except yaml.YAMLError as error:
        raise SandboxError(f"{file} is not valid YAML ({error}): mend it", exit_code=2) from None
    if not isinstance(document, dict):
        raise SandboxError(f"{file} must hold a mapping: restore it from version control", exit_code=2)
    return document


def _dump(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
