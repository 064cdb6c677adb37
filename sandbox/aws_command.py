"""The `aws` command of the sandbox: the ordinary one, told the endpoint in a way that it always obeys."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from sandbox.engine.plugins import bin_directory
from sandbox.paths import SandboxPaths


def install(paths: SandboxPaths) -> None:
    """Put it beside the sandbox's `pulumi`, where it comes first on the PATH of `dr sandbox env`.

    Version 1 of the AWS CLI has host names of its own for some services (RDS in us-east-1, SQS everywhere), which win
    over AWS_ENDPOINT_URL but not over the option: without it such calls would leave for the real AWS.
    """
    script = bin_directory(paths.pulumi_home) / "aws"
    command = shlex.quote(str(Path(sys.executable).with_name("aws")))
    script.write_text(f'#!/bin/sh\nexec {command} --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
