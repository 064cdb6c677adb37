"""Measurements: speed and memory of the sandbox, printed with the machine. No test depends on them."""
