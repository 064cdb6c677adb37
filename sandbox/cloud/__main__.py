"""``python -m sandbox.cloud --directory DIR --port N``: the two regions as one process on loopback."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from pathlib import Path

from sandbox.cloud import moto_settings
from sandbox.cloud.context import CloudContext
from sandbox.cloud.listening import listen
from sandbox.errors import SandboxError


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. 0 after SIGTERM or SIGINT, otherwise a SandboxError's code and its sentence."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.cloud", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the cloud writes; made if missing")
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 (the default) takes a free one")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    moto_settings.apply(CloudContext(options.directory))
    try:
        listener = listen(options.port)
        # imported only now: moto reads some of its settings when it is imported
        server = importlib.import_module("sandbox.cloud.server")
        server.run(server.prepare(options.directory), listener)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
