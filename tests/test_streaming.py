"""Whole runs hold no more structures and outputs than are under way, and read each no oftener than they must."""

import json
from collections import Counter

import pytest

PLUGIN = '''
import gc
import weakref
from dataclasses import dataclass
from pathlib import Path

from lamcore import Case, Dataset, DatasetSpec, Metric, StoredStructures, Task, TaskSpec, hookimpl

SITE = Path(__file__).parent
ALIVE = {"structure": [], "output": []}


def note(log, kind, key, thing):
    """Write what was made, and how many of its kind are alive besides."""
    gc.disable()  # what lives until Python looks for cycles would live long in a large run
    ALIVE[kind] = [one for one in ALIVE[kind] if one() is not None]
    with open(log, "a") as file:
        file.write(f"{kind} {key} {len(ALIVE[kind])}\\n")
    ALIVE[kind].append(weakref.ref(thing))


@dataclass(frozen=True)
class Reader:
    log: str
    broken: int

    def __call__(self, number):
        from ase.build import bulk

        if number == self.broken:
            raise EOFError("the file ends here")
        atoms = bulk("Cu", a=3.5 + 0.01 * number)
        note(self.log, "structure", number, atoms)
        return atoms


class Stored(Dataset):
    def __init__(self, n, log, broken):
        self.n, self.reader = n, Reader(log, broken)

    def cases(self):
        for number in range(self.n):
            yield Case(f"frame-{number}", StoredStructures(self.reader, (number,)), {"energy": 0.0})


class Output(dict):
    pass


class Once(Task):
    def __init__(self, log):
        self.log = log

    def calculate(self, case, model):
        atoms = case.structures[0]
        for _ in range(2):
            atoms.rattle(0.01)
            energy = model.evaluate([atoms])[0].energy
        output = Output(energy=energy, text="x" * 1000)
        note(self.log, "output", case.id, output)
        return output

    def score(self, case, output):
        return {"error": output["energy"] - case.reference["energy"]}

    def summarize(self, scored):
        failed = sum(case.scores is None for case in scored)
        return [Metric("n", float(len(scored)), "1", "higher", 1.0, None, len(scored), failed)]


def build_stored(n: int = 40, log: str = "made", broken: int = -1):
    return Stored(n, log, broken)


def build_once(log: str = "made"):
    return Once(log)


@hookimpl
def lamcore_tasks():
    return [TaskSpec("once", build_once, SITE / "slow.yaml", dataset="stored")]


@hookimpl
def lamcore_datasets():
    return [DatasetSpec("stored", build_stored, SITE / "squares.yaml", tasks=("once",))]
'''

ONCE = ("task=once", "model=three-lines", "batch.max_cases=4")
N_CASES, TOGETHER = 40, 4


@pytest.fixture
def stored(workplace):
    site = workplace.folder / "site"
    info = site / "stored_frames-1.dist-info"
    info.mkdir()
    (site / "stored_frames.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stored-frames\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[lamcore]\nstored = stored_frames\n")
    workplace.environment["LAMCORE_PLUGINS"] = "plugin-for-tests,stored-frames"
    return workplace


def made(workplace):
    """What was made, in its order: kind, key, and how many of the kind were alive besides."""
    rows = [line.split() for line in (workplace.folder / "made").read_text().splitlines()]
    return [(kind, key, int(alive)) for kind, key, alive in rows]


def most_alive(workplace, kind):
    return max(alive for name, _, alive in made(workplace) if name == kind)


def test_each_structure_is_read_to_be_hashed_and_to_be_calculated_and_not_again(stored):
    result = stored.run(*ONCE)
    assert result.returncode == 0, result.stdout + result.stderr
    reads = [key for kind, key, _ in made(stored) if kind == "structure"]
    assert reads[:N_CASES] == [str(number) for number in range(N_CASES)]
    assert Counter(reads) == {str(number): 2 for number in range(N_CASES)}
    (stored.folder / "made").unlink()
    assert stored.run("report", str(stored.run_folder())).returncode == 0
    assert Counter(key for _, key, _ in made(stored)) == {str(number): 1 for number in range(N_CASES)}


@pytest.mark.parametrize("options", [(), ("executor=processes", "executor.workers=2"), ("model.on_copper=raise",)])
def test_structures_and_outputs_go_when_their_case_is_recorded(stored, options):
    result = stored.run(*ONCE, *options)
    failed = "model.on_copper=raise" in options
    assert result.returncode == (3 if failed else 0), result.stdout + result.stderr
    assert most_alive(stored, "structure") <= 2 * TOGETHER
    if not failed:
        chunk = 5 if options else 1  # a worker gives the outputs of a chunk together
        assert most_alive(stored, "output") <= chunk + TOGETHER
    metrics = json.loads((stored.run_folder() / "metrics.json").read_text())
    assert metrics["n_failed"] == (N_CASES if failed else 0)


def test_a_structure_that_cannot_be_read_stops_the_run_before_anything_is_computed(stored):
    result = stored.run(*ONCE, "dataset.broken=3")
    assert result.returncode != 0
    assert "structure 3 cannot be read by Reader(" in result.stdout + result.stderr
    assert "EOFError: the file ends here" in result.stdout + result.stderr
    assert not (stored.folder / "runs").exists()
