"""What is installed beside the SDK: the plugins that the engine will need, and the list for ``pulumi about``."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Parameterization:
    """For a package that a plugin generates out of parameters."""

    name: str
    version: str
    value: bytes


@dataclass(frozen=True)
class RequiredPlugin:
    """A resource plugin, as the package that needs it says in its pulumi-plugin.json."""

    name: str
    version: str
    server: str = ""
    parameterization: Parameterization | None = None


def required_plugins() -> tuple[RequiredPlugin, ...]:
    """One for every installed package of resources; packages that say that they have no plugin are left out."""
    found = (_plugin(file) for entry in sys.path for file in sorted(Path(entry).glob("*/pulumi-plugin.json")))
    return tuple(plugin for plugin in found if plugin is not None)


def _plugin(file: Path) -> RequiredPlugin | None:
    """As the official host does: what the file leaves out is taken from the package's own name and version."""
    described = json.loads(file.read_text())
    if not described.get("resource"):
        return None
    module = file.parent.name
    name = described.get("name") or module.removeprefix("pulumi_")
    version = described.get("version") or metadata.version(module)
    parameters = described.get("parameterization")
    return RequiredPlugin(
        name=name,
        version=f"v{version.removeprefix('v')}",
        server=described.get("server", ""),
        parameterization=Parameterization(
            parameters["name"], parameters["version"], base64.b64decode(parameters["value"])
        )
        if parameters
        else None,
    )


def dependencies(*, transitive: bool) -> tuple[tuple[str, str], ...]:
    """Names and versions of what is installed; unless ``transitive``, without what only others require."""
    installed = {_normalized(one.name): (one.name, one.version) for one in metadata.distributions()}
    if not transitive:
        for required in {name for one in metadata.distributions() for name in _requirements(one)}:
            installed.pop(required, None)
    return tuple(sorted(installed.values()))


def _requirements(distribution: metadata.Distribution) -> Iterator[str]:
    for requirement in distribution.requires or ():
        if match := re.match(r"[\w.-]+", requirement):
            yield _normalized(match[0])


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
