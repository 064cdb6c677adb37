"""``python -m sandbox.engine.language_host``: what the engine starts as ``pulumi-language-python``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc  # before the fork: the runner needs it as well, and importing it starts no thread

from sandbox.engine.language_host import runner

MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes; the engine's own limit for one message."""
WATCH = 1.0
"""Seconds between two looks at whether the engine is still there."""


def main() -> int:
    """Serve until the engine ends us or is gone; as the program of a run: the exit code of the program."""
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    engine_address = arguments[-1] if arguments else ""
    engine = os.getppid()
    forked = runner.start(engine_address)
    if isinstance(forked, int):
        return forked
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # the engine ends its plugins with SIGINT
        signal.signal(number, lambda *_: stop.set())
    server = _serve(forked)
    while not stop.wait(WATCH) and os.getppid() == engine:
        pass
    forked.close()
    server.stop(None)
    os._exit(0)  # nothing is left to be done, and the engine waits for the end of this process


def _serve(connection: runner.Connection) -> grpc.Server:
    """Start the gRPC server and print its port, the only line of ours on standard output."""
    from sandbox.engine.language_host.servicer import register  # noqa: PLC0415 - the wire must not be in the runner

    server = grpc.server(
        ThreadPoolExecutor(max_workers=8),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.max_send_message_length", MESSAGE_LIMIT),
            ("grpc.so_reuseport", 0),
        ],
    )
    register(server, connection)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    return server


if __name__ == "__main__":
    sys.exit(main())
