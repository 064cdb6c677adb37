"""Making instances of the sandbox's RDS in tests, waiting for them, and talking to their databases."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud_fixtures import RunningCloud, until

EAST, WEST = "us-east-1", "us-west-2"
USER = "partner_admin"
PASSWORD = "a-Password-for-tests-1"
DATABASE = "partner_db"
SECONDS = 90.0
Instance = dict[str, Any]


@dataclass(frozen=True)
class Rds:
    """Both regions' RDS, and what tests keep doing with it."""

    make_client: Callable[..., Any]
    ca_certificate: Path

    def __call__(self, region: str) -> Any:
        return self.make_client("rds", region)

    def key(self, region: str) -> str:
        return str(self.make_client("kms", region).create_key()["KeyMetadata"]["Arn"])

    def create(self, identifier: str, region: str = EAST, **more: Any) -> Instance:
        """A new instance, available."""
        request = {
            "DBInstanceIdentifier": identifier,
            "DBInstanceClass": "db.t4g.medium",
            "Engine": "postgres",
            "EngineVersion": "17",
            "AllocatedStorage": 20,
            "MasterUsername": USER,
            "MasterUserPassword": PASSWORD,
            "DBName": DATABASE,
            "BackupRetentionPeriod": 0,
        }
        self(region).create_db_instance(**{**request, **more})
        return self.available(identifier, region)

    def replica(self, identifier: str, source: Instance, region: str = WEST, **more: Any) -> Instance:
        abroad = source["DBInstanceArn"].split(":")[3] != region
        name = source["DBInstanceArn"] if abroad else source["DBInstanceIdentifier"]
        self(region).create_db_instance_read_replica(
            DBInstanceIdentifier=identifier, SourceDBInstanceIdentifier=name, **more
        )
        return self.available(identifier, region)

    def describe(self, identifier: str, region: str = EAST) -> Instance:
        found: Instance = self(region).describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        return found

    def available(self, identifier: str, region: str = EAST) -> Instance:
        """Wait until it is; a state that will not become available fails the test at once."""

        def look() -> Instance | None:
            found = self.describe(identifier, region)
            status = found["DBInstanceStatus"]
            assert status not in {"failed", "incompatible-parameters", "incompatible-restore"}, status
            return found if status == "available" else None

        found = until(look, seconds=SECONDS)
        assert found is not None
        return found

    def gone(self, identifier: str, region: str = EAST) -> None:
        def look() -> bool:
            try:
                self.describe(identifier, region)
            except ClientError as error:
                return bool(error.response["Error"]["Code"] == "DBInstanceNotFound")
            return False

        until(look, seconds=SECONDS)

    def delete(self, identifier: str, region: str = EAST) -> None:
        self(region).delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
        self.gone(identifier, region)

    def snapshot_available(self, identifier: str, region: str = EAST) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self(region).describe_db_snapshots(DBSnapshotIdentifier=identifier)["DBSnapshots"][
                0
            ]
            assert found["Status"] != "failed"
            return found if found["Status"] == "available" else None

        found = until(look, seconds=SECONDS)
        assert found is not None
        return found

    def restorable(self, identifier: str, moment: datetime.datetime, region: str = EAST) -> None:
        """Wait until the instance can be restored to ``moment``."""
        until(lambda: self.describe(identifier, region)["LatestRestorableTime"] >= moment, seconds=SECONDS)

    @contextlib.contextmanager
    def connect(self, instance: Instance, **more: Any) -> Iterator[psycopg.Connection[Any]]:
        """Autocommitting, over TLS with the server's name and certificate checked."""
        with contextlib.closing(
            psycopg.connect(
                **{
                    "host": instance["Endpoint"]["Address"],
                    "port": instance["Endpoint"]["Port"],
                    "dbname": DATABASE,
                    "user": USER,
                    "password": PASSWORD,
                    "sslmode": "verify-full",
                    "sslrootcert": str(self.ca_certificate),
                    "connect_timeout": 5,
                    "autocommit": True,
                    **more,
                }
            )
        ) as connection:
            yield connection

    def query(self, instance: Instance, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        with self.connect(instance, **more) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def value(self, instance: Instance, statement: str, **more: Any) -> Any:
        return self.query(instance, statement, **more)[0][0]


@pytest.fixture(scope="session")
def rds_fixture(cloud: RunningCloud, client: Callable[..., Any]) -> Rds:
    """A test module that says ``rds = rds_fixture`` has the fixture ``rds``."""
    return Rds(client, cloud.ca_certificate)


@contextlib.contextmanager
def refused(code: str, match: str | None = None) -> Iterator[None]:
    """The call inside is refused with this error code, in a sentence that contains ``match``."""
    with pytest.raises(ClientError, match=match) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
