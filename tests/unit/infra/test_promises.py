"""What holds for every resource of a site, in every situation."""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.component import is_taggable
from tests.unit.infra.recording import PASSWORD, PROJECT, ROOT, SECRET_SIGNATURE, Registered, Run

POLICIES = {
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:kms/key:Key": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
}


def statements(run: Run, *kinds: str) -> Iterator[tuple[Registered, dict[str, Any]]]:
    for resource in run.resources:
        if resource.type in (kinds or POLICIES):
            for statement in json.loads(resource.inputs[POLICIES[resource.type]])["Statement"]:
                yield resource, statement


def sdk_class(kind: str) -> type:
    """`aws:ec2/vpc:Vpc` is pulumi_aws.ec2.Vpc."""
    _, module, name = kind.split(":")
    found = getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)
    assert isinstance(found, type)
    return found


def test_everything_that_stores_is_encrypted_with_the_sites_own_key(any_run: Run) -> None:
    key = any_run.outputs["keyArn"]
    assert any_run.outputs["region"] in key
    for kind, path in (
        ("aws:rds/instance:Instance", "kmsKeyId"),
        ("aws:rds/instance:Instance", "performanceInsightsKmsKeyId"),
        ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
        ("aws:secretsmanager/secret:Secret", "kmsKeyId"),
        ("aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication", "kmsKeyId"),
    ):
        for resource in any_run.of(kind):
            assert resource.inputs[path] == key, resource.urn
    assert any_run.database.inputs["storageEncrypted"] is True
    buckets = {bucket.name for bucket in any_run.of("aws:s3/bucket:Bucket")}
    encrypted = any_run.of("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
    assert {each.name for each in encrypted} == buckets
    for each in encrypted:
        (rule,) = each.inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}


def test_the_key_is_rotated(any_run: Run) -> None:
    assert any_run.one("aws:kms/key:Key").inputs["enableKeyRotation"] is True


def test_no_bucket_is_public(any_run: Run) -> None:
    buckets = {bucket.name for bucket in any_run.of("aws:s3/bucket:Bucket")}
    blocks = any_run.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert {block.name for block in blocks} == buckets
    for block in blocks:
        flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(block.inputs[flag] is True for flag in flags), block.urn
    owners = any_run.of("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
    assert {owner.name for owner in owners} == buckets
    assert all(owner.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"} for owner in owners)
    assert all("acl" not in bucket.inputs for bucket in any_run.of("aws:s3/bucket:Bucket"))


def test_buckets_answer_over_tls_only(any_run: Run) -> None:
    for bucket in any_run.of("aws:s3/bucket:Bucket"):
        (policy,) = [each for each in any_run.of("aws:s3/bucketPolicy:BucketPolicy") if each.name == bucket.name]
        plain, old = json.loads(policy.inputs["policy"])["Statement"]
        name = bucket.inputs["bucket"]
        for refusal in (plain, old):
            assert (refusal["Effect"], refusal["Principal"], refusal["Action"]) == ("Deny", "*", ["s3:*"])
            assert refusal["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert old["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}


def test_the_database_accepts_tls_only(any_run: Run) -> None:
    group = any_run.one("aws:rds/parameterGroup:ParameterGroup")
    assert {"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"} in group.inputs["parameters"]
    assert any_run.database.inputs["parameterGroupName"] == any_run.outputs["database"]["parameterGroupName"]


def test_no_role_is_an_administrator(any_run: Run) -> None:
    for resource, statement in statements(any_run, "aws:iam/rolePolicy:RolePolicy"):
        for action in statement["Action"]:
            assert "*" not in action, resource.urn
            assert not action.startswith("iam:"), resource.urn
        for target in statement["Resource"]:
            if statement["Action"] == ["logs:DescribeLogGroups"]:
                continue  # a list call, which AWS allows on all groups or none; it changes nothing
            # Only "all objects of this bucket" and "all streams of this group".
            assert target.startswith("arn:aws:"), resource.urn
            assert "*" not in target.removesuffix("/*").removesuffix(":*"), resource.urn
            assert target.removesuffix("/*").removesuffix(":*").split(":", 5)[5], resource.urn


def test_no_policy_allows_everybody(any_run: Run) -> None:
    for resource, statement in statements(any_run):
        if statement["Effect"] == "Allow":
            assert "*" not in json.dumps(statement.get("Principal", "")), resource.urn


def test_only_the_accounts_own_policies_have_the_key_in_full(any_run: Run) -> None:
    for _, statement in statements(any_run, "aws:kms/key:Key"):
        if "kms:*" in statement["Action"]:
            assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
        else:
            assert statement["Principal"] == {"Service": f"logs.{any_run.outputs['region']}.amazonaws.com"}
            assert statement["Condition"]["ArnLike"]


def test_roles_are_assumed_by_a_service_for_this_account_only(any_run: Run) -> None:
    for resource, statement in statements(any_run, "aws:iam/role:Role"):
        assert list(statement["Principal"]) == ["Service"], resource.urn
        if statement["Principal"] == {"Service": "s3.amazonaws.com"}:
            # S3 is not documented to name the account when it replicates: a condition would stop it, silently
            assert "Condition" not in statement, resource.urn
            continue
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}, resource.urn


def test_everything_that_can_be_tagged_is_tagged(any_run: Run) -> None:
    taggable = [
        each for each in any_run.resources if each.type.startswith("aws:") and is_taggable(sdk_class(each.type))
    ]
    assert len(taggable) > 50
    for resource in taggable:
        tags = resource.inputs["tags"]
        assert tags["Project"] == PROJECT
        assert tags["Site"] == any_run.outputs["site"]
        assert tags["ManagedBy"] == "Pulumi"
        assert tags["Name"]


def test_no_name_tag_or_description_tells_the_role(any_run: Run) -> None:
    for resource in any_run.resources:
        visible = {key: value for key, value in resource.inputs.items() if key != "policy"}
        text = json.dumps([resource.name, visible]).lower()
        assert "standby" not in text, resource.urn
        assert "active" not in text, resource.urn


def test_resource_identities_are_unique(any_run: Run) -> None:
    identities = [(resource.type, resource.name) for resource in any_run.resources]
    assert len(identities) == len(set(identities))


def test_a_site_without_a_peer_names_only_its_own_region(first_run: Run) -> None:
    assert "us-west-2" not in json.dumps([resource.inputs for resource in first_run.resources])


def test_the_peers_region_is_named_only_where_its_own_things_are_meant(primary: Run, secondary: Run) -> None:
    for run, other in ((primary, "us-west-2"), (secondary, "us-east-1")):
        naming = {each.type for each in run.resources if other in json.dumps(each.inputs)}
        assert naming <= {
            "aws:rds/instance:Instance",  # its source
            "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",  # its source
            "aws:s3/bucketReplicationConfig:BucketReplicationConfig",  # the key of the destination
            "aws:iam/rolePolicy:RolePolicy",  # the permission to use that key
        }


def test_nothing_is_open_to_the_internet(any_run: Run) -> None:
    for rule in any_run.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        assert "cidrIpv4" not in rule.inputs, rule.urn
        assert "cidrIpv6" not in rule.inputs, rule.urn
    assert any_run.database.inputs["publiclyAccessible"] is False
    assert all(not subnet.inputs["mapPublicIpOnLaunch"] for subnet in any_run.of("aws:ec2/subnet:Subnet"))


def test_the_password_leaves_the_program_only_marked_as_a_secret(any_run: Run) -> None:
    def strings_outside_secrets(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if SECRET_SIGNATURE not in value.values():
                for each in value.values():
                    yield from strings_outside_secrets(each)
        elif isinstance(value, list):
            for each in value:
                yield from strings_outside_secrets(each)
        elif isinstance(value, str):
            yield value

    carriers = [each for each in any_run.resources if PASSWORD in each.raw]
    assert carriers, "the site's secret holds the password"
    for resource in any_run.resources:
        assert not any(PASSWORD in text for text in strings_outside_secrets(json.loads(resource.raw))), resource.urn


def test_no_output_is_or_contains_a_secret(any_run: Run) -> None:
    assert PASSWORD not in any_run.raw_outputs
    assert SECRET_SIGNATURE not in any_run.raw_outputs


def test_the_program_knows_neither_the_sandbox_nor_the_scripts_nor_boto3() -> None:
    files = sorted((ROOT / "infra").glob("*.py"))
    assert len(files) > 15
    for path in files:
        assert not imported_by(path) & {"boto3", "botocore", "sandbox", "scripts", "moto"}, path


def imported_by(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
