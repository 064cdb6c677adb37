"""``python -m sandbox.provider``: what the engine starts as ``pulumi-resource-aws``."""

from __future__ import annotations

import sys

from sandbox.provider.core.serve import serve
from sandbox.provider.version import VERSION


def main() -> None:
    """Serve every resource class of the services."""
    from sandbox.provider.services.table import TABLE  # noqa: PLC0415 - boto3 and all services load only when serving

    serve(TABLE, VERSION, sys.argv[1:])


if __name__ == "__main__":
    main()
