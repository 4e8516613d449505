"""Environment variables for a Python that is not this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ENVIRONMENTS_FOLDER = "LAMCORE_ENVIRONMENTS"


def variables_for(python: Path) -> dict[str, str]:
    """The variables to start a Python with; another environment's sees nothing of this one's modules.

    Nor does it look for environments of its own.
    """
    variables = dict(os.environ)
    if python != Path(sys.executable):
        for name in ("PYTHONPATH", "PYTHONHOME"):
            variables.pop(name, None)
        variables[ENVIRONMENTS_FOLDER] = os.devnull
    return variables
