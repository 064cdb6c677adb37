"""What the engine may ask of a language host. What is not here answers "unimplemented", which the engine expects."""

# ruff: noqa: ARG002, N802 - the names and the arguments are those of the protocol

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2

from sandbox.engine.language_host.runner import Connection, RunnerGoneError
from sandbox.engine.language_host.wire import language_pb2, language_pb2_grpc, plugin_pb2

if TYPE_CHECKING:
    from sandbox.engine.language_host.packages import RequiredPlugin

FAILED_AND_SAID_WHY = 32
"""Exit code of a program whose user has been told in full (``program.FAILED_AND_SAID_WHY``, which needs the SDK)."""


def register(server: grpc.Server, connection: Connection) -> None:
    """Add the host to a server."""
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(connection), server)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """One instance for the life of the process. Every program runs with this interpreter and what it has installed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Nothing is negotiated."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """No version of its own, as the SDK's own host for inline programs. Asked at every start: has to be quick."""
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Lets the engine check for the plugins before it starts anything."""
        from sandbox.engine.language_host import packages  # noqa: PLC0415 - a tenth of the time that the start takes

        return language_pb2.GetRequiredPackagesResponse(
            packages=[_package(plugin) for plugin in packages.required_plugins()]
        )

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Run the program to its end."""
        if refusal := _unsupported(request):
            return language_pb2.RunResponse(error=refusal)
        try:
            exit_code = self._connection.run(request.SerializeToString())
        except RunnerGoneError:
            return language_pb2.RunResponse(error="the language host ended before the program did: see above for why")
        if exit_code == 0:
            return language_pb2.RunResponse()
        if exit_code == FAILED_AND_SAID_WHY:
            return language_pb2.RunResponse(bail=True)
        if exit_code < 0:
            name = signal.Signals(-exit_code).name
            return language_pb2.RunResponse(error=f"program was ended by signal {name}")
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {exit_code}")

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The engine goes away, on Ctrl-C or at the end of a command."""
        self._connection.cancel()
        return empty_pb2.Empty()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        """For ``pulumi about``."""
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        """For ``pulumi about``."""
        from sandbox.engine.language_host import packages  # noqa: PLC0415

        found = packages.dependencies(transitive=request.transitiveDependencies)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Nothing to do: the interpreter of the sandbox has its dependencies, and is the one that is used."""
        yield language_pb2.InstallDependenciesResponse(
            stdout=f"Programs run with {sys.executable}, which has its dependencies.\n".encode()
        )

    def GenerateProgram(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The end of ``pulumi import``, which proposes lines for the program; here in the engine's own notation.

        To turn it into Python takes the code generator of the official host. An error would make an import that has
        been done look as if it had failed.
        """
        lines = ["# What was imported, in the engine's notation: the sandbox's language host cannot write Python."]
        for _, source in sorted(request.source.items()):
            lines += [f"# {line}".rstrip() for line in source.strip().splitlines()]
        return language_pb2.GenerateProgramResponse(source={"__main__.py": "\n".join([*lines, ""]).encode()})

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Plugins written as Python projects (PulumiPlugin.yaml)."""
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"the sandbox's language host runs programs only, not the {request.kind or 'Python'} plugin in "
            f"{request.info.program_directory}: use the official Pulumi CLI for that",
        )


def _unsupported(request: Any) -> str:
    """Options that the official host honours and that must not be passed over in silence."""
    if request.attach_debugger:
        return "the sandbox's language host cannot attach a debugger: use the official Pulumi CLI for that"
    if request.info.options.fields["typechecker"].string_value:
        return (
            "the runtime option 'typechecker' in Pulumi.yaml is not supported by the sandbox's language host: "
            "remove it, or use the official Pulumi CLI"
        )
    return ""


def _package(plugin: RequiredPlugin) -> Any:
    parameters = plugin.parameterization
    return plugin_pb2.PackageDependency(
        name=plugin.name,
        kind="resource",
        version=plugin.version,
        server=plugin.server,
        parameterization=plugin_pb2.PackageParameterization(
            name=parameters.name, version=parameters.version, value=parameters.value
        )
        if parameters
        else None,
    )
