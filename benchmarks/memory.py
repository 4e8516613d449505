"""Peak memory of a run that stores forces, against the number of its cases.

Run it: OMP_NUM_THREADS=1 python benchmarks/memory.py [--cases 1000 10000] [--atoms 30]
    [--model memory-springs] [--executor inline]

Frames are written to a file, and each number of cases is run by the command line in a process of its own, then reported
again in another. A table gives the highest resident memory of the driver (`VmHWM` of /proc, so Linux only) and of its
largest worker, the driver's CPU time for each case (start-up included), and how much more memory the last run takes
than the first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

CHILD = """
import json, resource, sys, time
from lamcore.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print("PEAK", json.dumps([peak / 1024, workers / 1024, time.process_time()]), file=sys.__stdout__)
"""

CARDS = {
    "memory_model.yaml": "summary: springs\nlicence_code: MIT\n",
    "memory_task.yaml": "summary: forces\n",
    "memory_dataset.yaml": (
        "version: '1'\nsummary: displaced copper\nlicence: CC0-1.0\nlevel_of_theory: random numbers\n"
        "units: {energy: eV}\n"
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--atoms", type=int, default=30)
    parser.add_argument("--model", default="memory-springs")
    parser.add_argument("--executor", default="inline")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = install(folder)
        print(f"{'cases':>7}  {'run: MiB':>9} {'worker':>7} {'ms/case':>8}  {'report: MiB':>11} {'ms/case':>8}")
        peaks = []
        for n_cases in arguments.cases:
            command = [
                *("task=memory-forces", f"model={arguments.model}", f"executor={arguments.executor}"),
                *(f"dataset.path={frames(folder, n_cases, arguments.atoms)}", f"runs=runs-{n_cases}"),
            ]
            peak, worker, seconds = measure(folder, environment, command)
            (run,) = (path for path in (folder / f"runs-{n_cases}").iterdir() if path.name != ".sweeps")
            again, _, seconds_again = measure(folder, environment, ["report", str(run)])
            peaks.append((peak, again))
            print(
                f"{n_cases:>7}  {peak:>9.1f} {worker:>7.1f} {1e3 * seconds / n_cases:>8.2f}"
                f"  {again:>11.1f} {1e3 * seconds_again / n_cases:>8.2f}",
                flush=True,
            )
        growths = [100 * (last / first - 1) for first, last in zip(peaks[0], peaks[-1], strict=True)]
        print(f"growth: run {growths[0]:+.1f} %, report {growths[1]:+.1f} %")


def install(folder: Path) -> dict[str, str]:
    """Make the plugin known to child processes, without touching the environment."""
    site = folder / "site"
    info = site / "lamcore_memory_benchmark-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamcore-memory-benchmark\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[lamcore]\nmemory = memory_plugin\n")
    (site / "memory_plugin.py").write_text((HERE / "memory_plugin.py").read_text(encoding="utf-8"), encoding="utf-8")
    for name, text in CARDS.items():
        (site / name).write_text(text, encoding="utf-8")
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONWARNINGS": "ignore"}


def frames(folder: Path, n_frames: int, n_atoms: int) -> Path:
    """A file of frames, written by another process so that this one stays small."""
    path = folder / f"frames-{n_frames}.xyz"
    code = "import sys\nfrom pathlib import Path\nfrom memory_plugin import write_frames\n"
    code += "write_frames(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))"
    subprocess.run([sys.executable, "-c", code, str(path), str(n_frames), str(n_atoms)], cwd=HERE, check=True)
    return path


def measure(folder: Path, environment: dict[str, str], command: list[str]) -> tuple[float, float, float]:
    """Peak memory (MiB) of a command of lamcore and of its largest child, and its CPU time (s)."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0 or "PEAK " not in done.stdout:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    peak, children, seconds = json.loads(done.stdout.rsplit("PEAK ", 1)[1])
    return peak, children, seconds


if __name__ == "__main__":
    main()
