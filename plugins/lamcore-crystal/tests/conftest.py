from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# For `from filled import fill`, which tests of the API and of the page begin with.
sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of crystal structures, hull entries and awkward files to compare with."""
    default = Path(__file__).parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("LAMCORE_REFERENCE_DATA", default)) / "openlam"
    if not folder.is_dir():
        pytest.skip(f"the reference data is not here ({folder}); set LAMCORE_REFERENCE_DATA")
    return folder
