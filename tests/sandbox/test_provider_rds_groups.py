"""Parameter groups and subnet groups of the provider on the real cloud process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.services.rds_groups import ParameterGroup, SubnetGroup
from tests.sandbox import provider_rds as given
from tests.sandbox.cloud_fixtures import unique
from tests.sandbox.provider_rds import Make, assert_imported
from tests.sandbox.rds_helpers import EAST
from tests.unit.provider.program import Program

# fixtures
aws = given.aws
resource = given.resource
shared = given.shared
spare_wanted = given.spare_wanted
spare_made = given.spare_made
spare = given.spare


def test_a_parameter_group_holds_what_the_program_lists_and_nothing_else(resource: Make) -> None:
    program = resource(ParameterGroup)
    parameters = [
        {"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"},
        {"name": "log_min_duration_statement", "value": "1000"},
        {"name": "max_connections", "value": "50", "applyMethod": "pending-reboot"},
    ]
    wanted = {"name": unique("group"), "family": "postgres17", "description": "x", "parameters": parameters}
    program.up(**wanted)
    assert program.plan(**wanted).changes == ()
    program.refresh()
    assert program.plan(**wanted).changes == ()
    other_method = [{**item, "applyMethod": "pending-reboot"} for item in reversed(parameters)]
    assert program.plan(**{**wanted, "parameters": other_method}).changes == ()

    fewer = {**wanted, "parameters": [{"name": "log_min_duration_statement", "value": "500"}], "tags": {"a": "1"}}
    program.up(**fewer)
    assert program.plan(**fewer).changes == ()
    program.client("rds").modify_db_parameter_group(
        DBParameterGroupName=program.id,
        Parameters=[{"ParameterName": "log_lock_waits", "ParameterValue": "1", "ApplyMethod": "immediate"}],
    )
    program.refresh()
    assert program.plan(**fewer).changed == {"parameters"}, "somebody set another one"
    program.up(**fewer)
    program.refresh()
    assert program.plan(**fewer).changes == ()
    assert program.plan(**{**fewer, "description": "y"}).replace
    assert_imported(resource, ParameterGroup, program.id, fewer)


def test_a_parameter_group_in_use_is_kept_until_it_is_free_and_skip_destroy_forgets_it(
    resource: Make, spare: Program, spare_wanted: dict[str, Any]
) -> None:
    program = resource(ParameterGroup)
    wanted = {"name": unique("group"), "family": "postgres17"}
    program.up(**wanted)
    spare.up(**spare_wanted, parameterGroupName=program.id)
    program.timeout = 1.0
    with pytest.raises(ClientError, match="InvalidDBParameterGroupState"):
        program.destroy()
    program.up(**wanted, skipDestroy=True)
    program.destroy()
    assert program.refresh()["name"] == program.id
    spare.up(**spare_wanted, parameterGroupName="default.postgres17")
    program.up(**wanted)
    program.destroy()
    program.refresh()
    assert program.id == ""


def test_a_subnet_group_changes_its_subnets_in_place(client: Callable[..., Any], resource: Make) -> None:
    # those of the default network: other tests may have made networks of their own in this cloud
    described = client("ec2", EAST).describe_subnets()["Subnets"]
    subnets = [item["SubnetId"] for item in described if item["DefaultForAz"]][:3]
    program = resource(SubnetGroup)
    wanted = {"name": unique("subnets"), "subnetIds": subnets[:2], "tags": {"a": "1"}}
    program.up(**wanted)
    program.refresh()
    assert program.plan(**{**wanted, "subnetIds": list(reversed(subnets[:2]))}).changes == ()
    assert program.state["description"] == "Managed by Pulumi"
    assert program.state["vpcId"].startswith("vpc-")
    more = {**wanted, "subnetIds": subnets, "tags": {"b": "1"}}
    program.up(**more)
    program.refresh()
    assert program.plan(**more).changes == ()
    assert_imported(resource, SubnetGroup, program.id, more)
    program.destroy()
    program.destroy()
    program.refresh()
    assert program.id == ""
