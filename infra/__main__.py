"""The program that `pulumi up` runs: one stack of it is one site."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A Pulumi host puts the program's own directory on the path, where site.py and secrets.py would stand in front of the
# standard library's modules of these names. What belongs there is the directory that holds the package.
sys.path[:] = [str(HERE.parent), *(entry for entry in sys.path if Path(entry).resolve() != HERE)]

from infra.program import run  # noqa: E402

run()
