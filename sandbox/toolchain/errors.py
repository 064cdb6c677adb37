"""How a toolchain that cannot be had ends a command: numbers of sysexits.h, so that a script can tell them apart.

====  ==================================================================================
code  meaning
====  ==================================================================================
69    neither a suitable program nor Go (new enough) to build it is on the machine
70    the build itself failed, or built something that does not run
73    the cache directory cannot be written
74    the disk is full, or would be before the end
75    the modules could not be downloaded; the same command later may succeed
130   interrupted; what was compiled is kept and the same command goes on from there
====  ==================================================================================
"""

from __future__ import annotations

from enum import IntEnum


class ToolchainExit(IntEnum):
    """Exit codes of ``SandboxError`` as raised by this package."""

    UNAVAILABLE = 69
    BUILD_FAILED = 70
    CANNOT_CREATE = 73
    DISK_FULL = 74
    NETWORK = 75
    INTERRUPTED = 130
