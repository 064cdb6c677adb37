"""Fixtures for the provider's RDS types against the real cloud process: databases that are made and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.provider.core.aws import Aws, Settings
from sandbox.provider.services.rds_instance import Instance
from tests.sandbox.cloud_fixtures import RunningCloud, unique
from tests.sandbox.rds_helpers import DATABASE, EAST, PASSWORD, USER, Rds
from tests.unit.provider.program import Kind, Program

SECONDS = 120.0
Make = Callable[..., Program]


class CloudAws(Aws):
    """The provider's clients, of the running cloud."""

    def __init__(self, make_client: Callable[..., Any]) -> None:
        super().__init__(Settings(region=EAST))
        self._make_client = make_client

    def client(self, service: str, region: str) -> Any:
        return self._make_client(service, region)


@pytest.fixture(scope="module")
def rds(cloud: RunningCloud, client: Callable[..., Any]) -> Rds:
    return Rds(client, cloud.ca_certificate)


@pytest.fixture(scope="module")
def aws(client: Callable[..., Any]) -> Aws:
    return CloudAws(client)


@pytest.fixture(scope="module")
def resource(aws: Aws) -> Callable[..., Program]:
    """``resource(Kind, region)``: one resource of a program, driven against the cloud."""
    return lambda kind, region=EAST: Program(kind, unique("thing"), region, SECONDS, aws=aws)


def plain(identifier: str, **inputs: Any) -> dict[str, Any]:
    """A small database that may be thrown away."""
    return {
        "identifier": identifier,
        "instanceClass": "db.t4g.medium",
        "engine": "postgres",
        "engineVersion": "17",
        "allocatedStorage": 20,
        "dbName": DATABASE,
        "username": USER,
        "password": PASSWORD,
        "skipFinalSnapshot": True,
        "applyImmediately": True,
        **inputs,
    }


def copy_of(source: Program, identifier: str, **inputs: Any) -> dict[str, Any]:
    """A replica of it in the other region."""
    return {
        "identifier": identifier,
        "instanceClass": "db.t4g.medium",
        "engine": "postgres",
        "engineVersion": "17",
        "replicateSourceDb": source.state["arn"],
        "skipFinalSnapshot": True,
        "applyImmediately": True,
        **inputs,
    }


class Databases:
    """Databases that are deleted in the end, protected or not."""

    def __init__(self, resource: Make) -> None:
        self._resource = resource
        self._made: list[Program] = []

    def __call__(self, region: str = EAST, **inputs: Any) -> Program:
        program = self._resource(Instance, region)
        self._made.append(program)
        program.up(**inputs)
        return program

    def close(self) -> None:
        for program in reversed(self._made):
            program.refresh()
            if program.id:
                program.state |= {"skipFinalSnapshot": True, "deletionProtection": False, "applyImmediately": True}
                program.destroy()


@pytest.fixture
def database(resource: Make) -> Iterator[Databases]:
    """``database(region, **inputs)``: a database of this test's own."""
    made = Databases(resource)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(resource: Make) -> Iterator[Databases]:
    made = Databases(resource)
    yield made
    made.close()


@pytest.fixture(scope="module")
def spare_wanted() -> dict[str, Any]:
    return plain(unique("spare"), backupRetentionPeriod=0)


@pytest.fixture(scope="module")
def spare_made(shared: Databases, spare_wanted: dict[str, Any]) -> Program:
    return shared(**spare_wanted)


@pytest.fixture
def spare(spare_made: Program, spare_wanted: dict[str, Any]) -> Iterator[Program]:
    """One database for tests that change it; each finds it as ``spare_wanted`` says."""
    yield spare_made
    spare_made.refresh()
    spare_made.up(**spare_wanted)


@pytest.fixture(scope="module")
def source(rds: Rds, shared: Databases) -> Program:
    """An encrypted database with backups, to copy in every way there is; tests leave it alone."""
    made = shared(**plain(unique("source"), storageEncrypted=True, kmsKeyId=rds.key(EAST), backupRetentionPeriod=1))
    rds.query(rds.describe(made.state["identifier"]), "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1), (2)")
    return made


def rds_calls(cloud: RunningCloud, since: int = 0) -> list[str]:
    return [call.action for call in cloud.calls()[since:] if call.service == "rds"]


def call_count(cloud: RunningCloud) -> int:
    """How many calls the cloud has seen; ``rds_calls`` from there on tells the next ones."""
    return len(cloud.calls())


def assert_imported(resource: Make, kind: Kind, resource_id: str, wanted: dict[str, Any]) -> None:
    """Another program adopts it by its id, and has nothing to change."""
    other = resource(kind)
    other.imported(resource_id)
    assert other.plan(**wanted).changes == ()
