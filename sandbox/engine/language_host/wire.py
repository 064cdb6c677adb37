"""The gRPC classes of the language host protocol, without the SDK around them.

They lie in the SDK's wheel, below a package whose import costs 0.2 s of which the host needs nothing: it is started
for every command of the engine, and only to pass on what the engine asks. So the packages above them are stood in for
by empty ones in this process. The runner and the programs, which import the whole SDK, are other processes.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


def _stand_in(name: str, *directories: str) -> None:
    module = ModuleType(name)
    module.__path__ = list(directories)
    sys.modules[name] = module


if "pulumi" not in sys.modules:  # a test, or a tool that documents this module, may have the whole SDK
    _spec = importlib.util.find_spec("pulumi")
    if _spec is None or not _spec.submodule_search_locations:
        raise ModuleNotFoundError("the Pulumi SDK is not installed for this interpreter: pip install -r the lock file")
    _directory = _spec.submodule_search_locations[0]
    _stand_in("pulumi", _directory)
    _stand_in("pulumi.runtime", f"{_directory}/runtime")
    _stand_in("pulumi.runtime.proto", f"{_directory}/runtime/proto")

from pulumi.runtime.proto import (  # noqa: E402 - after the stand-ins
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

__all__ = ["language_pb2", "language_pb2_grpc", "plugin_pb2"]
