"""Checking in processes: the awkward corpus, real structures, and files that do harm."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time

import pytest
from ase.data import chemical_symbols
from cif_samples import SALT, cif
from lamcore_crystal.extensions import default_labels, default_rules
from lamcore_crystal.intake.pool import CheckingError, CheckingPool
from lamcore_crystal.rounds import Limits, RoundSettings

SETTINGS = RoundSettings(rules=default_rules(), labels=default_labels())
HARM = """
import os
from lamcore_crystal.extensions import hookimpl
class Harm:
    name = "harm"
    def validate(self, geometry, context):
        first = geometry.numbers[0]
        if first == 19:
            while True: pass
        if first == 37:
            os._exit(9)
        if first == 55:
            bytearray(3 * 2**30)
        return []
@hookimpl
def crystal_rules():
    return [Harm()]
"""


@pytest.fixture(scope="module")
def pool():
    """One for all tests of the defaults, as it takes seconds to start."""
    with CheckingPool(SETTINGS, frozenset(chemical_symbols[1:95]), 2) as pool:
        yield pool


def test_every_awkward_file_gets_its_code_within_five_seconds(pool, reference_data):
    folder = reference_data / "awkward"
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [(one["file"], (folder / one["file"]).read_bytes(), False) for one in manifest]
    found = dict(pool.check_all(files))
    assert list(found) == [one["file"] for one in manifest]
    for one in manifest:
        (checked,) = found[one["file"]]
        verdict, _, rest = one["expected"].partition(" ")
        codes = [finding.code for finding in checked.findings]
        errors = [code for code in codes if code.startswith("E_")]
        if verdict == "reject":
            assert errors, one["file"]
            assert errors[0] in rest, (one["file"], errors)
        else:
            assert not errors, (one["file"], errors)
            assert verdict == "accept" or rest in codes, (one["file"], codes)
            assert checked.description is not None


def test_the_default_rules_refuse_none_of_100_real_structures_but_for_size(pool, reference_data):
    picked = {}
    with gzip.open(reference_data / "structures" / "lemat_baseline_9935.jsonl.gz", "rt") as lines:
        for number, line in enumerate(lines):
            if number % 99 == 7:
                row = json.loads(line)
                picked[number] = row
    assert {row["source"] for row in picked.values()} == {"mp", "alexandria", "oqmd", "jarvis"}
    found = dict(pool.check_all((key, row["cif"].encode(), False) for key, row in picked.items()))
    refused = {
        key: one.findings for key, (one,) in found.items() if any(each.severity == "error" for each in one.findings)
    }
    assert len(found) > 100
    # Size is a choice of the round, and no defect.
    assert {one.code for findings in refused.values() for one in findings if one.severity == "error"} <= {"E_NATOMS"}
    assert len(refused) < 2


def test_a_hang_a_crash_and_an_allocation_cost_one_structure_each(tmp_path, monkeypatch):
    (tmp_path / "harm.py").write_text(HARM)
    info = tmp_path / "harm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lamcore_crystal]\nharm = harm\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings = RoundSettings(rules=("harm",), limits=Limits(seconds=1, memory_mib=1024))
    hang, crash, large = (cif([(symbol, "0 0 0")], symbol) for symbol in ("K", "Rb", "Cs"))
    files = [
        ("hang", hang, False),
        ("fine", cif(), False),
        ("large", large, False),
        ("blocks", cif() + crash + cif(), True),
        ("last", cif(), False),
    ]
    from lamcore_crystal.extensions import extensions

    extensions.cache_clear()
    begin = time.monotonic()
    with CheckingPool(settings, None, 1) as pool:
        found = [
            (key, [[one.code for one in each.findings] for each in checked]) for key, checked in pool.check_all(files)
        ]
    extensions.cache_clear()
    assert found == [
        ("hang", [["E_TIMEOUT"]]),
        ("fine", [[]]),
        ("large", [["E_MEMORY"]]),
        ("blocks", [[], ["E_CRASH"], []]),
        ("last", [[]]),
    ]
    assert time.monotonic() - begin < 60


def test_a_script_without_a_guard_is_told_to_have_one(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from lamcore_crystal.intake.pool import CheckingPool\nfrom lamcore_crystal.rounds import RoundSettings\n"
        "with CheckingPool(RoundSettings(), None, 1) as pool:\n    list(pool.check_all([('a', b'', False)]))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "`if __name__ == '__main__':`" in done.stderr.splitlines()[-1]


def test_an_unknown_rule_is_said_once_and_not_of_every_file():
    with (
        CheckingPool(RoundSettings(rules=("overlop",)), None, 1) as pool,
        pytest.raises(CheckingError, match="overlap"),
    ):
        list(pool.check_all([("a", cif(), False)]))


def test_a_huge_loop_and_a_thousand_equal_sites_are_answered(pool):
    huge = cif(extra="loop_\n_refln_index_h\n" + "1\n" * 400_000)
    crowd = cif([SALT[0]] * 3000)
    found = dict(pool.check_all([("huge", huge, False), ("crowd", crowd, False)]))
    assert found["crowd"][0].findings[0].code in ("E_OVERLAP", "E_NATOMS")
    assert [one.code for one in found["huge"][0].findings] in ([], ["E_TIMEOUT"])
