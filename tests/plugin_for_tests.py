"""A plugin that the tests install: a task that counts its calculations, on cases that can be told to misbehave."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from lamcore import (
    Case,
    Dataset,
    DatasetSpec,
    Headline,
    Metric,
    ModelSpec,
    Score,
    Suite,
    SuiteItem,
    SuiteSpec,
    Task,
    TaskSpec,
    hookimpl,
)

CARDS = Path(__file__).parent


class Squares(Dataset):
    def __init__(self, n, shift):
        self.n, self.shift = n, shift

    def cases(self):
        from ase.build import bulk

        for index in range(self.n):
            yield Case(f"case-{index}", (bulk("Cu", a=3.5 + 0.01 * index),), {"square": index**2 + self.shift})


def build_squares(n: int = 12, shift: float = 0.0):
    return Squares(n, shift)


def misbehave_in_score(how):
    import numpy as np

    return {"nan-score": float("nan"), "array-score": np.array([1.0, np.inf]), "float32-score": np.float32(1.5)}[how]


class Slow(Task):
    """Writes a line for each calculation, so that a test can count how often each case was calculated."""

    needs = frozenset(("energy",))

    def __init__(self, log, seconds, misbehave, bad_case):
        self.log, self.seconds, self.misbehave, self.bad_case = log, seconds, misbehave, bad_case

    def calculate(self, case, model):
        energy = model.evaluate([case.atoms])[0].energy
        time.sleep(self.seconds)
        if case.id == self.bad_case:
            if self.misbehave == "raise":
                raise RuntimeError("the bad case")
            if self.misbehave == "nan":
                return {"energy_ev": float("nan")}
            if self.misbehave == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.misbehave == "none":
                return None
            if self.misbehave == "unpicklable":
                return {"function": lambda: 1}
            if self.misbehave == "terminate":
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(5)
            if self.misbehave == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
        with open(self.log, "a") as log:
            log.write(case.id + "\n")
        return {"energy_ev": energy}

    def score(self, case, output):
        if self.misbehave.endswith("-score") and case.id == self.bad_case:
            return {"error": misbehave_in_score(self.misbehave)}
        return {"error": output["energy_ev"] - case.reference["square"]}

    def summarize(self, scored):
        done = [case.scores["error"] for case in scored if case.scores is not None]
        value = sum(done) / len(done) if done else None
        if self.misbehave == "nan-metric":
            value = float("nan")
        return [Metric("mean_error", value, "eV", "lower", 1.0, None, len(scored), len(scored) - len(done))]


def build_slow(
    log: str = os.devnull,
    seconds: float = 0.0,
    misbehave: str = "",
    bad_case: str = "case-3",
    table: Path | None = None,
):
    if seconds > 100:
        raise ValueError("seconds is above 100")
    return Slow(log, seconds, misbehave, bad_case)


def build_model(
    energy_is_nan: bool = False,
    builds: str = os.devnull,
    weights: Path | None = None,
    on_silver: str = "",
    on_copper: str = "",
    kill_above_atoms: int | None = None,
):
    with open(builds, "a") as log:
        log.write("built\n")
    from ase.calculators.emt import EMT

    from lamcore import AseModel

    class Troublesome(EMT):
        def calculate(self, atoms, *args, **kwargs):
            super().calculate(atoms, *args, **kwargs)
            if energy_is_nan:
                self.results["energy"] = float("nan")
            if "Ag" in atoms.symbols:
                if on_silver == "reshape":
                    self.results["forces"] = self.results["forces"][:-1]
                get_into_trouble(on_silver)
            if "Cu" in atoms.symbols:
                get_into_trouble(on_copper)

    class Greedy(AseModel):
        def evaluate(self, structures):
            if kill_above_atoms is not None and sum(map(len, structures)) > kill_above_atoms:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().evaluate(structures)

    return Troublesome() if kill_above_atoms is None else Greedy(Troublesome())


def get_into_trouble(how):
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "hang":
        time.sleep(1000)
    if how == "print":
        print("said on standard output", flush=True)
        os.write(1, b"and written past Python\n")
    if how == "raise":
        raise ZeroDivisionError("silver")
    if how == "memory":
        raise MemoryError("of this device")


class Tiny(Suite):
    """Two runs that can be made, one without its file, and one without its task."""

    headlines = (Headline("M", "Mean Δ", "meV/atom", "lower", "the Δ of the metals"),)

    def __init__(self, data):
        paths = {} if data is None else {"path": data}
        self.items = (
            SuiteItem("metals", "Metals", "A", "eos", "dcdft", dataset_options={"elements": ["Cu", "Ag", "Au"]}),
            SuiteItem("squares", "Squares", "B", "slow", "squares", {"log": "log"}, {"n": 4}, max_cases=3),
            SuiteItem(
                "numbers",
                "Numbers from a file",
                "B",
                "slow",
                "numbers",
                dataset_options=paths,
                missing="" if paths else "its file is not there",
                obtain="suite.data=<file>, from its authors",
            ),
            SuiteItem("dreams", "Dreams", "B", "", "", missing="no task yet"),
        )

    def score(self, runs):
        from lamcore.resampling import draws

        if "metals" not in runs:
            return [Score("M", "Mean Δ", None, "meV/atom", note="metals was not run")]
        metric = runs["metals"].metrics["mean_delta"]
        return [Score("M", "Mean Δ", metric.value, metric.unit, draws=draws(metric.contributions))]


class Brittle(Tiny):
    """Formulas that cannot cope with one of the models."""

    def score(self, runs):
        if any(run.model.name == "emt" for run in runs.values()):
            raise ZeroDivisionError("no ratio")
        return super().score(runs)


def build_brittle(data: Path | None = None):
    return Brittle(data)


def build_tiny(data: Path | None = None):
    return Tiny(data)


class Numbers(Dataset):
    def __init__(self, path):
        self.files = {"numbers.txt": path}

    def cases(self):
        from ase.build import bulk

        for number in self.files["numbers.txt"].read_text().split():
            yield Case(f"number-{number}", (bulk("Cu"),), {"square": float(number) ** 2})


def build_numbers(path: Path | None = None):
    return Numbers(path)


@hookimpl
def lamcore_suites():
    suites = {"tiny": build_tiny, "brittle": build_brittle}
    return [SuiteSpec(name, build, CARDS / "tiny.yaml") for name, build in suites.items()]


@hookimpl
def lamcore_tasks():
    return [TaskSpec("slow", build_slow, CARDS / "slow.yaml", dataset="squares")]


@hookimpl
def lamcore_datasets():
    return [
        DatasetSpec("squares", build_squares, CARDS / "squares.yaml", tasks=("slow",)),
        DatasetSpec("numbers", build_numbers, CARDS / "squares.yaml", tasks=("slow",)),
    ]


@hookimpl
def lamcore_models():
    return [ModelSpec("three-lines", build_model, CARDS / "model.yaml")]
