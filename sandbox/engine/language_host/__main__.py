"""``python -m sandbox.engine.language_host``: what the engine starts as ``pulumi-language-python``."""

from __future__ import annotations

import atexit
import os
import sys

_exit_code = 1


@atexit.register  # before any import that registers something: so it runs last
def _leave() -> None:
    """Leave at once: taking all modules apart takes 0.1 s, for which the engine would wait."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_code)


import signal  # noqa: E402
import threading  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402

import grpc  # noqa: E402 - before the fork: the runner needs it as well, and importing it starts no thread

from sandbox.engine.language_host import runner  # noqa: E402

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
    return 0


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
    _exit_code = main()
    sys.exit(_exit_code)
