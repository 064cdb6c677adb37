"""Connections to a site's database, by its own secret and over verified TLS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from scripts.lib import clients
from scripts.lib.aws_errors import naming_region
from scripts.lib.errors import DrError
from scripts.lib.outputs import SiteOutputs

CONNECT_SECONDS = 3
"""A dead region must not cost more."""


@dataclass(frozen=True)
class Credentials:
    """Who connects; the password is never shown."""

    username: str
    password: str = field(repr=False)


def credentials(site: SiteOutputs) -> Credentials:
    """From the site's own Secrets Manager secret: no call leaves the site's region."""
    with naming_region(site.region):
        value = clients.secretsmanager(site.region).get_secret_value(SecretId=site.database_secret_arn)
    try:
        document = json.loads(value["SecretString"])
        return Credentials(str(document["username"]), str(document["password"]))
    except (KeyError, ValueError):
        raise DrError(
            f"the secret {site.database_secret_arn} does not hold a user name and a password: "
            f"run `pulumi up -s {site.site}`"
        ) from None


@contextmanager
def connect(site: SiteOutputs) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection in autocommit to the site's database, by TLS that checks the certificate and the host.

    Raises DrError. The CA comes from PGSSLROOTCERT (on AWS: the RDS bundle of all regions).
    """
    database = site.database
    if database is None:
        raise DrError(f"{site.site} has no database yet: run `dr provision`")
    who = credentials(site)
    try:
        connection = psycopg.connect(
            host=database.address,
            port=database.port,
            dbname=database.name,
            user=who.username,
            password=who.password,
            sslmode="verify-full",
            connect_timeout=CONNECT_SECONDS,
            autocommit=True,
            application_name="dr",
        )
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise DrError(
            f"the database {database.identifier} of {site.site} ({database.address}:{database.port}) cannot be "
            f"reached: {reason}"
        ) from None
    with connection:
        yield connection
