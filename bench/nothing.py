"""A provider that does nothing: what the engine, the language host and the protocol cost by themselves.

The same core and the same resource types as the real one; every create makes up its answers and calls nobody.
"""

from __future__ import annotations

import sys
import uuid

from sandbox.provider.core.facts import all_facts
from sandbox.provider.core.resource import Resource
from sandbox.provider.core.serve import serve
from sandbox.provider.core.values import Properties
from sandbox.provider.version import VERSION


class _Nothing(Resource):
    token = ""
    service = "sts"

    def create(self, inputs: Properties) -> str:
        del inputs
        resource_id = f"nothing-{uuid.uuid4()}"
        self.call.made(resource_id)
        return resource_id

    def read(self, resource_id: str, state: Properties) -> Properties | None:
        made_up = {key: resource_id for key in self.computed() if "." not in key and "[" not in key}
        ports = {"port": 5432} if "port" in made_up else {}
        return {**made_up, **ports, **state, "id": resource_id}

    def update(self, resource_id: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        del resource_id, old, new, changed

    def delete(self, resource_id: str, state: Properties) -> None:
        del resource_id, state


def main() -> None:
    """Serve one such class for every type in the facts."""
    table = {token: type("Nothing", (_Nothing,), {"token": token}) for token in all_facts()}
    serve(table, VERSION, sys.argv[1:], validate=False)


if __name__ == "__main__":
    main()
