"""The core: property values on the wire, Check, Diff, the operations, waiting. No service is special to it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core import configuration, operations
from sandbox.provider.core.aws import Aws, Settings, describe
from sandbox.provider.core.check import FILLED, check
from sandbox.provider.core.diff import diff
from sandbox.provider.core.operations import PartialFailure
from sandbox.provider.core.registry import table
from sandbox.provider.core.resource import Call, Cancelled, Resource, ResourceError, canonical_json
from sandbox.provider.core.values import UNKNOWN, Properties, from_struct, has_unknown, to_struct
from sandbox.provider.services.ec2 import Vpc
from sandbox.provider.services.ec2_endpoints import VpcEndpoint
from sandbox.provider.services.ec2_security import SecurityGroup, SecurityGroupIngressRule
from sandbox.provider.services.iam import Policy, RolePolicyAttachment
from sandbox.provider.services.iam_role import Role

_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hush"}


def call(timeout: float = 5.0, cancelled: threading.Event | None = None) -> Call:
    return Call(
        Aws(Settings(region="us-east-1")),
        urn="urn:pulumi:s::p::t::n",
        region="us-east-1",
        timeout=timeout,
        cancelled=cancelled or threading.Event(),
        say=lambda _: None,
    )


def checked(
    kind: type[Resource], old: Properties | None = None, **new: Any
) -> tuple[Properties, list[tuple[str, str]]]:
    inputs, failures = check(kind, name="web", region="us-west-2", seed=b"x", old=old or {}, new=new)
    return inputs, list(failures)


# -- values


def test_values_survive_the_wire() -> None:
    values = {"text": "a", "whole": 3, "broken": 1.5, "yes": True, "list": ["a", {"b": 1}], "map": {"k": "v"}}
    assert from_struct(to_struct(values)) == values


def test_an_unknown_stays_unknown_on_the_wire_and_is_found_wherever_it_hides() -> None:
    back = from_struct(to_struct({"deep": [{"id": UNKNOWN}]}))
    assert back["deep"][0]["id"] is UNKNOWN
    assert has_unknown(back)
    assert not has_unknown({"deep": [{"id": "known"}]})


def test_a_secret_is_unwrapped_and_nothing_is_left_out_of_a_null() -> None:
    assert from_struct(to_struct({"password": _SECRET})) == {"password": "hush"}
    assert "gone" not in to_struct({"gone": None}).fields


# -- check


def test_an_unknown_property_is_named_in_the_refusal() -> None:
    _, failures = checked(Vpc, cidrBlock="10.0.0.0/16", cidrBlok="10.0.0.0/16")
    assert [key for key, _ in failures] == ["cidrBlok"]
    assert "aws:ec2/vpc:Vpc" in failures[0][1]


def test_a_missing_property_is_refused_and_an_unknown_value_is_not_missing() -> None:
    assert [key for key, _ in checked(SecurityGroupIngressRule, ipProtocol="-1", cidrIpv4="10.0.0.0/8")[1]] == [
        "securityGroupId"
    ]
    _, failures = checked(SecurityGroupIngressRule, ipProtocol="-1", cidrIpv4=UNKNOWN, securityGroupId=UNKNOWN)
    assert failures == []


def test_defaults_and_the_region_are_filled_in_and_remembered_as_filled_in() -> None:
    inputs, _ = checked(Vpc, cidrBlock="10.0.0.0/16")
    assert inputs["region"] == "us-west-2"
    assert inputs["enableDnsSupport"] is True
    assert {"region", "enableDnsSupport"} <= set(inputs[FILLED])


def test_a_global_type_has_no_region() -> None:
    inputs, _ = checked(Role, assumeRolePolicy="{}")
    assert "region" not in inputs


def test_a_made_name_is_the_resource_name_and_seven_digits_and_stays_at_the_next_check() -> None:
    first, _ = checked(SecurityGroup, vpcId="vpc-1")
    stem, _, digits = first["name"].rpartition("-")
    assert (stem, len(digits)) == ("web", 7)
    assert int(digits, 16) >= 0
    again, _ = check(SecurityGroup, name="web", region="us-west-2", seed=b"another", old=first, new={"vpcId": "vpc-1"})
    assert again["name"] == first["name"]


def test_a_name_prefix_begins_the_name() -> None:
    inputs, failures = checked(Role, assumeRolePolicy="{}", namePrefix="night-")
    assert inputs["name"].startswith("night-")
    assert failures == []


def test_a_name_and_a_prefix_together_are_refused() -> None:
    _, failures = checked(Role, assumeRolePolicy="{}", namePrefix="night-", name="watch")
    assert [key for key, _ in failures] == ["namePrefix"]


def test_a_policy_that_is_no_json_is_refused_and_an_unknown_one_is_not() -> None:
    assert [key for key, _ in checked(Policy, policy="{not json")[1]] == ["policy"]
    assert checked(Policy, policy=UNKNOWN)[1] == []


# -- diff


def _vpc(**inputs: Any) -> tuple[Properties, Properties]:
    found, _ = checked(Vpc, cidrBlock="10.0.0.0/16", **inputs)
    state = {**{key: value for key, value in found.items() if key != FILLED}, "enableDnsHostnames": False}
    return found, {**state, "id": "vpc-1", "tags": inputs.get("tags", {})}


def test_the_same_program_is_no_difference() -> None:
    inputs, state = _vpc(tags={"site": "primary"})
    assert diff(Vpc, state=state, old_inputs=inputs, new=inputs).changes == ()


def test_leaving_out_what_aws_fills_in_is_no_difference_and_leaving_out_a_plain_input_is_one() -> None:
    inputs, state = _vpc(tags={"site": "primary"}, enableDnsHostnames=True)
    state["enableDnsHostnames"] = True
    new, _ = _vpc()
    assert diff(Vpc, state=state, old_inputs=inputs, new=new).changed == {"tags"}


def test_a_tag_that_somebody_added_is_a_difference() -> None:
    inputs, state = _vpc(tags={"site": "primary"})
    state["tags"] = {"site": "primary", "by": "hand"}
    found = diff(Vpc, state=state, old_inputs=inputs, new=inputs)
    assert [(change.path, change.kind) for change in found.changes] == [("tags.by", "delete")]
    assert not found.replace


def test_what_the_facts_call_a_replacement_is_one_and_a_made_name_lets_the_new_come_first() -> None:
    old, _ = checked(SecurityGroup, vpcId="vpc-1")
    new, _ = checked(SecurityGroup, old=old, vpcId="vpc-2")
    found = diff(SecurityGroup, state=old, old_inputs=old, new=new)
    assert found.replace
    assert not found.delete_before_replace


def test_a_name_of_the_programs_own_makes_the_old_go_first() -> None:
    old, _ = checked(SecurityGroup, vpcId="vpc-1", name="web")
    new, _ = checked(SecurityGroup, old=old, vpcId="vpc-2", name="web")
    assert diff(SecurityGroup, state=old, old_inputs=old, new=new).delete_before_replace


def test_an_attachment_is_always_detached_first() -> None:
    old, _ = checked(RolePolicyAttachment, role="a", policyArn="arn:aws:iam::123456789012:policy/a")
    new, _ = checked(RolePolicyAttachment, role="b", policyArn="arn:aws:iam::123456789012:policy/a")
    found = diff(RolePolicyAttachment, state=old, old_inputs=old, new=new)
    assert found.replace
    assert found.delete_before_replace


def test_another_order_of_a_set_is_no_difference_and_another_element_is_one() -> None:
    inputs, _ = checked(VpcEndpoint, vpcId="vpc-1", serviceName="s", subnetIds=["b", "a"])
    state = {**inputs, "subnetIds": ["a", "b"]}
    assert diff(VpcEndpoint, state=state, old_inputs=inputs, new=inputs).changes == ()
    state["subnetIds"] = ["a", "c"]
    assert diff(VpcEndpoint, state=state, old_inputs=inputs, new=inputs).changed == {"subnetIds"}


def test_an_unknown_is_an_update_and_under_a_replacing_input_a_replacement() -> None:
    inputs, state = _vpc()
    assert diff(Vpc, state=state, old_inputs=inputs, new={**inputs, "tags": {"a": UNKNOWN}}).changed == {"tags"}
    assert diff(Vpc, state=state, old_inputs=inputs, new={**inputs, "cidrBlock": UNKNOWN}).replace


def test_a_policy_in_other_words_is_no_difference() -> None:
    one = json.dumps({"Version": "2012-10-17", "Statement": [{"Action": ["a:B"], "Effect": "Allow", "Resource": "*"}]})
    other = json.dumps(
        {"Statement": [{"Effect": "Allow", "Resource": ["*"], "Action": "a:B"}], "Version": "2012-10-17"}
    )
    assert canonical_json(one) == canonical_json(other)
    inputs, _ = checked(Policy, policy=one)
    assert diff(Policy, state={**inputs, "policy": other}, old_inputs=inputs, new=inputs).changes == ()


def test_a_change_that_failed_half_way_is_not_forgotten() -> None:
    # the engine keeps the new inputs of a failed update, so only the state knows that it was not done
    boundary = "arn:aws:iam::123456789012:policy/edge"
    inputs, _ = checked(Role, assumeRolePolicy="{}", permissionsBoundary=boundary)
    state = {key: value for key, value in inputs.items() if key not in (FILLED, "permissionsBoundary")}
    assert diff(Role, state=state, old_inputs=inputs, new=inputs).changed == {"permissionsBoundary"}


# -- operations


class Fragile(Vpc):
    """It exists, and then something goes wrong."""

    exists = True

    def create(self, inputs: Properties) -> str:
        del inputs
        self.call.made("vpc-1")
        raise ResourceError("no luck")

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        del state
        return {"id": resource_id, "cidrBlock": "10.0.0.0/16"} if self.exists else None


class Forgetful(Fragile):
    """It is made, is not said to be made, and then cannot be read."""

    exists = False

    def create(self, inputs: Properties) -> str:
        del inputs
        return "vpc-2"


def test_a_preview_knows_the_inputs_and_nothing_that_aws_fills_in() -> None:
    inputs, _ = checked(Vpc, cidrBlock="10.0.0.0/16")
    planned = operations.preview_create(Vpc, inputs)
    assert planned["cidrBlock"] == "10.0.0.0/16"
    assert planned["arn"] is UNKNOWN
    assert not any(key.startswith("__") for key in planned)


def test_what_was_made_before_the_failure_is_reported_with_its_state() -> None:
    with pytest.raises(PartialFailure) as failure:
        operations.create(Fragile, call(), {"cidrBlock": "10.0.0.0/16"})
    assert failure.value.resource_id == "vpc-1"
    assert failure.value.state["cidrBlock"] == "10.0.0.0/16"
    assert str(failure.value.cause) == "no luck"


def test_what_exists_is_never_lost_even_when_its_class_forgets_to_say_so() -> None:
    with pytest.raises(PartialFailure) as failure:
        operations.create(Forgetful, call(), {"cidrBlock": "10.0.0.0/16"})
    assert failure.value.resource_id == "vpc-2"


def test_a_thing_that_is_gone_reads_as_nothing() -> None:
    made = operations.read(Forgetful, call(), "vpc-1", {}, {"cidrBlock": "10.0.0.0/16"})
    assert (made.resource_id, made.state) == ("", {})


def test_a_setting_made_behind_the_engines_back_shows_up_as_an_input() -> None:
    class Tagged(Fragile):
        def read(self, resource_id: str, state: Properties) -> Properties | None:
            del state
            return {"id": resource_id, "cidrBlock": "10.0.0.0/16", "tags": {"by": "hand"}}

    made = operations.read(Tagged, call(), "vpc-1", {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16"})
    assert made.inputs["tags"] == {"by": "hand"}


# -- waiting


def test_a_wait_ends_with_the_last_status_when_its_time_is_over() -> None:
    with pytest.raises(
        ResourceError, match=r"timeout while waiting for the moon \(last status: rising, timeout: 0\.2s"
    ):
        call(timeout=0.2).wait("the moon", lambda: (False, "rising"))


def test_a_wait_ends_when_the_engine_is_told_to_stop() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        call(timeout=60.0, cancelled=cancelled).wait("the moon", lambda: (False, "rising"))


def _refusal(code: str) -> ClientError:
    details: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(details, "DeleteVpc")


def test_only_the_named_refusals_are_tried_again() -> None:
    answers: list[Exception | str] = [_refusal("DependencyViolation"), "done"]

    def act() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert call().retry_on(("DependencyViolation",), act) == "done"
    answers.append(_refusal("Blocked"))
    with pytest.raises(ClientError, match="Blocked"):
        call().retry_on(("DependencyViolation",), act)


def test_awss_refusal_is_reported_with_operation_status_and_code() -> None:
    said = describe(_refusal("DependencyViolation"))
    assert said == "operation error DeleteVpc: https response error StatusCode: 400, api error DependencyViolation: no"


# -- the table and the configuration


def test_one_type_has_one_class_and_every_class_has_facts() -> None:
    class Unheard(Vpc):
        token = "aws:ec2/cloud:Cloud"

    assert table((Vpc, Role))["aws:iam/role:Role"] is Role
    with pytest.raises(LookupError, match="twice"):
        table((Vpc, Vpc))
    with pytest.raises(LookupError, match="aws:ec2/cloud:Cloud"):
        table((Unheard,))


def test_a_configuration_key_that_is_not_honoured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert [key for key, _ in configuration.failures({"region": "us-east-1", "assumeRoles": "[]"})] == ["assumeRoles"]
    assert [key for key, _ in configuration.failures({})] == ["region"]
    settings = configuration.parse({"region": "us-east-1", "skipCredentialsValidation": "true", "maxRetries": "5"})
    assert (settings.skip_credentials_validation, settings.max_retries) == (True, 5)
