"""What the Go tool writes when it fails, in one sentence with what to do."""

from __future__ import annotations

import re

from sandbox.errors import SandboxError
from sandbox.toolchain.errors import ToolchainExit
from sandbox.toolchain.go import GoFailedError
from sandbox.toolchain.program import GoProgram, Toolchain

_TOO_OLD = re.compile(
    r"requires go >= (?P<needed>\S+) \(running go (?P<have>[^;)]+)|download go(?P<wanted>\S+) for |"
    r"invalid go version|unknown directive: toolchain"
)
_NETWORK = re.compile(
    r"dial tcp|dial udp|no such host|connection (refused|reset)|i/o timeout|TLS handshake|proxyconnect|"
    r"network is unreachable|server misbehaving|unexpected EOF|: 5\d\d |module lookup disabled|certificate",
    re.IGNORECASE,
)


def explain(program: GoProgram, toolchain: Toolchain, failure: GoFailedError) -> SandboxError:
    """The error that a user sees, with the line that says why."""
    text = failure.output
    if "no space left on device" in text.lower():
        return SandboxError(
            f"The disk below {toolchain.root} is full while {program.title} is being built: free "
            f"{program.disk_bytes / 1e9:.1f} GB and run the same command again, it goes on where it was.",
            exit_code=ToolchainExit.FAILED,
        )
    if old := _TOO_OLD.search(text):
        needed = old["needed"] or old["wanted"] or "newer than the one on PATH"
        have = f"the Go on PATH is {old['have'].strip()}" if old["have"] else "the Go on PATH could not fetch it"
        return SandboxError(
            f"{program.title} needs Go {needed} to be built and {have}: install that Go, or put {program.name} "
            f"{program.version} or newer on PATH.",
            exit_code=ToolchainExit.REFUSED,
        )
    if "checksum mismatch" in text or "SECURITY ERROR" in text:
        return SandboxError(
            f"A module of {program.title} does not have the checksum that {program.module / 'go.sum'} pins, so nothing "
            f"was built: check the module proxy (GOPROXY) ({_reason(text)}).",
            exit_code=ToolchainExit.FAILED,
        )
    if failed := _NETWORK.search(text):
        return SandboxError(
            f"The modules of {program.title} could not be downloaded ({_reason(text, failed[0])}): check the network "
            "or GOPROXY and run the same command again, it goes on where it was.",
            exit_code=ToolchainExit.FAILED,
        )
    if "signal: killed" in text or failure.returncode == -9:
        return SandboxError(
            f"The system killed the compiler while {program.title} was being built, mostly for want of memory: free "
            "some (2 GB are enough) and run the same command again, it goes on where it was.",
            exit_code=ToolchainExit.FAILED,
        )
    return SandboxError(
        f"Building {program.title} failed ({_reason(text) or f'go ended with {failure.returncode}'}): run the same "
        "command again, and report it with the output of 'go env' if it fails again.",
        exit_code=ToolchainExit.FAILED,
    )


def _reason(text: str, containing: str = "") -> str:
    """The first line that is a message rather than a package (``# package`` heads its errors) or a download."""
    lines = [line.strip() for line in text.splitlines() if not line.startswith(("#", "go: downloading"))]
    chosen = next((line for line in lines if " " in line and containing in line), "")
    return chosen[:300].rstrip(".")
