"""What can be ordered: one engine version, the real server's, in the usual classes."""

from __future__ import annotations

from sandbox.cloud.rds.request import Request
from sandbox.cloud.rds.rules import ENGINE, FAMILY, LOG_TYPES, MAJOR

_SIZES = {
    "db.t4g": ("micro", "small", "medium", "large", "xlarge", "2xlarge"),
    "db.m6g": ("large", "xlarge", "2xlarge", "4xlarge"),
    "db.m7g": ("large", "xlarge", "2xlarge", "4xlarge"),
    "db.r6g": ("large", "xlarge", "2xlarge", "4xlarge"),
    "db.r7g": ("large", "xlarge", "2xlarge", "4xlarge"),
}
_STORAGE_TYPES = ("gp2", "gp3", "io1", "io2")


def engine_versions(request: Request, running: str) -> list[dict[str, object]]:
    """DescribeDBEngineVersions."""
    matches = (
        request.text("Engine") in (None, ENGINE)
        and request.text("EngineVersion") in (None, MAJOR, running)
        and request.text("DBParameterGroupFamily") in (None, FAMILY)
    )
    if not matches:
        return []
    return [
        {
            "Engine": ENGINE,
            "MajorEngineVersion": MAJOR,
            "EngineVersion": running,
            "DBParameterGroupFamily": FAMILY,
            "DBEngineDescription": "PostgreSQL",
            "DBEngineVersionDescription": f"PostgreSQL {running} of the sandbox",
            "ValidUpgradeTarget": [],
            "ExportableLogTypes": list(LOG_TYPES),
            "SupportsLogExportsToCloudwatchLogs": True,
            "SupportsReadReplica": True,
            "SupportsGlobalDatabases": False,
            "SupportsParallelQuery": False,
            "SupportsBabelfish": False,
            "SupportedFeatureNames": [],
            "SupportedCACertificateIdentifiers": ["rds-ca-rsa2048-g1"],
            "SupportsCertificateRotationWithoutRestart": True,
            "Status": "available",
        }
    ]


def orderable_options(request: Request, region: str, running: str) -> list[dict[str, object]]:
    """DescribeOrderableDBInstanceOptions, for our engine."""
    if request.text("EngineVersion") not in (None, MAJOR, running):
        return []
    wanted = request.text("DBInstanceClass")
    classes = [f"{family}.{size}" for family, sizes in _SIZES.items() for size in sizes]
    return [
        {
            "Engine": ENGINE,
            "EngineVersion": running,
            "DBInstanceClass": name,
            "LicenseModel": "postgresql-license",
            "AvailabilityZones": [{"Name": f"{region}{letter}"} for letter in "abc"],
            "MultiAZCapable": True,
            "ReadReplicaCapable": True,
            "Vpc": True,
            "SupportsStorageEncryption": True,
            "StorageType": storage,
            "SupportsIops": storage != "gp2",
            "SupportsEnhancedMonitoring": True,
            "SupportsIAMDatabaseAuthentication": True,
            "SupportsPerformanceInsights": True,
            "SupportsStorageAutoscaling": True,
            "SupportedNetworkTypes": ["IPV4"],
            "OutpostCapable": False,
            "SupportsGlobalDatabases": False,
            "SupportsClusters": False,
        }
        for name in classes
        if wanted in (None, name)
        for storage in _STORAGE_TYPES
    ]
