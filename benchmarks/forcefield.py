"""Labelled frames: frames a second against ASE's calculator one frame at a time, and memory against their number.

    python benchmarks/forcefield.py speed [model] [n_frames]
    python benchmarks/forcefield.py memory [model]

`speed` runs both sides on the same small molecules with the same model. `memory` runs 1,000 and 10,000 frames in a
process each and prints the peak of each, with the built-in emt unless told otherwise. One thread unless OMP_NUM_THREADS
says more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import iread, write

NAMES = ("H2O", "NH3", "CH4", "CH3OH", "CH3CN", "H2CO", "HCOOH", "C2H4", "CH3CH2OH", "CH3CONH2")


def write_frames(path: Path, n_frames: int, crystals: bool = False) -> None:
    """Rattled molecules, or cells of copper and gold, with labels that are noise."""
    rng = np.random.default_rng(3)

    def frame(index: int) -> Atoms:
        atoms = (
            bulk(("Cu", "Au")[index % 2], cubic=True) * (2, 2, 1) if crystals else molecule(NAMES[index % len(NAMES)])
        )
        atoms.positions += rng.normal(scale=0.05, size=(len(atoms), 3))
        labels = {"energy": rng.normal(), "forces": rng.normal(size=(len(atoms), 3))}
        atoms.calc = SinglePointCalculator(atoms, **labels)
        return atoms

    with path.open("w", encoding="utf-8") as file:
        for start in range(0, n_frames, 500):
            write(file, [frame(index) for index in range(start, min(start + 500, n_frames))], format="extxyz")


def run(path: Path, model: str, folder: Path) -> float:
    """Seconds of a whole run from the command line's entry, model loaded and report written."""
    from lamcore.cli import main

    arguments = ["task=forcefield", f"model={model}", "dataset=frames", f"dataset.path={path}"]
    os.chdir(folder)
    start = perf_counter()
    status = main(arguments)
    if status not in (0, None):
        raise SystemExit(f"the run ended with status {status}")
    return perf_counter() - start


def together(path: Path, model: str) -> float:
    """Seconds that lamcore takes for the physics: cases read, batched and turned into outputs."""
    from lamcore_forcefield import build_frames, build_task

    from lamcore.batch_limits import BatchLimits
    from lamcore.batching import Counters, Hub, Job
    from lamcore.testing import choose

    built = choose("model", model).build()
    task = build_task()
    warm = next(iter(build_frames(path).cases()))
    task.calculate(warm, built)
    start = perf_counter()
    cases = list(build_frames(path).cases())
    jobs = (Job(lambda asked, case=case: task.calculate(case, asked)) for case in cases)
    hub = Hub(built, BatchLimits(None), Counters(), 256)
    n_done = sum(outcome.error is None for outcome in hub.run(jobs))
    if n_done != len(cases):
        raise SystemExit(f"{len(cases) - n_done} frames failed")
    return perf_counter() - start


def one_at_a_time(path: Path, model: str) -> float:
    """Seconds of a loop over frames with an ASE calculator: that of the model's own package where there is one."""
    calculator = own_calculator(model)
    frames = iread(path, index=":", format="extxyz")
    first = next(frames).copy()
    first.calc = calculator
    first.get_forces()
    start = perf_counter()
    for frame in iread(path, index=":", format="extxyz"):
        atoms = frame.copy()
        atoms.calc = calculator
        atoms.get_potential_energy()
        atoms.get_forces()
    return perf_counter() - start


def own_calculator(model: str):
    if model == "sevennet":
        from sevenn.calculator import SevenNetCalculator

        return SevenNetCalculator("7net-0", device="cpu")
    if model == "chgnet":
        from chgnet.model.dynamics import CHGNetCalculator

        return CHGNetCalculator(use_device="cpu")
    from lamcore.testing import choose

    return choose("model", model).build().calculator()


def main() -> None:
    what, *rest = sys.argv[1:] or ["speed"]
    if what == "child":
        n_frames, model, folder = int(rest[0]), rest[1], Path(rest[2])
        run(folder / f"{n_frames}.extxyz", model, folder)
        status = Path("/proc/self/status").read_text(encoding="utf-8")  # so Linux only
        print("peak", int(status.split("VmHWM:")[1].split()[0]) / 1024)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if what == "speed":
            model, n_frames = (rest + ["sevennet", "1000"][len(rest) :])[:2]
            path = folder / "frames.extxyz"
            write_frames(path, int(n_frames))
            seconds = {"lamcore": together(path, model), "ASE, one at a time": one_at_a_time(path, model)}
            for side, taken in seconds.items():
                print(f"{side:20s} {int(n_frames) / taken:8.1f} frames/s  {taken:8.1f} s")
            print(f"ratio {seconds['ASE, one at a time'] / seconds['lamcore']:.2f}")
        else:
            model = rest[0] if rest else "emt"
            peaks = {}
            for n_frames in (1_000, 10_000):
                write_frames(folder / f"{n_frames}.extxyz", n_frames, crystals=model == "emt")
                arguments = [sys.executable, __file__, "child", str(n_frames), model, str(folder)]
                done = subprocess.run(arguments, check=True, capture_output=True, text=True)
                peaks[n_frames] = float(done.stdout.split("peak")[1])
                print(f"{n_frames:6d} frames: peak {peaks[n_frames]:.0f} MiB")
            print(f"ratio {peaks[10_000] / peaks[1_000]:.2f}")


if __name__ == "__main__":
    main()
