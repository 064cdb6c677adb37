"""What the provider says to the user while an operation runs, through the engine."""

from __future__ import annotations

import threading

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """The engine's log service; silent while no engine is attached."""

    def __init__(self, address: str | None = None) -> None:
        self._lock = threading.Lock()
        self._stub: engine_pb2_grpc.EngineStub | None = None
        if address:
            self.attach(address)

    def attach(self, address: str) -> None:
        """Speak to the engine at this address from now on."""
        with self._lock:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def status(self, urn: str, text: str) -> None:
        """A passing word beside the resource's line in the engine's progress display."""
        stub = self._stub
        if stub is None:
            return
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=urn, ephemeral=True)
        try:
            stub.Log(request, timeout=1.0)
        except grpc.RpcError:
            self._stub = None  # the engine is going away; a status line is not worth an error
