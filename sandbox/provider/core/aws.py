"""AWS as the provider sees it: boto3 clients by service and region, the account, and AWS's errors as sentences."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONNECT_TIMEOUT = 2.0
"""Seconds. A dead region must cost little: three tries stay under the 25 attempts of the genuine provider."""
READ_TIMEOUT = 60.0
"""Seconds. CreateDBInstance and its kind answer at once and are then polled."""


@dataclass(frozen=True)
class Settings:
    """The provider's configuration (the ``aws:`` keys of a stack, or an explicit provider's inputs)."""

    region: str
    access_key: str | None = None
    secret_key: str | None = None
    token: str | None = None
    profile: str | None = None
    max_retries: int = 2
    skip_credentials_validation: bool = False
    path_style: bool = False


@dataclass
class Aws:
    """Clients are made once for each service and region: making one costs more than most calls."""

    settings: Settings
    _session: boto3.Session | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _account: str | None = None

    def client(self, service: str, region: str) -> Any:
        """A client that is safe to share between threads; botocore's typing stops at this edge."""
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[(service, region)] = self._make(service, region)
            return client

    def _make(self, service: str, region: str) -> Any:
        if self._session is None:
            self._session = boto3.Session(
                aws_access_key_id=self.settings.access_key,
                aws_secret_access_key=self.settings.secret_key,
                aws_session_token=self.settings.token,
                profile_name=self.settings.profile,
                region_name=self.settings.region,
            )
        style: Any = {"addressing_style": "path"} if self.settings.path_style else {}
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": self.settings.max_retries + 1},
            max_pool_connections=64,
            s3=style,
            tcp_keepalive=True,
        )
        make: Any = self._session.client  # the stubs know services by literal names only
        return make(service, region_name=region, config=config)

    @property
    def account(self) -> str:
        """The account id, asked of STS in the provider's own region as the genuine provider does."""
        if self._account is None:
            self._account = str(self.client("sts", self.settings.region).get_caller_identity()["Account"])
        return self._account


def code_of(error: Exception) -> str:
    """AWS's error code (``DBInstanceNotFound``), or the exception's name where there is none."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def describe(error: Exception) -> str:
    """AWS's error in the form in which the genuine provider reports it."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
        return (
            f"operation error {error.operation_name}: https response error StatusCode: {status}, "
            f"api error {details.get('Code', 'Unknown')}: {details.get('Message', '')}"
        )
    if isinstance(error, BotoCoreError):
        return str(error)
    return f"{type(error).__name__}: {error}" if not str(error) else str(error)
