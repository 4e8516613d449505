"""All conformers of several fragments in one batch against one structure at a time, with the same model.

    python benchmarks/torsion.py [--model sevennet] [--fragments 4] [--repeats 5]

The fragments are those of `small-torsions`, 24 conformers each, or of an extended XYZ given with --path. Both ways ask the
same built model; "serial" is the plain loop of one structure a request, as an ASE calculator in a loop makes it. They take turns,
and the ratio is that of the medians. Needs lamcore-torsion-task and the model's plugin.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from itertools import islice
from pathlib import Path

import numpy as np
from lamcore_torsion import build_small_torsions, build_torsions

from lamcore.testing import choose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sevennet")
    parser.add_argument("--fragments", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    dataset = build_small_torsions() if arguments.path is None else build_torsions(arguments.path)
    cases = list(islice(dataset.cases(), arguments.fragments))
    structures = [atoms for case in cases for atoms in case.structures]
    model = choose("model", arguments.model).build()
    model.evaluate(structures)  # warm-up
    model.evaluate(structures[:1])
    seconds: dict[str, list[float]] = {"batch": [], "by fragment": [], "serial": []}
    for _ in range(arguments.repeats):
        start = time.perf_counter()
        together = model.evaluate(structures)
        seconds["batch"].append(time.perf_counter() - start)
        start = time.perf_counter()
        for case in cases:
            model.evaluate(case.structures)
        seconds["by fragment"].append(time.perf_counter() - start)
        start = time.perf_counter()
        alone = [model.evaluate([atoms])[0] for atoms in structures]
        seconds["serial"].append(time.perf_counter() - start)
    apart = max(abs(one.energy - other.energy) for one, other in zip(together, alone, strict=True))
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    n_atoms = sum(map(len, structures))
    print(f"{len(cases)} fragments, {len(structures)} conformers, {n_atoms} atoms, {arguments.model}, {model.device}")
    for name, values in seconds.items():
        print(
            f"{name:12s} {medians[name]:8.3f} s (from {min(values):.3f} to {max(values):.3f}), "
            f"{1e3 * medians[name] / len(structures):7.2f} ms a conformer, serial / this = {medians['serial'] / medians[name]:.2f}"
        )
    print(f"largest difference of an energy: {apart:.2e} eV")


if __name__ == "__main__":
    main()
