"""The loopback port of the cloud. Taken before anything heavy is loaded, so that a port in use is told at once."""

from __future__ import annotations

import errno
import socket

from sandbox.errors import SandboxError

HOST = "127.0.0.1"
_BACKLOG = 128


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 is any free one. Raises SandboxError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise SandboxError(
                f"port {port} on {HOST} is in use by another program: stop it, or choose another (0: any free one)"
            ) from error
        raise SandboxError(f"cannot listen on port {port} of {HOST}: {error}; choose another port") from error
    return listener
