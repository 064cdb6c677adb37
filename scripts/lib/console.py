"""The terminal: one place that knows whether it is one."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
"""Results."""
err = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress and errors, so that ``--json`` on standard output stays clean."""


def print_json(document: Any) -> None:
    """One JSON document on standard output, for machines."""
    sys.stdout.write(json.dumps(document, indent=2, sort_keys=False, default=str) + "\n")


def seconds(value: float) -> str:
    """``80 ms``, ``4.2 s``, ``3 min 05 s``."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60):02d} s"
