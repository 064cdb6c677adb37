"""The verbs read the stacks' outputs once, typed, and say plainly when they do not fit."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from infra import outputs as program
from scripts.lib import outputs
from scripts.lib.errors import DrError
from scripts.lib.exit_codes import ExitCode
from scripts.lib.outputs import SiteOutputs, active_and_standby
from scripts.lib.sites import Role, Site

DOCUMENT: dict[str, Any] = {
    "site": "primary",
    "region": "us-east-1",
    "role": "active",
    "epoch": 1,
    "generation": 1,
    "peerSeen": True,
    "accountId": "123456789012",
    "keyAlias": "alias/k",
    "network": {"cidr": "10.0.0.0/16", "vpcId": "vpc-1"},
    "keyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "buckets": {"backups": "b", "uploads": "u", "logs": "l", "records": "r"},
    "databaseSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
    "somethingNewer": {"is": "ignored"},
}


def _site(**changes: Any) -> SiteOutputs:
    return SiteOutputs.model_validate({**DOCUMENT, **changes})


def test_every_output_that_a_verb_reads_is_one_that_the_program_exports() -> None:
    exported = {path for path, _ in program.documentation()}
    models = {
        "": outputs.SiteOutputs,
        "database.": outputs.DatabaseOutputs,
        "buckets.": outputs.BucketOutputs,
        "network.": outputs.NetworkOutputs,
    }
    read = {f"{prefix}{field.alias}" for prefix, model in models.items() for field in model.model_fields.values()}
    parts = {prefix.rstrip(".") for prefix in models}
    assert read - parts <= exported, read - parts - exported


def test_the_purposes_that_replicate_are_those_of_the_program() -> None:
    from infra.replication import REPLICATED

    assert {purpose.value for purpose in REPLICATED} == set(outputs.REPLICATED)


def test_an_output_of_a_newer_program_is_ignored() -> None:
    assert _site().site is Site.PRIMARY


def test_outputs_of_another_shape_are_named() -> None:
    with pytest.raises(DrError, match="epoch"):
        outputs._parse(Site.PRIMARY, {**DOCUMENT, "epoch": "many"})


def test_one_active_and_one_standby_are_told_apart() -> None:
    primary = _site()
    secondary = _site(site="secondary", role="standby")
    for sites in (
        {Site.PRIMARY: primary, Site.SECONDARY: secondary},
        {Site.PRIMARY: secondary, Site.SECONDARY: primary},
    ):
        active, standby = active_and_standby(sites)
        assert (active.role, standby.role) == (Role.ACTIVE, Role.STANDBY)


@pytest.mark.parametrize("role", ["active", "standby"])
def test_two_sites_of_one_role_are_refused_with_both_epochs(role: str) -> None:
    sites = {Site.PRIMARY: _site(role=role, epoch=3), Site.SECONDARY: _site(site="secondary", role=role, epoch=4)}
    with pytest.raises(DrError, match=r"epoch 3.*epoch 4") as caught:
        active_and_standby(sites)
    assert caught.value.exit_code is ExitCode.REFUSED


def test_a_site_that_is_not_provisioned_is_named() -> None:
    with pytest.raises(DrError, match=r"secondary.*dr provision"):
        active_and_standby({Site.PRIMARY: _site(), Site.SECONDARY: None})


def test_the_models_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _site().epoch = 9  # type: ignore[misc]
    assert dataclasses.is_dataclass(program.SiteOutputs)
