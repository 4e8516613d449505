"""Where LAMBench's published results are, for the golden tests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

_REPOSITORY = Path(__file__).parents[3]
DATA = Path(os.environ.get("LAMCORE_REFERENCE_DATA", _REPOSITORY.parent / "shared" / "data")) / "lambench-published"
TAGS = sorted(path.name for path in DATA.glob("*.*.*")) if DATA.is_dir() else []


def pytest_generate_tests(metafunc):
    if "release" in metafunc.fixturenames:
        absent = pytest.mark.skip(reason=f"no published results of LAMBench at {DATA}; set LAMCORE_REFERENCE_DATA")
        metafunc.parametrize(
            "release", TAGS or [pytest.param("none", marks=absent)], indirect=True, ids=TAGS or ["absent"]
        )


@pytest.fixture
def release(request):
    """A release's files: `release.results`, `release.rankings`, …; None for a file that it does not have."""
    from lamcore_lambench.rules import from_lambench

    folder = DATA / request.param
    names = {"rankings": "final_rankings", "bars": "barplot", "pc_bars": "pc_barplot"}
    names |= {name: name for name in ("results", "radar", "scatter")}
    files = {name: folder / f"{stem}.json" for name, stem in names.items()}
    read = {name: json.loads(path.read_text()) if path.exists() else None for name, path in files.items()}
    return SimpleNamespace(tag=request.param, folder=folder, rules=from_lambench(folder, request.param), **read)
