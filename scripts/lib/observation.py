"""What is true of a site now, asked of AWS and of the database itself; each answer with a short time-out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from scripts.lib import clients
from scripts.lib.aws_errors import naming_region
from scripts.lib.database import connect
from scripts.lib.errors import DrError
from scripts.lib.outputs import REPLICATED, DatabaseOutputs, SiteOutputs
from scripts.lib.sites import Role, Site


@dataclass(frozen=True)
class DatabaseObservation:
    """A database instance. ``lag_bytes`` is what a replica has not replayed of its source's log."""

    identifier: str
    endpoint: str
    status: str
    writable: bool | None
    position: str | None
    """Log position (LSN): written by the active one, replayed by a replica."""
    source: str | None
    backup_retention_days: int
    multi_az: bool
    lag_bytes: int | None = None


@dataclass(frozen=True)
class BucketObservation:
    """A bucket, and where it replicates to."""

    purpose: str
    name: str
    replicates_to: str | None


@dataclass(frozen=True)
class SiteObservation:
    """A site, and what is not as it should be; no problem means ready. All that is not provisioned is None."""

    site: Site
    region: str
    provisioned: bool
    role: Role | None = None
    epoch: int | None = None
    generation: int | None = None
    network: str | None = None
    """Address range and VPC."""
    key: str | None = None
    secret: str | None = None
    database: DatabaseObservation | None = None
    buckets: tuple[BucketObservation, ...] = ()
    problems: tuple[str, ...] = ()


def observe(sites: Mapping[Site, SiteOutputs | None], regions: Mapping[Site, str]) -> dict[Site, SiteObservation]:
    """Both sites side by side: a site that does not answer costs its time-out once."""
    with ThreadPoolExecutor(max_workers=len(Site)) as pool:
        pairs = pool.map(lambda site: _site(site, sites[site], sites[site.peer], regions[site]), Site)
        found = dict(zip(Site, pairs, strict=True))
    return _with_lag(found)


def _site(site: Site, outputs: SiteOutputs | None, peer: SiteOutputs | None, region: str) -> SiteObservation:
    if outputs is None:
        problem = f"{site} is not provisioned: run `dr provision`"
        return SiteObservation(site, region, False, problems=(problem,))
    problems: list[str] = []
    database = _database(outputs, problems)
    buckets = _buckets(outputs, problems)
    if peer is not None and not outputs.peer_seen:
        problems.append(f"{site} was last updated before {peer.site} existed: run `dr provision`")
    if peer is not None and peer.role is outputs.role:
        problems.append(f"both sites are {outputs.role}: the higher epoch is right ({outputs.epoch}, {peer.epoch})")
    return SiteObservation(
        site=site,
        region=region,
        provisioned=True,
        role=outputs.role,
        epoch=outputs.epoch,
        generation=outputs.generation,
        network=f"{outputs.network.cidr}, {outputs.network.vpc_id}",
        key=outputs.key_alias,
        secret=outputs.database_secret_arn.rpartition(":")[2],
        database=database,
        buckets=buckets,
        problems=tuple(problems),
    )


def _database(outputs: SiteOutputs, problems: list[str]) -> DatabaseObservation | None:
    if outputs.database is None:
        problems.append(f"{outputs.site} has no database: run `dr provision`")
        return None
    try:
        with naming_region(outputs.region):
            instance = clients.rds(outputs.region).describe_db_instances(
                DBInstanceIdentifier=outputs.database.identifier
            )["DBInstances"][0]
    except DrError as error:
        problems.append(str(error))
        return None
    status = instance["DBInstanceStatus"]
    if status not in {"available", "backing-up", "storage-optimization"}:
        problems.append(f"{outputs.database.identifier} is {status}")
    writable, position = _position(outputs, outputs.database, problems)
    retention = instance.get("BackupRetentionPeriod", 0)
    if outputs.role is Role.ACTIVE and retention == 0:
        problems.append(f"{outputs.database.identifier} is active and has no automated backups")
    return DatabaseObservation(
        identifier=outputs.database.identifier,
        endpoint=outputs.database.endpoint,
        status=status,
        writable=writable,
        position=position,
        source=instance.get("ReadReplicaSourceDBInstanceIdentifier"),
        backup_retention_days=retention,
        multi_az=instance.get("MultiAZ", False),
    )


def _position(outputs: SiteOutputs, database: DatabaseOutputs, problems: list[str]) -> tuple[bool | None, str | None]:
    try:
        with connect(outputs) as connection:
            row = connection.execute(
                "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
                "ELSE pg_current_wal_lsn() END::text"
            ).fetchone()
    except DrError as error:
        problems.append(str(error))
        return None, None
    writable, position = (not row[0], str(row[1])) if row else (None, None)
    if writable is not (outputs.role is Role.ACTIVE):
        problems.append(
            f"{database.identifier} {'accepts' if writable else 'refuses'} writes, but {outputs.site} is {outputs.role}"
        )
    return writable, position


def _buckets(outputs: SiteOutputs, problems: list[str]) -> tuple[BucketObservation, ...]:
    found = []
    for purpose in (*REPLICATED, "records"):
        name = getattr(outputs.buckets, purpose)
        try:
            target = _replication_target(outputs.region, name)
        except DrError as error:
            problems.append(str(error))
            break  # the region's S3 does not answer: the other buckets would each cost the time-out again
        if purpose in REPLICATED and target is None:
            problems.append(f"bucket {name} does not replicate: run `dr provision`")
        found.append(BucketObservation(purpose, name, target))
    return tuple(found)


def _replication_target(region: str, bucket: str) -> str | None:
    with naming_region(region):
        try:
            answer = clients.s3(region).get_bucket_replication(Bucket=bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ReplicationConfigurationNotFoundError":
                return None
            raise
    enabled = [rule for rule in answer["ReplicationConfiguration"]["Rules"] if rule["Status"] == "Enabled"]
    return enabled[0]["Destination"]["Bucket"].removeprefix("arn:aws:s3:::") if enabled else None


def _with_lag(found: dict[Site, SiteObservation]) -> dict[Site, SiteObservation]:
    """A replica's lag is the distance between two log positions: the lag metric of an idle source means nothing."""
    positions = [item.database for item in found.values() if item.database and item.database.writable]
    if len(positions) != 1 or positions[0].position is None:
        return found
    written = _lsn(positions[0].position)
    result = {}
    for site, item in found.items():
        if item.database and item.database.writable is False and item.database.position:
            lag = max(0, written - _lsn(item.database.position))
            item = replace(item, database=replace(item.database, lag_bytes=lag))  # noqa: PLW2901
        result[site] = item
    return result


def _lsn(text: str) -> int:
    """A log position as a number of bytes (PostgreSQL documentation, "pg_lsn Type")."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
