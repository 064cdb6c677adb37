"""The version of the genuine provider that this one stands for: the SDK asks the engine for exactly it."""

from typing import Final

VERSION: Final = "7.51.1"
