"""The site's own copy of the database's credentials, in Secrets Manager."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import secretsmanager

from infra.component import Component
from infra.sites import Site

RECOVERY_WINDOW = 7
"""Days in which a deleted secret can be brought back."""


@dataclass(frozen=True)
class Connection:
    """How the site's own database is reached. Never the peer's: after a failover the peer is what is gone."""

    identifier: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    database: str
    username: str
    password: pulumi.Output[str]


@dataclass(frozen=True)
class SecretsArgs:
    site: Site
    key_arn: pulumi.Input[str]
    connection: Connection | None
    """None while the site has no database yet: then there is a secret, but no value in it."""
    disposable: bool


class Secrets(Component):
    """No replica of the secret in the other region: a copied secret carries the source's host, and is written by a
    region that may be gone. Each site writes its own, from its own encrypted configuration."""

    database_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        secret = secretsmanager.Secret(
            "database-secret",
            name=f"goliath-partner-system/{args.site}/database",
            description=f"Connection to the {args.site} site's database",
            kms_key_id=args.key_arn,
            recovery_window_in_days=0 if args.disposable else RECOVERY_WINDOW,
            opts=self.child(),
        )
        if args.connection is not None:
            secretsmanager.SecretVersion(
                "database-secret",
                secret_id=secret.id,
                secret_string=_value(args.connection),
                opts=self.child(),
            )
        self.database_secret_arn = secret.arn
        self.register_outputs({"databaseSecretArn": self.database_secret_arn})


def _value(connection: Connection) -> pulumi.Output[str]:
    """The fields that AWS's own tools expect (AWS Secrets Manager user guide, "JSON structure of secrets")."""
    return pulumi.Output.json_dumps(
        {
            "engine": "postgres",
            "host": connection.host,
            "port": connection.port,
            "username": connection.username,
            "password": connection.password,
            "dbname": connection.database,
            "dbInstanceIdentifier": connection.identifier,
        }
    )
