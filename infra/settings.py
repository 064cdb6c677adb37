"""The stack's configuration, read once and typed. Every other module takes only the part it needs."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.config_reader import ConfigReader, SecretText
from infra.errors import ConfigError
from infra.sites import Role, Site

KEYS = (
    "role",
    "epoch",
    "generation",
    "peerRegion",
    "networkCidr",
    "peerNetworkCidr",
    "availabilityZones",
    "databaseName",
    "databaseUsername",
    "databasePassword",
    "databaseInstanceClass",
    "databaseEngineVersion",
    "databaseStorageGib",
    "databaseMaxStorageGib",
    "bucketNamePrefix",
    "recordsRetentionDays",
    "logRetentionDays",
    "disposable",
)
"""Every key of the project's namespace; described, typed and given its default in Pulumi.yaml."""

LOG_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days (CloudWatch Logs API reference, PutRetentionPolicy)."""
LONGEST_BUCKET_PREFIX = 63 - len("-backups-secondary")
"""Characters: a bucket name has at most 63 (Amazon S3 user guide, "Bucket naming rules")."""
SMALLEST_STORAGE_GIB = 20
"""Of gp3 storage (Amazon RDS user guide, "Amazon RDS DB instance storage")."""


@dataclass(frozen=True)
class NetworkSettings:
    cidr: ipaddress.IPv4Network
    peer_cidr: ipaddress.IPv4Network
    zones: int


@dataclass(frozen=True)
class DatabaseSettings:
    name: str
    username: str
    password: SecretText
    instance_class: str
    engine_version: str
    storage_gib: int
    max_storage_gib: int


@dataclass(frozen=True)
class StorageSettings:
    bucket_prefix: str
    records_retention_days: int


@dataclass(frozen=True)
class Settings:
    site: Site
    role: Role
    epoch: int
    generation: int
    region: str
    peer_region: str
    network: NetworkSettings
    database: DatabaseSettings
    storage: StorageSettings
    log_retention_days: int
    disposable: bool


def load() -> Settings:
    """The configuration of the running stack. Raises ConfigError."""
    aws = pulumi.Config("aws")
    return parse(
        project=pulumi.get_project(), stack=pulumi.get_stack(), config=_all_config(), region=aws.get("region") or ""
    )


def parse(*, project: str, stack: str, config: Mapping[str, str], region: str) -> Settings:
    """``config`` holds every key of the stack with its namespace. Raises one ConfigError that names every problem."""
    reader = ConfigReader(project, stack, config, KEYS)
    site = reader.site()
    settings = Settings(
        site=site,
        role=Role(reader.choice("role", tuple(Role))),
        epoch=reader.whole("epoch", least=1),
        generation=reader.whole("generation", least=1),
        region=region,
        peer_region=reader.text("peerRegion"),
        network=_network(reader),
        database=_database(reader),
        storage=StorageSettings(
            bucket_prefix=reader.text(
                "bucketNamePrefix",
                pattern=rf"[a-z0-9][a-z0-9-]{{0,{LONGEST_BUCKET_PREFIX - 1}}}",
                expected=f"1 to {LONGEST_BUCKET_PREFIX} lower-case letters, digits and hyphens",
            ),
            records_retention_days=reader.whole("recordsRetentionDays", least=1, most=36_500),
        ),
        log_retention_days=reader.one_of("logRetentionDays", LOG_RETENTIONS),
        disposable=reader.flag("disposable"),
    )
    _check_regions(reader, settings)
    if reader.problems:
        raise ConfigError(reader.report())
    return settings


def _network(reader: ConfigReader) -> NetworkSettings:
    cidr, peer_cidr = reader.network("networkCidr"), reader.network("peerNetworkCidr")
    if cidr.overlaps(peer_cidr) and reader.is_sound("networkCidr", "peerNetworkCidr"):
        reader.refuse(
            "networkCidr",
            f"{cidr} overlaps peerNetworkCidr {peer_cidr}, and overlapping networks can never be connected: "
            "give the two sites separate ranges",
        )
    return NetworkSettings(cidr, peer_cidr, reader.whole("availabilityZones", least=2, most=3))


def _database(reader: ConfigReader) -> DatabaseSettings:
    storage = reader.whole("databaseStorageGib", least=SMALLEST_STORAGE_GIB)
    most = reader.whole("databaseMaxStorageGib", least=SMALLEST_STORAGE_GIB)
    if most * 10 < storage * 11 and reader.is_sound("databaseStorageGib", "databaseMaxStorageGib"):
        reader.refuse(
            "databaseMaxStorageGib",
            f"{most} is not a tenth more than databaseStorageGib {storage}, which RDS asks for: "
            f"set it to {-(-storage * 11 // 10)} or more",
        )
    return DatabaseSettings(
        name=reader.text(
            "databaseName",
            pattern=r"[a-z_][a-z0-9_]{0,62}",
            expected="a PostgreSQL name of lower-case letters, digits and underscores, at most 63",
        ),
        username=reader.text(
            "databaseUsername",
            pattern=r"(?!pg_|rdsadmin$|admin$)[a-z][a-z0-9_]{0,62}",
            expected="a PostgreSQL role name that RDS does not reserve (not admin, rdsadmin or pg_...)",
        ),
        password=reader.password("databasePassword"),
        instance_class=reader.text(
            "databaseInstanceClass",
            pattern=r"db\.[a-z0-9-]+\.[a-z0-9-]+",
            expected="an RDS instance class such as db.m7g.large",
        ),
        engine_version=reader.text(
            "databaseEngineVersion",
            pattern=r"17(\.[0-9]+)?",
            expected="17 or 17.<minor> (another major version is a change of the program, not of its configuration)",
        ),
        storage_gib=storage,
        max_storage_gib=most,
    )


def _check_regions(reader: ConfigReader, settings: Settings) -> None:
    if not reader.is_sound("stack"):
        return
    site, region = settings.site, settings.region
    if not region:
        reader.refuse(
            "aws:region", f"it is missing: set it with `pulumi config set aws:region {site.region} -s {site}`"
        )
    elif region == settings.peer_region:
        reader.refuse(
            "peerRegion",
            f"{region} is this site's own region: two sites in one region are lost together; "
            f"the {site.peer} site is in {site.peer.region}",
        )
    elif region != site.region:
        reader.refuse(
            "aws:region",
            f"the {site} site is in {site.region}, not in {region}, and moving it would replace everything in it: "
            f"set it back with `pulumi config set aws:region {site.region} -s {site}`",
        )
    elif reader.is_sound("peerRegion") and settings.peer_region != site.peer.region:
        reader.refuse("peerRegion", f"the {site.peer} site is in {site.peer.region}, not in {settings.peer_region}")


def _all_config() -> Mapping[str, str]:
    """Every key the engine passed. pulumi.Config can only be asked for keys one knows, which hides misspelt ones."""
    config = pulumi.runtime.config
    known: dict[str, str] = {**config.get_config_env(), **config.CONFIG.get()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in known.items()}
