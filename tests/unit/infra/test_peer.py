"""A state that is being written at this moment is read a moment later; one that cannot be read stops the run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from infra import peer
from infra.errors import ProgramError
from infra.sites import Site


class Backend:
    """Fails with the given errors, then answers that the stack has no outputs."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)

    def __call__(self, _token: str, _args: dict[str, Any]) -> Any:
        if self.errors:
            raise RuntimeError(self.errors.pop(0))
        return SimpleNamespace(value={"outputs": {}})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(pulumi, "get_organization", lambda: "organization")
    monkeypatch.setattr(pulumi, "get_project", lambda: "project")


def test_a_state_that_is_just_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend("failed to load checkpoint: EOF", "failed to load checkpoint: EOF")
    monkeypatch.setattr(pulumi.runtime, "invoke", backend)
    assert peer.published_by(Site.PRIMARY) is None
    assert backend.errors == []


def test_a_state_that_cannot_be_read_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "invoke", Backend(*["permission denied"] * 9))
    with pytest.raises(ProgramError, match=r"organization/project/secondary.*permission denied"):
        peer.published_by(Site.SECONDARY)


def test_an_unknown_stack_is_a_peer_that_is_not_there_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend('unknown stack "organization/project/secondary"', "never reached")
    monkeypatch.setattr(pulumi.runtime, "invoke", backend)
    assert peer.published_by(Site.SECONDARY) is None
    assert backend.errors == ["never reached"]
