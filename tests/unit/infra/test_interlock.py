"""Two active sites, an old checkout, a database that would be empty: refused before anything is touched."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from infra import interlock, lineage, outputs
from infra.errors import InterlockError, LineageError
from infra.lineage import ReplicaOf, Writable
from infra.outputs import Published
from infra.settings import Settings
from infra.sites import Role
from tests.unit.infra.recording import attempt
from tests.unit.infra.test_settings import settings


@pytest.fixture
def primary_said(provisioned: dict[str, Any]) -> Published:
    return published(provisioned["primary"], "primary")


@pytest.fixture
def secondary_said(provisioned: dict[str, Any]) -> Published:
    return published(provisioned["secondary"], "secondary")


def published(exported: dict[str, Any], stack: str) -> Published:
    read = outputs.read(exported, stack)
    assert read is not None
    return read


def configured(stack: str, role: str, epoch: int, generation: int = 1) -> Settings:
    return settings(stack, role=role, epoch=str(epoch), generation=str(generation))


# The interlock


@pytest.mark.parametrize("epoch", [1, 2, 7])
def test_active_refuses_while_the_peer_is_active_with_an_epoch_that_is_not_lower(
    primary_said: Published, epoch: int
) -> None:
    peer = dataclasses.replace(primary_said, epoch=7)
    with pytest.raises(InterlockError) as refused:
        interlock.check(configured("secondary", "active", epoch), None, peer)
    message = str(refused.value)
    assert f"configured active with epoch {epoch}, but the primary site is active with epoch 7" in message
    assert "pulumi config set role standby -s secondary" in message
    assert "pulumi config set epoch 8 -s secondary" in message


def test_active_may_run_while_the_lost_peer_still_says_active_with_a_lower_epoch(
    primary_said: Published, secondary_said: Published
) -> None:
    interlock.check(configured("secondary", "active", 2), secondary_said, primary_said)


def test_active_refuses_when_the_peer_was_made_standby_by_a_later_decision(primary_said: Published) -> None:
    peer = dataclasses.replace(primary_said, role=Role.STANDBY, epoch=3)
    with pytest.raises(InterlockError, match="older than the last failover"):
        interlock.check(configured("secondary", "active", 2), None, peer)


def test_an_old_checkout_cannot_turn_an_active_site_into_a_standby(secondary_said: Published) -> None:
    own = dataclasses.replace(secondary_said, role=Role.ACTIVE, epoch=2)
    with pytest.raises(InterlockError, match=r"already at epoch 2 \(active\).*git pull"):
        interlock.check(configured("secondary", "standby", 1), own, None)


def test_standby_runs_whatever_the_peers_epoch_is(primary_said: Published, secondary_said: Published) -> None:
    for epoch in (1, 2):
        interlock.check(configured("secondary", "standby", epoch), secondary_said, primary_said)


def test_the_first_active_site_has_nobody_to_ask() -> None:
    interlock.check(configured("primary", "active", 1), None, None)


# The lineage of the database


def test_the_first_database_of_an_active_site_is_writable() -> None:
    assert lineage.source(configured("primary", "active", 1), None, None) == Writable()


def test_a_standby_follows_the_peers_database(primary_said: Published) -> None:
    assert primary_said.database is not None
    source = lineage.source(configured("secondary", "standby", 1), None, primary_said)
    assert source == ReplicaOf(primary_said.database.arn)


def test_a_standby_before_its_peer_has_no_database() -> None:
    assert lineage.source(configured("secondary", "standby", 1), None, None) is None


def test_a_replica_is_promoted_under_its_own_generation(primary_said: Published, secondary_said: Published) -> None:
    assert lineage.source(configured("secondary", "active", 2), secondary_said, primary_said) == Writable()


def refused(stack: str, role: str, generation: int, own: Published | None, peer: Published | None) -> str:
    with pytest.raises(LineageError) as caught:
        lineage.source(configured(stack, role, 2, generation), own, peer)
    return str(caught.value)


def test_a_promotion_with_a_new_generation_is_refused_as_it_would_be_empty(
    primary_said: Published, secondary_said: Published
) -> None:
    message = refused("secondary", "active", 2, secondary_said, primary_said)
    assert "a new generation of an active site would be empty" in message
    assert "pulumi config set generation 1 -s secondary" in message


def test_a_site_without_a_replica_cannot_become_active_beside_one_with_data(primary_said: Published) -> None:
    message = refused("secondary", "active", 1, None, primary_said)
    assert "no database, and the primary site has one (partner-db-primary-1)" in message


def test_a_former_active_needs_a_new_generation_to_become_a_standby(
    primary_said: Published, secondary_said: Published
) -> None:
    peer = dataclasses.replace(secondary_said, role=Role.ACTIVE, epoch=2)
    message = refused("primary", "standby", 1, primary_said, peer)
    assert "RDS cannot turn it into a replica" in message
    assert "pulumi config set generation 2 -s primary" in message
    assert isinstance(lineage.source(configured("primary", "standby", 2, 2), primary_said, peer), ReplicaOf)


def test_a_replica_whose_source_was_made_anew_needs_a_new_generation(
    primary_said: Published, secondary_said: Published
) -> None:
    assert primary_said.database is not None
    moved = dataclasses.replace(primary_said.database, arn=primary_said.database.arn + "0")
    message = refused("secondary", "standby", 1, secondary_said, dataclasses.replace(primary_said, database=moved))
    assert "RDS cannot make it follow" in message
    assert "pulumi config set generation 2 -s secondary" in message


def test_two_standbys_are_refused(primary_said: Published, secondary_said: Published) -> None:
    peer = dataclasses.replace(primary_said, role=Role.STANDBY)
    assert "nothing to follow" in refused("secondary", "standby", 1, secondary_said, peer)


def test_a_standby_whose_peer_vanished_keeps_its_database(secondary_said: Published) -> None:
    message = refused("secondary", "standby", 1, secondary_said, None)
    assert "would drop partner-db-secondary-1 from the state" in message


def test_a_generation_never_goes_down(primary_said: Published) -> None:
    own = dataclasses.replace(primary_said, generation=3)
    assert "older than generation 3, which runs" in refused("primary", "active", 2, own, None)


# In the program


@pytest.mark.parametrize(
    ("stack", "overrides"),
    [
        ("secondary", {"role": "active"}),
        ("secondary", {"role": "active", "epoch": "2", "generation": "2"}),
        ("primary", {"role": "standby", "epoch": "2", "generation": "2"}),
    ],
)
def test_a_refusal_registers_nothing(provisioned: dict[str, Any], stack: str, overrides: dict[str, str]) -> None:
    run = attempt(stack, provisioned, **overrides)
    assert isinstance(run.refusal, InterlockError | LineageError)
    assert not run.resources
