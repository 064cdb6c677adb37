"""KMS keys, aliases, secrets and their versions: made as asked, no difference afterwards, drift seen, secrets kept."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provider.core.values import UNKNOWN, from_struct, to_struct
from sandbox.provider.services.kms import Alias, Key
from sandbox.provider.services.secretsmanager import Secret, SecretVersion
from tests.unit.provider.program import Program, Refused, cloud

ROOT = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "IamPoliciesDecide",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": ["kms:*"],
            "Resource": ["*"],
        }
    ],
}
KEY = {
    "description": "everything of the site",
    "enableKeyRotation": True,
    "deletionWindowInDays": 7,
    "policy": json.dumps(ROOT),
    "tags": {"site": "primary"},
}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with cloud():
        yield


def key(**inputs: Any) -> Program:
    made = Program(Key)
    made.up(**{**KEY, **inputs})
    return made


def secret(**inputs: Any) -> Program:
    made = Program(Secret)
    made.up(name="partner/database", **inputs)
    return made


def test_a_key_has_what_was_asked_for_and_is_then_no_difference() -> None:
    made = key()
    live = made.client("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert made.state["arn"] == live["Arn"]
    assert made.state["keyId"] == made.id
    assert made.client("kms").get_key_rotation_status(KeyId=made.id)["KeyRotationEnabled"]
    assert made.state["tagsAll"] == {"site": "primary"}
    made.refresh()
    assert made.plan(**KEY).changes == ()


def test_a_key_can_be_imported() -> None:
    made = key()
    other = Program(Key)
    other.imported(made.id)
    changed = other.plan(**KEY).changes
    assert [change.path for change in changed] == ["deletionWindowInDays"]  # AWS does not tell it
    assert not other.plan(**KEY).replace


def test_a_key_changes_in_place() -> None:
    made = key()
    wanted = {
        **KEY,
        "description": "other",
        "enableKeyRotation": False,
        "isEnabled": False,
        "policy": json.dumps({**ROOT, "Id": "second"}),
        "tags": {"site": "secondary"},
    }
    made.up(**wanted)
    made.refresh()
    assert made.plan(**wanted).changes == ()
    assert made.state["isEnabled"] is False
    made.up(**KEY)  # a disabled key is enabled before anything else
    assert made.plan(**KEY).changes == ()


def test_a_key_that_somebody_disabled_is_a_difference() -> None:
    made = key()
    made.client("kms").disable_key(KeyId=made.id)
    made.refresh()
    assert made.plan(**KEY).changed == {"isEnabled"}


def test_a_key_that_waits_for_its_deletion_is_gone() -> None:
    made = key()
    made.destroy()
    dead = made.client("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert dead["KeyState"] == "PendingDeletion"
    made.destroy()  # twice is no error
    made.refresh()
    assert made.id == ""


def test_the_kind_of_a_key_is_a_replacement_and_its_policy_is_kept_when_left_out() -> None:
    made = key()
    assert made.plan(**KEY, multiRegion=True).replace
    without = {name: value for name, value in KEY.items() if name != "policy"}
    assert made.plan(**without).changes == ()


def test_only_the_deletion_window_is_no_call_and_counts_at_delete() -> None:
    made = key()
    made.up(**{**KEY, "deletionWindowInDays": 30})
    made.destroy()
    dead = made.client("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert (dead["DeletionDate"] - dead["CreationDate"]).days >= 29


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"deletionWindowInDays": 3}, "range"),
        ({"rotationPeriodInDays": 10, "enableKeyRotation": True}, "range"),
        ({"rotationPeriodInDays": 100}, "needs enableKeyRotation"),
        ({"customKeyStoreId": "x"}, "not supported"),
        ({"keyUsage": "EVERYTHING"}, "one of"),
    ],
)
def test_a_wrong_key_is_refused(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Program(Key).checked(**inputs)


def test_an_alias_names_its_key_by_id_or_arn() -> None:
    one, two = key(), key()
    alias = Program(Alias)
    alias.up(name="alias/site", targetKeyId=one.id)
    assert alias.state["targetKeyArn"] == one.state["arn"]
    assert alias.state["arn"] == "arn:aws:kms:us-east-1:123456789012:alias/site"
    assert alias.plan(name="alias/site", targetKeyId=one.state["arn"]).changes == ()
    alias.up(name="alias/site", targetKeyId=two.state["arn"])
    assert alias.refresh()["targetKeyArn"] == two.state["arn"]


def test_an_alias_is_imported_deleted_and_then_gone() -> None:
    made = key()
    Program(Alias).up(name="alias/site", targetKeyId=made.id)
    alias = Program(Alias)
    alias.imported("alias/site")
    assert alias.plan(name="alias/site", targetKeyId=made.id).changes == ()
    alias.destroy()
    alias.destroy()
    alias.refresh()
    assert alias.id == ""


def test_a_made_alias_name_begins_with_alias() -> None:
    assert str(Program(Alias, "site").checked(targetKeyId=UNKNOWN)["name"]).startswith("alias/site-")


@pytest.mark.parametrize("name", ["site", "alias/aws/site", "alias/with space"])
def test_a_wrong_alias_name_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="must begin with"):
        Program(Alias).checked(name=name, targetKeyId="x")


def test_a_secret_has_what_was_asked_for_and_is_then_no_difference() -> None:
    wanted: dict[str, Any] = {"description": "connection", "tags": {"a": "1"}, "recoveryWindowInDays": 7}
    made = secret(**wanted)
    assert made.id == made.state["arn"]
    made.refresh()
    assert made.plan(name="partner/database", **wanted).changes == ()
    made.up(name="partner/database", description="other", tags={"b": "2"}, recoveryWindowInDays=7)
    assert made.refresh()["tags"] == {"b": "2"}
    assert made.state["description"] == "other"


def test_a_secrets_policy_is_written_and_compared_by_meaning() -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": ["secretsmanager:DeleteSecret"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    made = secret(policy=json.dumps(policy))
    folded = {"Statement": {**statement, "Action": "secretsmanager:DeleteSecret"}, "Version": "2012-10-17"}
    assert made.plan(name="partner/database", policy=json.dumps(folded)).changes == ()
    assert made.plan(name="partner/database").changes == ()  # leaving it out keeps it


def test_a_recovery_window_holds_the_name_and_zero_frees_it_at_once() -> None:
    kept = secret(recoveryWindowInDays=7)
    kept.destroy()
    kept.refresh()
    assert kept.id == ""
    blocked = Program(Secret, timeout=0.5)
    with pytest.raises(ClientError, match="CreateSecret"):
        blocked.up(name="partner/database")
    free = Program(Secret)
    free.up(name="other", recoveryWindowInDays=0)
    free.destroy()
    Program(Secret).up(name="other")


def test_the_recovery_window_comes_from_the_state() -> None:
    made = secret(recoveryWindowInDays=7)
    made.up(name="partner/database", recoveryWindowInDays=0)
    made.destroy()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        made.client("secretsmanager").describe_secret(SecretId=made.id)


def test_a_secret_is_replicated_and_a_replica_is_removed_before_it() -> None:
    made = secret(replicas=[{"region": "us-west-2"}], recoveryWindowInDays=0)
    assert [item["region"] for item in made.state["replicas"]] == ["us-west-2"]
    inputs = {"name": "partner/database", "replicas": [{"region": "us-west-2"}], "recoveryWindowInDays": 0}
    assert made.plan(**inputs).changes == ()
    made.destroy()
    made.refresh()
    assert made.id == ""


@pytest.mark.parametrize("inputs", [{"recoveryWindowInDays": 3}, {"type": "x"}])
def test_a_wrong_secret_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        Program(Secret).checked(name="a", **inputs)


def test_a_new_value_is_a_new_version_and_the_old_one_keeps_no_claim() -> None:
    made = secret()
    first, second = Program(SecretVersion), Program(SecretVersion)
    first.up(secretId=made.id, secretString="one")
    assert first.plan(secretId=made.id, secretString="one").changes == ()
    found = first.plan(secretId=made.id, secretString="two")
    assert found.replace
    assert not found.delete_before_replace
    second.up(secretId=made.id, secretString="two")
    first.destroy()
    client = made.client("secretsmanager")
    assert client.get_secret_value(SecretId=made.id)["SecretString"] == "two"
    assert second.state["versionStages"] == ["AWSCURRENT"]


def test_deleting_the_current_version_leaves_the_value() -> None:
    made = secret()
    version = Program(SecretVersion)
    version.up(secretId=made.id, secretString="one")
    version.destroy()
    assert made.client("secretsmanager").get_secret_value(SecretId=made.id)["SecretString"] == "one"


def test_a_value_that_somebody_replaced_is_seen_in_its_stages() -> None:
    made = secret()
    version = Program(SecretVersion)
    version.up(secretId=made.id, secretString="one")
    made.client("secretsmanager").put_secret_value(SecretId=made.id, SecretString="other")
    version.refresh()
    assert version.state["versionStages"] == ["AWSPREVIOUS"]
    assert version.state["secretString"] == "one"


def test_a_stage_is_moved_in_place() -> None:
    made = secret()
    version = Program(SecretVersion)
    version.up(secretId=made.id, secretString="one")
    version.up(secretId=made.id, secretString="one", versionStages=["AWSCURRENT", "blue"])
    assert version.refresh()["versionStages"] == ["AWSCURRENT", "blue"]
    version.up(secretId=made.id, secretString="one", versionStages=["AWSCURRENT"])
    assert version.refresh()["versionStages"] == ["AWSCURRENT"]


def test_a_version_is_imported_by_arn_and_version() -> None:
    made = secret()
    version = Program(SecretVersion)
    version.up(secretId=made.id, secretString="one")
    other = Program(SecretVersion)
    other.imported(version.id)
    assert other.plan(secretId=made.id, secretString="one").changes == ()


def test_an_imported_value_is_told_to_the_engine_as_a_secret() -> None:
    made = secret()
    version = Program(SecretVersion)
    version.up(secretId=made.id, secretString="one")
    other = Program(SecretVersion)
    other.imported(version.id)
    sent = to_struct(other.state, SecretVersion.secrets)
    signature = sent.fields["secretString"].struct_value.fields["4dabf18193072939515e22adb298388d"]
    assert signature.string_value == "1b47061264138c4ac30d75fd1eb44270"  # as the engine marks secrets
    assert from_struct(sent)["secretString"] == "one"
    assert sent.fields["secretId"].string_value == made.id


def test_a_binary_value_is_kept_byte_for_byte() -> None:
    made = secret()
    version = Program(SecretVersion)
    encoded = base64.b64encode(bytes(range(256))).decode()
    version.up(secretId=made.id, secretBinary=encoded)
    assert version.refresh()["secretBinary"] == encoded
    with pytest.raises(Refused, match="base64"):
        Program(SecretVersion).checked(secretId=made.id, secretBinary="no base64!")


def test_a_version_of_a_deleted_secret_is_gone() -> None:
    made = secret(recoveryWindowInDays=0)
    version = Program(SecretVersion)
    version.up(secretId=made.id, secretString="one")
    made.destroy()
    version.destroy()
    version.refresh()
    assert version.id == ""


def test_a_secret_value_is_in_no_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ClientError) as caught:
        Program(SecretVersion).up(secretId="nowhere", secretString="hunter2-hunter2")
    with pytest.raises(Refused) as refused:
        Program(SecretVersion).checked(secretId="x", secretString=["hunter2-hunter2"])
    assert "hunter2" not in f"{caught.value}{refused.value}{caplog.text}"


def test_write_only_inputs_are_refused() -> None:
    with pytest.raises(Refused, match="use secretString"):
        Program(SecretVersion).checked(secretId="x", secretStringWo="y")
