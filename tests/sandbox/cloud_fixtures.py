"""The real cloud process for tests: started once a session, called through boto3.

Use it in a test module with ``pytest_plugins = ["tests.sandbox.cloud_fixtures"]``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from sandbox.cloud.request_log import FILE_NAME, Call, read_calls

START_SECONDS = 90.0
STOP_SECONDS = 30.0
ACCESS_KEY = "AKIATESTSOFTHECLOUD0"
REPOSITORY = Path(__file__).parents[2]

T = TypeVar("T")


@dataclass(frozen=True)
class RunningCloud:
    """A cloud that is ready. ``directory`` is what it writes to."""

    process: subprocess.Popen[bytes]
    directory: Path
    endpoint: str
    ca_certificate: Path

    def calls(self) -> list[Call]:
        """Every call so far; a call is in the log before its answer arrives."""
        return list(read_calls(self.directory / FILE_NAME))


@dataclass(frozen=True)
class CloudProcess:
    """A cloud process and how to wait for it."""

    process: subprocess.Popen[bytes]
    directory: Path
    log: Path

    def ready(self) -> RunningCloud:
        """Raises AssertionError with what it said if it ends before it is ready."""
        info = self.directory / "cloud.json"
        until(lambda: info.exists() or self.process.poll() is not None, seconds=START_SECONDS)
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        document = json.loads(info.read_text(encoding="utf-8"))
        return RunningCloud(self.process, self.directory, str(document["endpoint"]), Path(document["ca_certificate"]))

    def stop(self) -> int:
        """SIGTERM; the exit code. Killed when it takes too long."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def start_cloud(root: Path, *, port: int = 0) -> CloudProcess:
    """Start ``python -m sandbox.cloud`` in ``root``, which must be traversable by everyone."""
    directory = root / "cloud"
    directory.mkdir(parents=True, exist_ok=True)
    log = root / "cloud.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.cloud", "--directory", str(directory), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env={**environment, "GOLIATH_SANDBOX": str(root)},
        )
    return CloudProcess(process, directory, log)


def until(condition: Callable[[], T], *, seconds: float = 20.0) -> T:
    """The first true value of ``condition``. Raises AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def cloud_root() -> Iterator[Path]:
    """A directory that PostgreSQL's user may traverse, unlike pytest's own."""
    root = Path(tempfile.mkdtemp(prefix="goliath-cloud-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def cloud(cloud_root: Path) -> Iterator[RunningCloud]:
    """One cloud for the session. Tests share it: they use names of their own (``unique``)."""
    started = start_cloud(cloud_root)
    try:
        yield started.ready()
    finally:
        code = started.stop()
    assert code == 0, started.log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def client(cloud: RunningCloud) -> Callable[..., Any]:
    """``client("s3", "us-west-2")``: a boto3 client of the cloud."""
    return cache(
        lambda service, region="us-east-1", access_key=ACCESS_KEY: make_client(
            cloud.endpoint, service, region, access_key
        )
    )


def make_client(endpoint: str, service: str, region: str, access_key: str = ACCESS_KEY) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key="of-no-meaning-here",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
    )


def unique(name: str) -> str:
    """A name that no other test uses; fit for a bucket."""
    return f"{name}-{uuid.uuid4().hex[:10]}"
