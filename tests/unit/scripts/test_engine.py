"""What the engine says reaches the user as one clear sentence with what to do."""

from __future__ import annotations

import pytest
from pulumi.automation import events

from scripts.lib import engine
from scripts.lib.exit_codes import ExitCode
from scripts.lib.observation import _lsn
from scripts.lib.sites import Site

LOCKED = """stderr: error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or
delete the lock file with `pulumi cancel`.
  file:///state/.pulumi/locks/organization/p/primary/1.json: created by somebody@host (pid 4711) at 2026-01-01T00:00:00Z
"""


def test_a_lock_names_its_holder_and_how_to_break_it() -> None:
    error = engine._locked(Site.PRIMARY, LOCKED)
    assert "somebody@host (pid 4711)" in str(error)
    assert "pulumi cancel -s primary" in str(error)
    assert error.exit_code is ExitCode.REFUSED


def test_a_missing_value_says_which_and_how_to_set_it() -> None:
    text = "code: 255\nstderr: error: Stack 'secondary' is missing configuration value 'databasePassword'"
    error = engine._failed(Site.SECONDARY, [], text)
    assert "pulumi config set databasePassword -s secondary" in str(error)
    assert error.exit_code is ExitCode.USAGE


def test_an_error_is_told_once_and_without_the_commands_whole_output() -> None:
    error = engine._failed(
        Site.PRIMARY, ["rds/instance database-1: refused", "rds/instance database-1: refused"], "noise"
    )
    assert str(error).count("refused") == 1
    assert "noise" not in str(error)


def test_errors_of_resources_are_collected_with_their_names() -> None:
    watcher = engine._Watcher(lambda _: None)
    urn = "urn:pulumi:primary::p::goliath:site:Database$aws:rds/instance:Instance::database-1"
    watcher(
        events.EngineEvent(
            sequence=1,
            timestamp=0,
            diagnostic_event=events.DiagnosticEvent(
                message="\x1b[31merror: api error DBInstanceAlreadyExists\x1b[0m\n",
                color="raw",
                severity="error",
                urn=urn,
            ),
        )
    )
    assert watcher.errors == ["rds/instance database-1: error: api error DBInstanceAlreadyExists"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"same": 112}, "112 unchanged"),
        ({"create": 6, "same": 112}, "6 created, 112 unchanged"),
        ({}, "nothing to do"),
    ],
)
def test_what_an_update_did_is_said_in_words(changes: dict[str, int], text: str) -> None:
    assert str(engine.UpResult(changes)) == text


def test_only_an_update_without_change_counts_as_unchanged() -> None:
    assert engine.UpResult({"same": 3}).unchanged
    assert not engine.UpResult({"same": 3, "update": 1}).unchanged
    assert engine.UpResult({"same": 3, "update": 0}).unchanged


def test_log_positions_are_compared_as_bytes() -> None:
    assert _lsn("0/16B3748") == 0x16B3748
    assert _lsn("1/0") - _lsn("0/FFFFFFFF") == 1
