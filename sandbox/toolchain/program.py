"""What is to be built, and where the result of exactly these sources and flags belongs."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class GoProgram:
    """One executable out of a Go module of ours, whose go.mod and go.sum pin every source by hash."""

    name: str
    """File name of the executable."""
    version: str
    """As the executable prints it."""
    module: Path
    """Directory with go.mod, go.sum and Go files."""
    package: str
    """Import path of the main package."""
    linker_flags: str = ""
    """Beside ``-s -w``: mostly ``-X variable=version``."""
    version_arguments: tuple[str, ...] = ("version",)
    """Make the executable print its version and exit 0: it is published only if it does."""
    disk_bytes: int = 0
    """Free space that a cold build needs, its compilation cache included."""
    expectation: str = "a while"
    """How long a cold build takes, for the sentence that announces it."""

    @property
    def title(self) -> str:
        """For messages."""
        return f"{self.name} {self.version}"

    def build_flags(self) -> tuple[str, ...]:
        """Flags of ``go build``: reproducible (no paths, no VCS), without debug information."""
        return (
            "-mod=readonly",
            "-trimpath",
            "-buildvcs=false",
            f"-ldflags={' '.join(['-s', '-w', self.linker_flags]).strip()}",
        )

    def key(self) -> str:
        """Changes with the sources, the flags and the platform, so that a result is never used for another input."""
        digest = hashlib.sha256()
        for part in (self.package, *self.build_flags()):
            digest.update(part.encode() + b"\0")
        for file in sorted(self.module.iterdir()):
            if file.name in {"go.mod", "go.sum"} or file.suffix == ".go":
                digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        system = f"{platform.system()}-{platform.machine()}".lower()
        return f"{self.name}-{self.version}-{system}-{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Toolchain:
    """The directory in which results are kept, shared by every clone of the project that this user has."""

    root: Path

    @classmethod
    def of_user(cls) -> Toolchain:
        """Below the user's cache directory (``XDG_CACHE_HOME`` is honoured)."""
        return cls(platformdirs.user_cache_path("goliath-dr") / "toolchain")

    def executable(self, program: GoProgram) -> Path:
        """Where the result is published; a file here is complete."""
        return self.root / program.key() / program.name

    def build_directory(self, program: GoProgram) -> Path:
        """Compilation cache and temporary files of a build that has not succeeded yet."""
        return self.root / f"{program.key()}.build"

    def lock(self, program: GoProgram) -> Path:
        """Locked by the one process that builds, whose pid it contains."""
        return self.root / f"{program.key()}.lock"
