"""``dr check``: what is written in one site arrives in the other. A row by streaming replication, an object by S3's."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import psycopg
import typer
from botocore.exceptions import ClientError

from scripts.lib import clients
from scripts.lib.aws_errors import naming_region
from scripts.lib.console import print_json, seconds
from scripts.lib.database import connect
from scripts.lib.errors import DrError
from scripts.lib.outputs import REPLICATED, SiteOutputs, active_and_standby, read_outputs
from scripts.lib.progress import Line, step
from scripts.lib.project import find_project

KEY = "dr-check/probe.txt"
"""One key that is overwritten: old versions expire by the bucket's lifecycle rule."""
POLL_SECONDS = 0.1
ROW_SECONDS = 300.0
"""How long a row may take: the playbook's limit of five minutes of loss."""
OBJECT_SECONDS = 900.0
"""How long an object may take: S3 Replication Time Control promises 15 minutes (Amazon S3 User Guide)."""


@dataclass(frozen=True)
class Arrival:
    """One thing that was written in one place and read in another. Seconds from the write to the read."""

    what: str
    written_in: str
    read_in: str
    seconds: float


def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for machines.")] = False,
) -> None:
    """Write a row and objects in one site and read them in the other."""
    sites = read_outputs(find_project())
    active, standby = active_and_standby(sites)
    arrivals = [_row(active, standby)]
    for writer, reader in ((active, standby), (standby, active)):
        arrivals += [_object(purpose, writer, reader) for purpose in REPLICATED]
    if as_json:
        print_json({"arrivals": [asdict(arrival) for arrival in arrivals]})


def _row(active: SiteOutputs, standby: SiteOutputs) -> Arrival:
    if standby.database is None or active.database is None:
        raise DrError(f"{standby.site} has no replica yet: run `dr provision`")
    route = f"{active.database.identifier} -> {standby.database.identifier}"
    with step(f"a row      {route}") as line, connect(active) as source, connect(standby) as replica:
        if _one(replica, "SELECT pg_is_in_recovery()") is not True:
            raise DrError(f"{standby.database.identifier} is not a replica: it accepts writes")
        probe = str(uuid.uuid4())
        source.execute("CREATE SCHEMA IF NOT EXISTS dr")
        source.execute(
            "CREATE TABLE IF NOT EXISTS dr.probe (id uuid PRIMARY KEY, written timestamptz NOT NULL DEFAULT now())"
        )
        try:
            source.execute("INSERT INTO dr.probe (id) VALUES (%s)", (probe,))
            waited = _until(lambda: _has_row(replica, probe), ROW_SECONDS, line, "the row is not in the replica yet")
        finally:
            source.execute("DELETE FROM dr.probe WHERE id = %s", (probe,))
        line.end(f"written and read back in {seconds(waited)}")
    return Arrival("row", active.database.identifier, standby.database.identifier, round(waited, 3))


def _has_row(replica: psycopg.Connection[tuple[object, ...]], probe: str) -> bool:
    try:
        return _one(replica, "SELECT count(*) FROM dr.probe WHERE id = %s", (probe,)) == 1
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return False  # the table itself is still on its way


def _one(connection: psycopg.Connection[tuple[object, ...]], query: str, values: tuple[object, ...] = ()) -> object:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def _object(purpose: str, writer: SiteOutputs, reader: SiteOutputs) -> Arrival:
    source, destination = getattr(writer.buckets, purpose), getattr(reader.buckets, purpose)
    body = str(uuid.uuid4()).encode()
    with step(f"an object  {source} -> {destination}") as line:
        with naming_region(writer.region):
            clients.s3(writer.region).put_object(Bucket=source, Key=KEY, Body=body)
        waited = _until(
            lambda: _holds(reader, destination, body),
            OBJECT_SECONDS,
            line,
            f"s3://{destination}/{KEY} has not arrived yet",
        )
        line.end(f"written and read back in {seconds(waited)}")
    return Arrival("object", f"s3://{source}", f"s3://{destination}", round(waited, 3))


def _holds(reader: SiteOutputs, bucket: str, body: bytes) -> bool:
    with naming_region(reader.region):
        try:
            answer = clients.s3(reader.region).get_object(Bucket=bucket, Key=KEY)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                return False
            raise
    return answer["Body"].read() == body


def _until(there: Callable[[], bool], limit: float, line: Line, waiting: str) -> float:
    started = time.monotonic()
    while not there():
        waited = time.monotonic() - started
        if waited > limit:
            raise DrError(f"{waiting}, after {seconds(waited)}: replication is broken or far behind, see `dr status`")
        line.tell(waiting)
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started
