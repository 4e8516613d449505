from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of crystal structures, hull entries and awkward files to compare with."""
    default = Path(__file__).parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("LAMCORE_REFERENCE_DATA", default)) / "openlam"
    if not folder.is_dir():
        pytest.skip(f"the reference data is not here ({folder}); set LAMCORE_REFERENCE_DATA")
    return folder
