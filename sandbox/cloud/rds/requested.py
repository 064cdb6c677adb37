"""From a request to settings: what create, restore, replica and modify calls have in common."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from sandbox.cloud.rds import rules
from sandbox.cloud.rds.encryption import key_arn
from sandbox.cloud.rds.errors import invalid_combination
from sandbox.cloud.rds.groups import Groups
from sandbox.cloud.rds.request import Request

# Hours (UTC) in which a region's default backup windows begin (user guide, "Backup window").
_BACKUP_BLOCKS = {"us-east-1": 3, "us-west-2": 6}
_DEFAULT_BLOCK = 3
_APART = 600
_DAY = 24 * 60
DEFAULT_STORAGE_TYPE = "gp3"

COMMON = frozenset({
    "AllocatedStorage", "AutoMinorVersionUpgrade", "AvailabilityZone", "BackupRetentionPeriod", "BackupTarget",
    "CACertificateIdentifier", "CopyTagsToSnapshot", "DBInstanceClass", "DBInstanceIdentifier", "DBParameterGroupName",
    "DBSubnetGroupName", "DatabaseInsightsMode", "DeletionProtection",
    "EnableCloudwatchLogsExports", "EnableIAMDatabaseAuthentication", "EnablePerformanceInsights", "Engine",
    "EngineLifecycleSupport", "EngineVersion", "Iops", "LicenseModel", "MaxAllocatedStorage", "MonitoringInterval",
    "MonitoringRoleArn", "MultiAZ", "NetworkType", "OptionGroupName", "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod", "Port", "PreferredBackupWindow", "PreferredMaintenanceWindow",
    "PubliclyAccessible", "StorageThroughput", "StorageType", "Tags", "VpcSecurityGroupIds",
})  # fmt: skip
"""``Port`` is taken and not used: every server of the sandbox listens on a free port, which the endpoint tells."""


@dataclass(frozen=True)
class Network:
    """Where an instance goes, checked against what exists in its region."""

    subnet_group_name: str | None
    security_group_ids: tuple[str, ...]
    availability_zone: str
    secondary_availability_zone: str | None
    multi_az: bool


def network(request: Request, groups: Groups) -> Network:
    """Settings of the network never come from a source: a restored instance has the defaults unless told."""
    multi_az = bool(request.flag("MultiAZ"))
    subnet_group = groups.subnet_group(request.text("DBSubnetGroupName"))
    placement = groups.placement(subnet_group, request.text("AvailabilityZone"), multi_az=multi_az)
    return Network(
        subnet_group,
        groups.security_groups(request.names("VpcSecurityGroupIds"), subnet_group),
        placement.zone,
        placement.secondary_zone,
        multi_az,
    )


@dataclass(frozen=True)
class Windows:
    backup: str
    maintenance: str


def windows(request: Request, region: str, identifier: str) -> Windows:
    """Windows as asked for; the defaults are spread over identifiers, and stay the same for one.

    The service draws a default from an eight-hour block of the region; where the other window was asked for, the
    default keeps ten hours' distance, so that the two never overlap.
    """
    seed = zlib.crc32(identifier.encode())
    backup = request.text("PreferredBackupWindow")
    maintenance = request.text("PreferredMaintenanceWindow")
    if backup is None and maintenance is not None:
        start = rules.maintenance_window(maintenance)[0] + _APART
        backup = _range(start % _DAY)
    elif backup is None:
        start = _BACKUP_BLOCKS.get(region, _DEFAULT_BLOCK) * 60 + seed % 16 * 30
        backup = _range(start % _DAY)
    if maintenance is None:
        start = rules.backup_window(backup)[0] + _APART
        days = [rules.DAYS[(seed + minutes // _DAY) % 7] for minutes in (start, start + 30)]
        maintenance = f"{days[0]}:{_clock(start)}-{days[1]}:{_clock(start + 30)}"
    rules.check_windows(backup, maintenance)
    return Windows(backup, maintenance.lower())


@dataclass(frozen=True)
class Observation:
    """Monitoring, insights and exported logs: kept and reported; nothing of the sandbox acts on them."""

    monitoring_interval: int
    monitoring_role_arn: str | None
    performance_insights_enabled: bool
    performance_insights_kms_key_id: str | None
    performance_insights_retention_period: int | None
    log_exports: tuple[str, ...]


def observation(request: Request, account_id: str, region: str) -> Observation:
    interval = request.integer("MonitoringInterval") or 0
    role = request.text("MonitoringRoleArn")
    rules.check_monitoring(interval, role)
    insights = bool(request.flag("EnablePerformanceInsights"))
    if not insights and request.has("PerformanceInsightsRetentionPeriod"):
        raise invalid_combination(
            "PerformanceInsightsRetentionPeriod can be set only when Performance Insights is enabled."
        )
    return Observation(
        interval,
        role,
        insights,
        key_arn(account_id, region, request.text("PerformanceInsightsKMSKeyId")) if insights else None,
        (request.integer("PerformanceInsightsRetentionPeriod") or 7) if insights else None,
        rules.check_log_exports(request.names("EnableCloudwatchLogsExports") or ()),
    )


def _range(start: int) -> str:
    return f"{_clock(start)}-{_clock(start + 30)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
