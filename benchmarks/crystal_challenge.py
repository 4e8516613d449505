"""A challenge on real structures, once undisturbed and once killed twice on the way: same table, time by phase.

    python benchmarks/crystal_challenge.py <folder of reference data> <new folder> [--n 300] [--model sevennet]

The reference data is a folder with `structures/lemat_baseline_9935.jsonl.gz` (one JSON a line with `source`, `file` and
`cif`) and `awkward/`, CIF files with `manifest.json`. Small cells are taken first, from all sources in turn.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shutil
import subprocess
import sys
import time
from itertools import zip_longest
from pathlib import Path

from lamcore_crystal.challenge import Challenge
from lamcore_crystal.store.schema import crystal, event, relaxation, structure, submission
from sqlalchemy import func, select

_NUMBERS = ("energy_above_hull", "formation_energy_per_atom", "energy_per_atom")
_SAME = ("id", "name", "formula", "space_group", "duplicate_in_submission", "novelty", "is_novel", "source")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--model", default="sevennet")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    real, awkward = write_files(arguments.data, arguments.folder, arguments.n)
    undisturbed, killed = arguments.folder / "undisturbed", arguments.folder / "killed"
    began = time.perf_counter()
    lamcore("init", undisturbed, f"model={arguments.model}")
    lamcore("submit", undisturbed, real, "--source", "real structures")
    lamcore("submit", undisturbed, awkward, "--source", "awkward files")
    shutil.copytree(undisturbed, killed)  # the same secret, so the same sample
    print(f"init and submit: {time.perf_counter() - began:.1f} s on the clock")
    began = time.perf_counter()
    lamcore("evaluate", undisturbed, may_refuse=True)
    print(f"undisturbed evaluation: {time.perf_counter() - began:.1f} s on the clock")
    n_references = count(killed, relaxation)
    began = time.perf_counter()
    kill_when(killed, structure, arguments.n // 3)
    kill_when(killed, relaxation, n_references + arguments.n // 2)
    lamcore("evaluate", killed, may_refuse=True)
    print(f"killed twice and taken up: {time.perf_counter() - began:.1f} s on the clock")
    compare(undisturbed, killed)
    print_phases(undisturbed)


def write_files(data: Path, folder: Path, n: int) -> tuple[Path, Path]:
    """The files of both submissions."""
    by_source: dict[str, list[dict]] = {}
    with gzip.open(data / "structures" / "lemat_baseline_9935.jsonl.gz", "rt") as file:
        for line in file:
            row = json.loads(line)
            by_source.setdefault(row["source"], []).append(row)
    for rows in by_source.values():
        rows.sort(key=lambda row: (n_sites(row["cif"]), row["file"]))
    real = folder / "real"
    real.mkdir()
    turns = [row for rows in zip_longest(*by_source.values()) for row in rows if row is not None]
    for row in turns[:n]:
        (real / f"{row['source']}-{Path(row['file']).stem}.cif".replace("/", "-")).write_text(row["cif"])
    awkward = folder / "awkward"
    awkward.mkdir()
    for row in json.loads((data / "awkward" / "manifest.json").read_text()):
        shutil.copy(data / "awkward" / row["file"], awkward)
    return real, awkward


def n_sites(cif: str) -> int:
    """Sites of a CIF file in P1, by its last loop."""
    return len(re.findall(r"^\s*[A-Z][a-z]?\d*[+-]?\s+\S+\s+\d", cif, flags=re.MULTILINE))


def lamcore(stage: str, challenge: Path, *arguments: object, may_refuse: bool = False) -> None:
    command = [sys.executable, "-m", "lamcore", "crystal", stage, str(challenge), *map(str, arguments)]
    done = subprocess.run(command, check=False)
    if done.returncode not in ((0, 3) if may_refuse else (0,)):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")


def kill_when(challenge: Path, table, least: int) -> None:
    """Evaluate, and kill that without warning once a table has so many rows."""
    process = subprocess.Popen([sys.executable, "-m", "lamcore", "crystal", "evaluate", str(challenge)])
    while process.poll() is None and count(challenge, table) < least:
        time.sleep(0.05)
    alive = process.poll() is None
    process.kill()
    process.wait()
    print(f"killed with {count(challenge, table)} rows in {table.name}" if alive else f"{table.name}: ended before")


def count(challenge: Path, table) -> int:
    with Challenge.open(challenge) as opened, opened.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def rows_of(challenge: Path, table, *columns: str) -> list[dict]:
    with Challenge.open(challenge) as opened, opened.database.read() as connection:
        chosen = [table.c[name] for name in columns] if columns else list(table.c)
        return [dict(row) for row in connection.execute(select(*chosen).order_by(table.c.id)).mappings()]


def compare(one: Path, other: Path) -> None:
    """Verdicts are equal, and numbers differ by what batches of other sizes leave of them."""
    for table, columns in (
        (structure, ("id", "status", "code", "sample_position", "geometry_sha256")),
        (submission, ("id", "status", "gate", "sha256")),
        (crystal, _SAME),
    ):
        mine, its = rows_of(one, table, *columns), rows_of(other, table, *columns)
        different = [(a, b) for a, b in zip_longest(mine, its) if a != b]
        print(f"{table.name}: {len(mine)} rows, {len(different)} different")
        for pair in different[:5]:
            print("  ", *pair)
    mine, its = rows_of(one, crystal, "id", *_NUMBERS), rows_of(other, crystal, "id", *_NUMBERS)
    numbers = {row["id"]: row for row in its}
    for name in _NUMBERS:
        largest = max((abs(row[name] - numbers[row["id"]][name]) for row in mine if row["id"] in numbers), default=0.0)
        print(f"{name}: largest difference {largest:.2e} eV/atom")


def print_phases(challenge: Path) -> None:
    """Seconds of each phase, and the share outside the model."""
    spent: dict[str, list[float]] = {}
    for row in rows_of(challenge, event, "kind", "details"):
        if row["kind"] == "phase":
            one = spent.setdefault(row["details"]["phase"], [0, 0.0, 0.0])
            for i, name in enumerate(("n", "wall_seconds", "model_seconds")):
                one[i] += row["details"][name]
    print(f"{'phase':<12}{'n':>6}{'wall s':>10}{'model s':>10}{'outside':>9}")
    for phase, (n, wall, model) in spent.items():
        print(f"{phase:<12}{n:>6.0f}{wall:>10.1f}{model:>10.1f}{1 - model / wall if wall else 0:>9.0%}")
    wall, model = (sum(one[i] for one in spent.values()) for i in (1, 2))
    print(f"{'all':<12}{'':>6}{wall:>10.1f}{model:>10.1f}{1 - model / wall:>9.0%}")


if __name__ == "__main__":
    main()
