"""CPU time of commands that load every installed plugin and compute nothing.

    python benchmarks/start_up.py

The aim is 0.7 s of CPU time for `lamcore list` and `lamcore --help`, and no heavy import.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

COMMANDS = (["list"], ["--help"], ["show", "model", "emt"], ["--cfg", "job"])
HEAVY = ("torch", "pymatgen", "phonopy", "sevenn", "chgnet", "rdkit", "matplotlib", "scipy", "ase")
REPETITIONS = 7
LOADED = "import sys; from lamcore.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


def cpu_seconds(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main():
    bare = statistics.median(cpu_seconds([sys.executable, "-c", "pass"]) for _ in range(REPETITIONS))
    print(f"{'command':24} {'CPU s':>7} {'spread':>15}   heavy imports   (an empty Python: {bare:.3f} s)")
    for arguments in COMMANDS:
        times = [cpu_seconds([sys.executable, "-m", "lamcore", *arguments]) for _ in range(REPETITIONS)]
        result = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
        heavy = [name for name in HEAVY if name in result.stderr.split()]
        spread = f"{min(times):.3f}–{max(times):.3f}"
        print(f"{' '.join(arguments):24} {statistics.median(times):7.3f} {spread:>15}   {', '.join(heavy) or 'none'}")


if __name__ == "__main__":
    main()
