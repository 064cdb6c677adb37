"""The runs that most promises are checked on, each made once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.infra.recording import Run, both_provisioned, run_stack

Outputs = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def provisioned() -> Outputs:
    """What both stacks publish once both exist: the primary active, the secondary its standby, epoch 1."""
    return both_provisioned()


@pytest.fixture(scope="session")
def first_run() -> Run:
    """The very first `pulumi up -s primary`."""
    return run_stack("primary")


@pytest.fixture(scope="session")
def primary(provisioned: Outputs) -> Run:
    """The active site, with its peer there."""
    return run_stack("primary", provisioned)


@pytest.fixture(scope="session")
def secondary(provisioned: Outputs) -> Run:
    """The standby."""
    return run_stack("secondary", provisioned)


@pytest.fixture(scope="session")
def failed_over(provisioned: Outputs) -> Run:
    """The secondary takes over while the primary is gone: its outputs still say active, epoch 1."""
    return run_stack("secondary", provisioned, role="active", epoch="2")


@pytest.fixture(scope="session")
def after_failover(provisioned: Outputs, failed_over: Run) -> Outputs:
    return {**provisioned, "secondary": failed_over.outputs}


@pytest.fixture(scope="session")
def returned(after_failover: Outputs) -> Run:
    """The primary comes back as a standby, with a database of a new generation."""
    return run_stack("primary", after_failover, role="standby", epoch="2", generation="2")


@pytest.fixture(scope="session", params=["first_run", "primary", "secondary", "failed_over", "returned"])
def any_run(request: pytest.FixtureRequest) -> Run:
    """Every situation in turn, for the promises that always hold."""
    run = request.getfixturevalue(request.param)
    assert isinstance(run, Run)
    return run
