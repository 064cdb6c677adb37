"""Resources of the western region: made and looked at again, or deleted, with what must be true of each."""

from __future__ import annotations

from typing import Any

from tests.unit.provider.program import Kind, Program

WEST = "us-west-2"


def made(kind: Kind, **inputs: Any) -> Program:
    program = Program(kind, region=WEST)
    program.up(**inputs)
    assert program.plan(**inputs).changes == (), "made, and then different"
    program.refresh()
    assert program.plan(**inputs).changes == (), "looked at again, and then different"
    return program


def gone(program: Program) -> bool:
    program.destroy()
    program.destroy()  # a second time is success, too
    program.refresh()
    return not program.id
