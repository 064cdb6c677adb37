"""Fixtures of the tests that need real servers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.sandbox.running import Running, new_directory


@pytest.fixture(scope="session")
def provisioned() -> Iterator[Running]:
    """Both sites in a sandbox of the tests' own, provisioned once; tests leave it as they found it."""
    sandbox = Running(new_directory())
    result = sandbox.up()
    assert result.code == 0, result.text
    try:
        sandbox.must("dr", "provision", "--yes")
        yield sandbox
    finally:
        sandbox.down()
        shutil.rmtree(sandbox.directory.parent, ignore_errors=True)


@pytest.fixture
def empty_place() -> Iterator[Running]:
    """A place without a sandbox; whatever a test leaves there is thrown away."""
    sandbox = Running(new_directory())
    try:
        yield sandbox
    finally:
        sandbox.down()
        shutil.rmtree(sandbox.directory.parent, ignore_errors=True)
