"""`pulumi up` brings up both regions: on the real engine, with databases and buckets that really replicate."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.running import Running

pytestmark = pytest.mark.engine
SITES = {"primary": "us-east-1", "secondary": "us-west-2"}


def test_status_says_that_both_sites_are_ready(provisioned: Running) -> None:
    report = json.loads(provisioned.must("dr", "status", "--json").out)
    assert report["ready"] is True
    assert {name: site["role"] for name, site in report["sites"].items()} == {
        "primary": "active",
        "secondary": "standby",
    }
    assert report["sites"]["primary"]["database"]["writable"] is True
    assert report["sites"]["secondary"]["database"]["writable"] is False


def test_what_is_written_in_one_site_is_read_in_the_other(provisioned: Running) -> None:
    arrivals = json.loads(provisioned.must("dr", "check", "--json").out)["arrivals"]
    assert [item["what"] for item in arrivals].count("row") == 1
    assert [item["what"] for item in arrivals].count("object") == 6


@pytest.mark.parametrize(("site", "region"), SITES.items())
def test_the_plain_aws_command_sees_each_sites_database(provisioned: Running, site: str, region: str) -> None:
    command = ["aws", "rds", "describe-db-instances", "--region", region, "--output", "json"]
    (instance,) = json.loads(provisioned.must(*command).out)["DBInstances"]
    assert instance["DBInstanceIdentifier"] == f"partner-db-{site}-1"


@pytest.mark.parametrize("site", SITES)
def test_a_second_up_changes_nothing(provisioned: Running, site: str) -> None:
    up = provisioned.must("pulumi", "up", "-s", site, "--yes", "--non-interactive", "--expect-no-changes")
    assert re.search(r"\d+ unchanged", up.out)
    assert not re.search(r"^\s+[+~-]\d* ", up.out, re.MULTILINE)


@pytest.mark.parametrize("site", SITES)
def test_a_preview_with_refresh_shows_no_drift(provisioned: Running, site: str) -> None:
    provisioned.must("pulumi", "preview", "-s", site, "--diff", "--refresh", "--non-interactive", "--expect-no-changes")


def test_provision_is_safe_to_repeat(provisioned: Running) -> None:
    again = provisioned.must("dr", "provision", "--yes")
    assert "up to date" in again.err


def test_a_drift_is_seen_and_repaired(provisioned: Running) -> None:
    outputs = json.loads(provisioned.must("pulumi", "stack", "output", "-s", "primary", "--json").out)
    bucket = outputs["buckets"]["uploads"]
    s3 = provisioned.client("s3", "us-east-1")
    s3.delete_public_access_block(Bucket=bucket)
    seen = provisioned.run(
        "pulumi", "preview", "-s", "primary", "--refresh", "--non-interactive", "--expect-no-changes"
    )
    assert seen.code != 0
    provisioned.must("pulumi", "up", "-s", "primary", "--refresh", "--yes", "--non-interactive")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())


def test_the_database_password_is_found_nowhere(provisioned: Running) -> None:
    shown = provisioned.must("pulumi", "config", "get", "databasePassword", "-s", "primary")
    password = shown.out.strip().encode()
    assert len(password) > 20
    passphrase_file = Path(provisioned.environment["PULUMI_CONFIG_PASSPHRASE_FILE"])
    passphrase = passphrase_file.read_bytes().strip()
    places = [file for file in provisioned.directory.rglob("*") if file.is_file() and file != passphrase_file]
    assert any("state" in str(file) for file in places)
    database_files = re.compile(
        r"/(base|global|pg_wal|archive)/"
    )  # the database's own pages hold its hash, not the text
    for file in places:
        content = file.read_bytes()
        assert password not in content, file
        if not database_files.search(str(file)):
            assert passphrase not in content, file


def test_the_database_password_is_in_no_process_list_during_an_update(provisioned: Running) -> None:
    password = provisioned.must("pulumi", "config", "get", "databasePassword", "-s", "secondary").out.strip().encode()
    update = subprocess.Popen(
        ["pulumi", "up", "-s", "secondary", "--yes", "--non-interactive", "--refresh"],
        env=provisioned.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    looks = 0
    while update.poll() is None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert password not in entry.read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        looks += 1
    assert looks > 3
    assert update.stdout is not None
    assert password not in update.stdout.read()


def test_an_unknown_configuration_key_is_refused_before_anything_is_made(provisioned: Running) -> None:
    _refused(provisioned, "epok", "3", ("epok", "epoch"))


def test_a_role_that_does_not_exist_is_refused(provisioned: Running) -> None:
    _refused(provisioned, "role", "primary", ("role", "active", "standby"))


def test_overlapping_ranges_are_refused(provisioned: Running) -> None:
    outputs = json.loads(provisioned.must("pulumi", "config", "-s", "primary", "--json").out)
    peer = outputs["goliath-partner-system:peerNetworkCidr"]["value"]
    _refused(provisioned, "networkCidr", peer, (peer,))


def test_a_region_equal_to_the_peers_is_refused(provisioned: Running) -> None:
    _refused(provisioned, "peerRegion", "us-east-1", ("us-east-1",))


def _refused(sandbox: Running, key: str, value: str, words: tuple[str, ...]) -> None:
    file = Path(sandbox.environment["DR_PROJECT"]) / "Pulumi.primary.yaml"
    before, resources = file.read_bytes(), _resources(sandbox)
    try:
        sandbox.must("pulumi", "config", "set", key, value, "-s", "primary")
        result = sandbox.run("pulumi", "up", "-s", "primary", "--yes", "--skip-preview", "--non-interactive")
    finally:
        file.write_bytes(before)
    assert result.code != 0
    assert "Traceback" not in result.text
    for word in words:
        assert word in result.text
    assert _resources(sandbox) == resources


def _resources(sandbox: Running) -> list[object]:
    document = json.loads(sandbox.must("pulumi", "stack", "export", "-s", "primary").out)
    resources = document["deployment"]["resources"]
    # whole states differ at every export: secrets are encrypted anew
    return [(item["urn"], item.get("id"), item["modified"]) for item in resources if item["custom"]]


def test_a_missing_password_is_refused(provisioned: Running) -> None:
    file = Path(provisioned.environment["DR_PROJECT"]) / "Pulumi.primary.yaml"
    before = file.read_bytes()
    try:
        provisioned.must("pulumi", "config", "rm", "databasePassword", "-s", "primary")
        result = provisioned.run("pulumi", "up", "-s", "primary", "--yes", "--non-interactive")
        told = provisioned.run("dr", "provision", "--yes")
    finally:
        file.write_bytes(before)
    for refused in (result, told):
        assert refused.code != 0
        assert "databasePassword" in refused.text
        assert "Traceback" not in refused.text
    assert told.code == 2
    assert "pulumi config set databasePassword -s primary" in told.err


def test_a_lock_left_by_a_killed_update_is_named_and_can_be_broken(provisioned: Running) -> None:
    update = subprocess.Popen(
        ["pulumi", "up", "-s", "primary", "--yes", "--non-interactive", "--refresh"],
        env=provisioned.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    locks = Path(provisioned.environment["PULUMI_BACKEND_URL"].removeprefix("file://")) / ".pulumi" / "locks"
    while not list(locks.rglob("*.json")):
        assert update.poll() is None
    os.killpg(update.pid, 9)
    update.wait()
    refused = provisioned.run("dr", "provision", "--yes")
    assert refused.code == 3, refused.text
    assert "pulumi cancel -s primary" in refused.err
    assert "Traceback" not in refused.text
    provisioned.must("pulumi", "cancel", "-s", "primary", "--yes")
    provisioned.must("dr", "provision", "--yes")
