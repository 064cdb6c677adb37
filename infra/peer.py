"""Reads what stacks published, before anything of this run is registered."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pulumi

from infra.errors import ProgramError
from infra.outputs import Published, read
from infra.settings import Settings
from infra.sites import Site

PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds between the tries to read a state."""


def published_by(site: Site) -> Published | None:
    """The outputs of a site's stack, from the state backend: no call goes to the site's region.

    None when the stack does not exist yet, or was never updated. It is the engine's own function behind a
    StackReference; docs/decisions/0001 says why it is called directly.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{site}"
    result = _read(name)
    outputs = result.get("outputs") if isinstance(result, Mapping) else None
    return read(outputs, site) if isinstance(outputs, Mapping) else None


def _read(name: str) -> object:
    """What the engine says of a stack; None if there is no such stack. Raises ProgramError.

    Asked again for a moment: the engine writes this very state while the program runs, and a file backend replaces its
    file and the file's attributes one after the other, so a read in between fails ("EOF").
    """
    for pause in (*PAUSES, None):
        try:
            return pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
        except Exception as error:
            if "unknown stack" in str(error):
                return None
            if pause is None:
                raise ProgramError(
                    f"The outputs of stack {name!r} cannot be read from the state backend ({error}). Nothing was "
                    "changed; without them it is not known whether the other site is active, so repair the access to "
                    "the backend first."
                ) from error
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def check_agreement(settings: Settings, peer: Published | None) -> None:
    """The peer's network is where the configuration thinks it is. Raises ProgramError."""
    if peer is not None and str(settings.network.peer_cidr) != peer.network.cidr:
        raise ProgramError(
            f"peerNetworkCidr says {settings.network.peer_cidr}, but the {peer.site} site's network is "
            f"{peer.network.cidr}: correct it with `pulumi config set peerNetworkCidr {peer.network.cidr} "
            f"-s {settings.site}`."
        )
