"""Serve a table of resource classes to an engine: prints the port, ends with the engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.provider.core.engine_log import EngineLog
from sandbox.provider.core.resource import Resource
from sandbox.provider.core.servicer import Servicer

WORKERS = 96
"""Operations at once: the engine sends as many as its parallelism allows, and each may wait for a slow resource."""
MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes; the engine's own limit."""


def serve(table: Mapping[str, type[Resource]], version: str, arguments: list[str], *, validate: bool = True) -> None:
    """Run until the engine ends us, or is gone itself. ``validate``: ask STS who we are when configured."""
    address = next((argument for argument in arguments if not argument.startswith("-")), None)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=WORKERS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.max_send_message_length", MESSAGE_LIMIT),
            ("grpc.so_reuseport", 0),
        ],
    )
    servicer = Servicer(table, version, EngineLog(address), validate=validate)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = threading.Event()
    # the engine ends its plugins by SIGINT to their own process group, after it has called Cancel where there was
    # something to cancel; a user's Ctrl-C never comes here by itself
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not stop.wait(1.0) and os.getppid() == parent:
        pass
    server.stop(grace=None)
    os._exit(0)  # nothing is left to flush, and tearing the interpreter down costs every command a tenth of a second
