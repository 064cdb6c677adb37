"""The errors of RDS, with the codes of its API reference and, where known, the service's own sentences."""

from __future__ import annotations

from moto.rds.exceptions import RDSClientError


def error(code: str, message: str) -> Exception:
    """An API error. ``code`` is the wire code of the API model; the status follows from it."""
    return RDSClientError(code, message)  # type: ignore[no-any-return]


def invalid_value(message: str) -> Exception:
    return error("InvalidParameterValue", message)


def invalid_combination(message: str) -> Exception:
    return error("InvalidParameterCombination", message)


def instance_not_found(identifier: str) -> Exception:
    return error("DBInstanceNotFound", f"DBInstance {identifier} not found.")


def invalid_instance_state(message: str) -> Exception:
    return error("InvalidDBInstanceState", message)


def snapshot_not_found(identifier: str) -> Exception:
    return error("DBSnapshotNotFound", f"DBSnapshot {identifier} not found.")


def invalid_snapshot_state(message: str) -> Exception:
    return error("InvalidDBSnapshotState", message)


def parameter_group_not_found(name: str) -> Exception:
    return error("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")


def subnet_group_not_found(name: str) -> Exception:
    return error("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")


def backup_not_found(identifier: str) -> Exception:
    return error("DBInstanceAutomatedBackupNotFound", f"DBInstanceAutomatedBackup {identifier} not found.")
