from __future__ import annotations

import os
from pathlib import Path

import pytest
from ase import Atoms


@pytest.fixture(scope="session")
def reference_data():
    """The folder of reference data, which does not travel with the repository."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("LAMCORE_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set LAMCORE_REFERENCE_DATA")
    return folder


@pytest.fixture
def cu3au():
    fractional = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0], [0, 0, 0]]
    return Atoms("Cu3Au", scaled_positions=fractional, cell=[3.75] * 3, pbc=True)
