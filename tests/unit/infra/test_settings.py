"""The configuration: the tracked files are sound, and each mistake is one clear sentence."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
import yaml

from infra.errors import ConfigError
from infra.settings import KEYS, Settings, parse
from infra.sites import Role, Site
from tests.unit.infra.recording import PASSWORD, PROJECT, ROOT, attempt, stack_config

PROJECT_FILE: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())


def settings(stack: str = "primary", /, **overrides: str | None) -> Settings:
    config = stack_config(stack if stack in set(Site) else "primary", **overrides)
    return parse(project=PROJECT, stack=stack, config=config, region=config.get("aws:region", ""))


def refusal(site: str = "primary", /, **overrides: str | None) -> str:
    with pytest.raises(ConfigError) as refused:
        settings(site, **overrides)
    return str(refused.value)


@pytest.mark.parametrize("site", list(Site))
def test_the_tracked_stack_files_are_sound(site: Site) -> None:
    read = settings(site)
    assert read.site is site
    assert read.region == site.region
    assert read.peer_region == site.peer.region
    assert not read.disposable, "the tracked files are for real data"


def test_the_two_tracked_stack_files_agree() -> None:
    primary, secondary = settings("primary"), settings("secondary")
    assert {primary.role, secondary.role} == set(Role)
    assert primary.epoch == secondary.epoch
    assert primary.network.cidr == secondary.network.peer_cidr
    assert secondary.network.cidr == primary.network.peer_cidr
    assert not primary.network.cidr.overlaps(secondary.network.cidr)
    assert primary.database.instance_class == secondary.database.instance_class


@pytest.mark.parametrize("site", list(Site))
def test_a_tracked_stack_file_holds_a_password_only_encrypted(site: Site) -> None:
    config = yaml.safe_load((ROOT / f"Pulumi.{site}.yaml").read_text())["config"]
    password = config.get(f"{PROJECT}:databasePassword", {})
    assert not password or set(password) == {"secure"}


def test_every_key_is_described_and_typed_in_the_project_file() -> None:
    described = PROJECT_FILE["config"]
    assert tuple(described) == KEYS
    for key, spec in described.items():
        assert spec["type"] in {"string", "integer", "boolean"}, key
        assert len(spec["description"]) > 20, key


def test_the_password_is_declared_secret_and_has_no_default() -> None:
    spec = PROJECT_FILE["config"]["databasePassword"]
    assert spec["secret"] is True
    assert "default" not in spec


def test_values_are_read_as_what_they_are() -> None:
    read = settings(epoch="7", generation="3", networkCidr="10.64.0.0/18", disposable="true", availabilityZones="2")
    assert (read.epoch, read.generation, read.disposable, read.network.zones) == (7, 3, True, 2)
    assert read.network.cidr == ipaddress.IPv4Network("10.64.0.0/18")


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    message = refusal(epoh="2")
    assert "epoh: there is no such key (did you mean epoch?" in message
    assert "pulumi config rm epoh -s primary" in message


def test_keys_of_other_namespaces_are_left_alone() -> None:
    assert settings(aws__profile="work")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"role": "leader"}, "role: 'leader' is not active or standby"),
        ({"epoch": "0"}, "epoch: '0' is not a whole number of 1 or more"),
        ({"epoch": "1.5"}, "epoch: '1.5' is not a whole number of 1 or more"),
        ({"generation": "-1"}, "generation: '-1' is not a whole number of 1 or more"),
        ({"availabilityZones": "4"}, "availabilityZones: '4' is not a whole number from 2 to 3"),
        ({"networkCidr": "10.20.64.0/18"}, "10.20.64.0/18 overlaps peerNetworkCidr 10.20.0.0/16"),
        ({"networkCidr": "10.10.0.0/21"}, "10.10.0.0/21 is too small for the subnets"),
        ({"networkCidr": "10.0.0.0/8"}, "10.0.0.0/8 is larger than a VPC may be"),
        ({"networkCidr": "10.10.0.1/16"}, "'10.10.0.1/16' is not an IPv4 range"),
        ({"networkCidr": "8.8.0.0/16"}, "8.8.0.0/16 is not a private range"),
        ({"peerNetworkCidr": "ten"}, "peerNetworkCidr: 'ten' is not an IPv4 range"),
        ({"databasePassword": None}, "set it with `pulumi config set --secret databasePassword -s primary`"),
        ({"databasePassword": " "}, "databasePassword: it is missing"),
        ({"databaseName": "partner-db"}, "databaseName: 'partner-db' is not a PostgreSQL name"),
        ({"databaseUsername": "rdsadmin"}, "databaseUsername: 'rdsadmin' is not a PostgreSQL role name"),
        ({"databaseInstanceClass": "m7g.large"}, "'m7g.large' is not an RDS instance class"),
        ({"databaseEngineVersion": "18"}, "'18' is not 17 or 17.<minor>"),
        ({"databaseStorageGib": "10"}, "databaseStorageGib: '10' is not a whole number of 20 or more"),
        ({"databaseMaxStorageGib": "105"}, "105 is not a tenth more than databaseStorageGib 100"),
        ({"bucketNamePrefix": "Goliath"}, "'Goliath' is not 1 to 45 lower-case letters"),
        ({"bucketNamePrefix": "g" * 46}, "is not 1 to 45 lower-case letters"),
        ({"recordsRetentionDays": "0"}, "recordsRetentionDays: '0' is not a whole number from 1"),
        ({"logRetentionDays": "31"}, "logRetentionDays: '31' is not one of 1, 3, 5"),
        ({"disposable": "yes"}, "disposable: 'yes' is not false or true"),
        ({"aws__region": "us-west-2"}, "peerRegion: us-west-2 is this site's own region"),
        ({"peerRegion": "us-east-1"}, "peerRegion: us-east-1 is this site's own region"),
        ({"aws__region": "eu-west-1"}, "aws:region: the primary site is in us-east-1, not in eu-west-1"),
        ({"aws__region": None}, "pulumi config set aws:region us-east-1 -s primary"),
        ({"peerRegion": "eu-west-1"}, "peerRegion: the secondary site is in us-west-2, not in eu-west-1"),
        (
            {"generation": None},
            "generation: it is missing: set it with `pulumi config set generation <value> -s primary`",
        ),
    ],
)
def test_each_mistake_is_one_sentence_that_names_it(overrides: dict[str, str | None], sentence: str) -> None:
    message = refusal(**overrides)
    assert sentence in message
    assert message.startswith("Stack 'primary' is configured wrongly.")
    assert "\n" not in message


@pytest.mark.parametrize(
    "password", ["short", "has a space in it", "with/a/slash/in/it", "with@at-sign-in-it", "x" * 129]
)
def test_a_password_that_rds_refuses_is_refused_without_being_shown(password: str) -> None:
    message = refusal(databasePassword=password)
    assert "databasePassword: it is not 12 to 128 printable ASCII characters" in message
    assert password not in message


def test_a_stack_that_is_no_site_is_refused() -> None:
    message = refusal("production")
    assert "there is no site 'production'" in message
    assert "primary or secondary" in message


def test_all_mistakes_are_told_in_one_run() -> None:
    message = refusal(role="leader", epoch="x", networkCidr="10.20.0.0/16", databasePassword=None)
    assert "configured wrongly in 4 places" in message
    for key in ("role", "epoch", "networkCidr", "databasePassword"):
        assert f"- {key}: " in message


def test_a_refused_configuration_registers_nothing() -> None:
    run = attempt("primary", epoch="0")
    assert isinstance(run.refusal, ConfigError)
    assert not run.resources


def test_settings_do_not_show_the_password() -> None:
    assert PASSWORD not in repr(settings())
