"""`pulumi destroy` of both sites leaves no resource, process, port or file."""

from __future__ import annotations

import json

import pytest

from sandbox import processes
from tests.sandbox.running import Running

pytestmark = pytest.mark.engine
SITES = {"primary": "us-east-1", "secondary": "us-west-2"}


def test_destroy_of_both_sites_leaves_nothing(empty_place: Running) -> None:
    assert empty_place.up().code == 0
    empty_place.must("dr", "provision", "--yes")
    for region in SITES.values():
        assert empty_place.client("rds", region).describe_db_instances()["DBInstances"]
    # objects and their versions are in the way of a bucket's deletion; a disposable site takes them along
    empty_place.must("dr", "check")
    for site in ("secondary", "primary"):
        empty_place.must("pulumi", "destroy", "-s", site, "--yes", "--non-interactive")
    for region in SITES.values():
        assert _left(empty_place, region) == {}
    assert not [item for item in processes.find(empty_place.directory) if item.name() == "postgres"]
    for site in SITES:
        document = json.loads(empty_place.must("pulumi", "stack", "export", "-s", site).out)
        assert not document["deployment"].get("resources")


def _left(sandbox: Running, region: str) -> dict[str, list[object]]:
    ec2 = sandbox.client("ec2", region)
    rds = sandbox.client("rds", region)
    everything: dict[str, list[object]] = {
        "databases": rds.describe_db_instances()["DBInstances"],
        "parameter groups": [
            group
            for group in rds.describe_db_parameter_groups()["DBParameterGroups"]
            if not group["DBParameterGroupName"].startswith("default.")
        ],
        "subnet groups": rds.describe_db_subnet_groups()["DBSubnetGroups"],
        "networks": [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]],
        "addresses": ec2.describe_addresses()["Addresses"],
        "buckets": sandbox.client("s3", region).list_buckets()["Buckets"],
        "secrets": sandbox.client("secretsmanager", region).list_secrets()["SecretList"],
        "roles": sandbox.client("iam", region).list_roles()["Roles"],
        "log groups": sandbox.client("logs", region).describe_log_groups()["logGroups"],
        "aliases": [
            alias
            for alias in sandbox.client("kms", region).list_aliases()["Aliases"]
            if not alias["AliasName"].startswith("alias/aws/")
        ],
    }
    return {what: items for what, items in everything.items() if items}
