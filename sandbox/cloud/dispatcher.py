"""moto's dispatcher, with its look-ups remembered."""

from __future__ import annotations

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


class Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]
    """Finds the application for a request.

    moto looks through its own directories twice a request to find a service by its host name: half of the time of a
    call. There are as many names as services and regions, so they are all remembered.
    """

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, str | None] = {}

    def get_backend_for_host(self, host: str | None) -> str | None:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]
