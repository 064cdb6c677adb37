"""Ask an executable which version it is, leaving nothing behind."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path


class VersionError(Exception):
    """The executable fails, hangs or is something else; the message is what it said."""


def ask_version(executable: Path, arguments: Sequence[str], timeout: float) -> str:
    """What it prints on standard output, stripped. ``timeout`` in seconds. Raises ``VersionError``."""
    # the Pulumi CLI writes a log into its home even for this, and obeys flags given by PULUMI_OPTION_…
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    with tempfile.TemporaryDirectory(prefix="goliath-version-") as home:
        environment |= {"PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            done = subprocess.run(
                [executable, *arguments],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise VersionError(f"it says nothing for {timeout:.0f} s") from error
        except OSError as error:
            raise VersionError(error.strerror or str(error)) from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-200:]
        raise VersionError(f"it ends with exit code {done.returncode} and says {said!r}")
    return done.stdout.strip()
