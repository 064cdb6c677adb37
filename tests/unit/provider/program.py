"""A stand-in for the engine: it drives one resource through Check, Diff, Create, Read, Update and Delete."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto import mock_aws

from sandbox.provider.core import operations
from sandbox.provider.core.aws import Aws, Settings
from sandbox.provider.core.check import check
from sandbox.provider.core.diff import Diff, diff
from sandbox.provider.core.resource import Call, Resource
from sandbox.provider.core.values import Properties

Kind = type[Resource]
_CLIENTS = Aws(Settings(region="us-east-1", access_key="test", secret_key="test"))
"""Shared by all tests: making a client takes longer than a test, and moto answers each by its credentials' scope."""


class Refused(Exception):  # noqa: N818 - the engine calls it so
    """Check did not accept the program."""


class Program:
    """One resource of a program, and what the engine remembers of it."""

    def __init__(
        self,
        kind: Kind,
        name: str = "thing",
        region: str = "us-east-1",
        timeout: float = 30.0,
        *,
        aws: Aws | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.region = region
        self.timeout = timeout
        self.aws = aws or _CLIENTS
        self.id = ""
        self.state: Properties = {}
        self.inputs: Properties = {}

    def call(self) -> Call:
        return Call(
            self.aws,
            urn=f"urn:pulumi:test::test::{self.kind.token}::{self.name}",
            region=self.region,
            timeout=self.timeout,
            cancelled=threading.Event(),
            say=lambda _: None,
        )

    def checked(self, **inputs: Any) -> Properties:
        found, failures = check(
            self.kind, name=self.name, region=self.region, seed=b"seed", old=self.inputs, new=inputs
        )
        if failures:
            raise Refused("; ".join(f"{key}: {reason}" for key, reason in failures))
        return found

    def plan(self, **inputs: Any) -> Diff:
        """What an update with these inputs would do."""
        return diff(self.kind, state=self.state, old_inputs=self.inputs, new=self.checked(**inputs))

    def up(self, **inputs: Any) -> Properties:
        """Create it, or change it in place."""
        new = self.checked(**inputs)
        if self.id:
            found = diff(self.kind, state=self.state, old_inputs=self.inputs, new=new)
            assert not found.replace, f"a replacement: {found}"
            if not found.changes:
                return self.state
            made = operations.update(self.kind, self.call(), self.id, self.state, self.inputs, new)
        else:
            made = operations.create(self.kind, self.call(), new)
        self._remember(made)
        return self.state

    def refresh(self) -> Properties:
        """Look at AWS again; the id becomes empty when the thing is gone."""
        self._remember(operations.read(self.kind, self.call(), self.id, self.state, self.inputs))
        return self.state

    def imported(self, resource_id: str) -> Properties:
        """Adopt what exists."""
        self._remember(operations.read(self.kind, self.call(), resource_id, {}, {}))
        return self.state

    def destroy(self) -> None:
        operations.delete(self.kind, self.call(), self.id, self.state, self.inputs)

    def client(self, service: str) -> Any:
        """AWS behind the engine's back."""
        return self.aws.client(service, self.region)

    def _remember(self, made: operations.Made) -> None:
        self.id, self.state, self.inputs = made.resource_id, made.state, made.inputs


@contextmanager
def cloud() -> Iterator[None]:
    """Moto in this process, whatever endpoint the environment names."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    # machine images that no test starts cost half a second a test
    lean = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
    with patch.dict(os.environ, {**kept, **credentials, **lean}, clear=True), mock_aws():
        yield
