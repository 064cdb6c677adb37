"""Ports on loopback for servers that keep theirs over a restart."""

from __future__ import annotations

import random
import socket
from threading import Lock

from sandbox.errors import SandboxError

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes the ports of outgoing connections (32768 on Linux): a server that is
# restarted must find its port free.
_FIRST, _LAST = 20000, 32000

_lock = Lock()
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on and that this process has not given out before."""
    with _lock:
        for candidate in random.sample(range(_FIRST, _LAST), 500):
            if candidate not in _given and _is_free(candidate):
                _given.add(candidate)
                return candidate
    raise SandboxError(f"No free port was found between {_FIRST} and {_LAST} on {LOOPBACK}; end what occupies them.")


def release_port(port: int) -> None:
    """The server of this port is gone for good."""
    with _lock:
        _given.discard(port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
