"""The rules that requests have to keep, from the API reference of RDS and its user guide."""

from __future__ import annotations

import re

from sandbox.cloud.rds.errors import invalid_combination, invalid_value

ENGINE = "postgres"
FAMILY = "postgres17"
MAJOR = "17"
DEFAULT_PARAMETER_GROUP = f"default.{FAMILY}"
DEFAULT_OPTION_GROUP = f"default:{ENGINE}-{MAJOR}"
LOG_TYPES = ("postgresql", "upgrade", "iam-db-auth-error")
MAXIMUM_RETENTION = 35
"""Days (CreateDBInstance, BackupRetentionPeriod)."""
MAXIMUM_REPLICAS = 15
"""Read replicas of one instance (CreateDBInstanceReadReplica, SourceDBInstanceIdentifier)."""
_MINIMUM_STORAGE, _MAXIMUM_STORAGE = 20, 65536
_MONITORING_INTERVALS = (0, 1, 5, 10, 15, 30, 60)

_RESERVED_USERS = frozenset({"rdsadmin", "rdsrepladmin", "rds_superuser", "rds_replication", "rds_password", "admin",
                             "user", "public", "none", "session_user", "current_user", "rdstopmgr"})  # fmt: skip
_RESERVED_DATABASES = frozenset({"postgres", "rdsadmin", "template0", "template1", "db"})
_CLASS = re.compile(r"db\.[a-z0-9-]+\.[a-z0-9]+")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60


def check_identifier(name: str, value: str, *, longest: int = 63) -> str:
    """Lower case. Letters, digits, single hyphens; begins with a letter; does not end with a hyphen."""
    fits = re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", value) and "--" not in value and not value.endswith("-")
    if not fits or len(value) > longest:
        raise invalid_value(
            f"The parameter {name} is not a valid identifier. Identifiers must begin with a letter; must contain only "
            f"ASCII letters, digits, and hyphens (at most {longest}); and must not end with a hyphen or contain two "
            "consecutive hyphens."
        )
    return value.lower()


def check_engine(engine: str | None) -> None:
    if engine != ENGINE:
        raise invalid_value(f"Invalid DB engine: {engine}")


def check_version(requested: str | None, running: str) -> str:
    """The version that an instance gets: there is one, the server's own; ``17`` and nothing mean it."""
    if requested in (None, MAJOR, running):
        return running
    raise invalid_combination(f"Cannot find version {requested} for {ENGINE}")


def check_master_username(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name) or name.lower().startswith("pg_"):
        raise invalid_value(
            f"MasterUsername {name} is not valid: it must be 1 to 63 letters, numbers or underscores, begin with a "
            "letter, and not begin with pg_."
        )
    if name.lower() in _RESERVED_USERS:
        raise invalid_value(f"MasterUsername {name} cannot be used as it is a reserved word used by the engine")
    return name


def check_master_password(password: str) -> str:
    """8 to 128 printable ASCII characters except / " @ and space. The message never contains the password."""
    if not 8 <= len(password) <= 128:
        raise invalid_value(
            "The parameter MasterUserPassword is not a valid password because it is "
            + ("shorter than 8 characters." if len(password) < 8 else "longer than 128 characters.")
        )
    if not all("!" <= letter <= "~" and letter not in '/"@' for letter in password):
        raise invalid_value(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides "
            "'/', '@', '\"', ' ' may be used."
        )
    return password


def check_database_name(name: str | None) -> str | None:
    """None: only the database ``postgres`` is made."""
    if not name:
        return None
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
        raise invalid_value(
            f"DBName must begin with a letter and contain only alphanumeric characters: {name} does not."
        )
    if name.lower() in _RESERVED_DATABASES:
        raise invalid_value(f"DBName {name} cannot be used.  It is a reserved word for this engine")
    return name


def check_class(name: str | None) -> str:
    if name is None or not _CLASS.fullmatch(name):
        raise invalid_value(f"Invalid DB Instance class: {name}")
    return name


def check_storage(gibibytes: int | None) -> int:
    if gibibytes is None or not _MINIMUM_STORAGE <= gibibytes <= _MAXIMUM_STORAGE:
        raise invalid_value(
            f"Invalid storage size for engine name {ENGINE} and storage type gp3: {gibibytes} "
            f"(allowed are {_MINIMUM_STORAGE} to {_MAXIMUM_STORAGE} GiB)"
        )
    return gibibytes


def check_retention(days: int) -> int:
    if not 0 <= days <= MAXIMUM_RETENTION:
        raise invalid_value(f"Invalid backup retention period: {days}. Must be between 0 and {MAXIMUM_RETENTION}")
    return days


def check_log_exports(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in LOG_TYPES:
            raise invalid_combination(
                f"You cannot use the log type '{name}' with engine version {ENGINE} {MAJOR}. "
                f"For supported log types, see the documentation: {', '.join(LOG_TYPES)}."
            )
    return tuple(dict.fromkeys(names))


def check_monitoring(interval: int, role: str | None) -> None:
    if interval not in _MONITORING_INTERVALS:
        raise invalid_value(f"Invalid monitoring interval: {interval}; allowed are {_MONITORING_INTERVALS}.")
    if interval and not role:
        raise invalid_combination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
        )


def check_windows(backup: str, maintenance: str) -> None:
    """Both at least 30 minutes (UTC), and apart from each other on every day."""
    backup_start, backup_length = backup_window(backup)
    start, length = maintenance_window(maintenance)
    for day in range(8):
        begin = day * _DAY_MINUTES + backup_start
        for other in (start, start + 7 * _DAY_MINUTES):
            if begin < other + length and other < begin + backup_length:
                raise invalid_value("The backup window and maintenance window must not overlap.")


def backup_window(window: str) -> tuple[int, int]:
    """Start and length in minutes; the start counts from midnight."""
    parts = window.split("-")
    if len(parts) != 2 or not all(_TIME.fullmatch(part) for part in parts):
        raise invalid_value(f"Invalid backup window format: {window}. Should be specified as a range hh24:mi-hh24:mi.")
    return _window("backup", _minutes(parts[0]), _minutes(parts[1]), _DAY_MINUTES)


def maintenance_window(window: str) -> tuple[int, int]:
    """Start and length in minutes; the start counts from Monday's midnight."""
    parts = window.lower().split("-")
    ends = [part.split(":", 1) for part in parts]
    if len(ends) != 2 or not all(len(end) == 2 and end[0] in DAYS and _TIME.fullmatch(end[1]) for end in ends):
        raise invalid_value(
            f"Invalid maintenance window format: {window}. Should be specified as a range "
            "ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). Example: Sun:23:45-Mon:00:15"
        )
    first, last = (DAYS.index(day) * _DAY_MINUTES + _minutes(time) for day, time in ends)
    return _window("maintenance", first, last, 7 * _DAY_MINUTES)


def _window(kind: str, start: int, end: int, period: int) -> tuple[int, int]:
    length = (end - start) % period
    if length < 30:
        raise invalid_value(f"The {kind} window must be at least 30 minutes.")
    return start, length


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
