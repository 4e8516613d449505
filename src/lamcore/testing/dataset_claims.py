"""What a correct dataset is, claim by claim."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.cards import DatasetCard, load_card
from lamcore.data_files import CACHE_VARIABLE, sha256
from lamcore.dataset import content_sha256
from lamcore.registry import load_registry
from lamcore.testing.claims import Measured, claim, not_applicable, without_problems
from lamcore.testing.registration import REGISTRATION_CLAIMS

if TYPE_CHECKING:
    from lamcore.cases import Case
    from lamcore.config import Choice
    from lamcore.dataset import Dataset

_TOO_CLOSE_ANG = 0.4
_SHOWN = 5

_OFFLINE = """
import json, socket, sys

def refuse(*arguments, **keywords):
    raise OSError("the network is switched off for this check")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from lamcore.errors import LamcoreError
from lamcore.testing.check import choose
group, name, options = json.loads(sys.argv[1])
try:
    n_cases = sum(1 for _ in choose(group, name, **options).build().cases())
    print(json.dumps(["read", n_cases]))
except LamcoreError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


class DatasetSubject:
    """A dataset under test.

    Args:
        choice: The dataset and its options.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.card = load_card(choice.offer.spec.card, DatasetCard)
        self.dataset: Dataset = choice.build()

    @cached_property
    def cases(self) -> list[Case]:
        """All cases."""
        return list(self.dataset.cases())


@claim
def units_are_declared(subject: DatasetSubject) -> Measured:
    """Every reference value that a case holds has its unit in the card."""
    held = {name for case in subject.cases for name in case.reference}
    problems = [f"{name!r} has no unit in the card" for name in sorted(held - subject.card.units.keys())]
    problems += [f"{name!r}: the unit is empty" for name, unit in subject.card.units.items() if not unit.strip()]
    return without_problems(problems, ", ".join(f"{name}: {unit}" for name, unit in subject.card.units.items()))


@claim
def ids_are_unique(subject: DatasetSubject) -> Measured:
    """Every case has an id of its own, not empty, and without line breaks."""
    ids = [case.id for case in subject.cases]
    problems = [
        f"{name!r} occurs {ids.count(name)} times" for name in sorted({i for i in ids if ids.count(i) > 1})[:_SHOWN]
    ]
    problems += [f"{name!r} is not a good id" for name in ids if not name.strip() or "\n" in name]
    if not ids:
        problems.append("there are no cases")
    return without_problems(problems, f"{len(ids)} cases")


@claim
def cases_are_stable(subject: DatasetSubject) -> Measured:
    """The same cases come in the same order again: from the same object, from a new one, and in another process."""
    expected = content_sha256(subject.cases)
    ids = [case.id for case in subject.cases]
    problems = []
    for where, again in (("again", subject.dataset.cases()), ("from a new object", subject.choice.build().cases())):
        cases = list(again)
        if [case.id for case in cases] != ids:
            problems.append(f"other ids {where}")
        elif content_sha256(cases) != expected:
            problems.append(f"other content {where}")
    code = (
        "import json, sys\nfrom lamcore.dataset import content_sha256\nfrom lamcore.testing.check import choose\n"
        "group, name, options = json.loads(sys.argv[1])\n"
        "print(content_sha256(list(choose(group, name, **options).build().cases())))"
    )
    if _python(code, subject, PYTHONHASHSEED="123").strip() != expected:
        problems.append("other content in another process")
    return without_problems(problems, f"content SHA-256 {expected[:12]}")


@claim
def every_case_is_readable(subject: DatasetSubject) -> Measured:
    """Every case has structures that make sense and reference values that are numbers.

    Finite positions, at least one atom, a cell with a volume where all directions are periodic, no two atoms closer
    than 0.4 Å; references are None, finite, or arrays of finite numbers; settings are JSON.
    """
    problems: list[str] = []
    for case in subject.cases:
        problems += [f"{case.id}: {problem}" for problem in _problems_of(case)]
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    n_structures = sum(len(case.structures) for case in subject.cases)
    return without_problems([*problems[:_SHOWN], *more], f"{len(subject.cases)} cases, {n_structures} structures")


@claim
def files_are_what_the_card_says(subject: DatasetSubject) -> Measured:
    """Every file that the cases are read from has the SHA-256 of the card.

    Files that the user gives and the card does not name are hashed into the identity of a run by their content.
    """
    if not subject.card.files and not subject.dataset.files:
        return not_applicable("the dataset has no files")
    problems = []
    for name, file in subject.card.files.items():
        if len(file.sha256) != 64 or set(file.sha256.lower()) - set("0123456789abcdef"):
            problems.append(f"{name}: sha256 in the card is {file.sha256!r}, expected 64 hexadecimal digits")
    for name, path in subject.dataset.files.items():
        if name in subject.card.files and sha256(path) != subject.card.files[name].sha256.lower():
            problems.append(f"{name}: {path} is not the file of the card")
    n_checked = len(subject.dataset.files.keys() & subject.card.files.keys())
    return without_problems(problems, f"{len(subject.card.files)} in the card, {n_checked} checked on disk")


@claim
def without_network_it_says_what_to_put_where(subject: DatasetSubject) -> Measured:
    """Without network and with an empty cache, the cases are read, or the error names the file and where to put it."""
    downloaded = [name for name, file in subject.card.files.items() if file.url is not None]
    with tempfile.TemporaryDirectory() as empty:
        said, value = json.loads(_python(_OFFLINE, subject, **{CACHE_VARIABLE: empty}).splitlines()[-1])
        if said == "read":
            return without_problems([], f"{value} cases read without network")
        problems = []
        if said != "DataError":
            problems.append(f"raised {said}, expected DataError")
        if downloaded and not any(name in value for name in downloaded):
            problems.append(f"the message names none of {', '.join(downloaded)}")
        if empty not in value:
            problems.append("the message does not say where to put the file")
        return without_problems([*problems, *([f"it says: {value}"] if problems else [])], str(value))


@claim
def it_is_for_a_task_that_takes_its_cases(subject: DatasetSubject) -> Measured:
    """The tasks that it names, as far as they are installed, can score its cases.

    Where a task can be fed its reference (`Task.perfect_output`), the first case is scored; otherwise only names are
    checked.
    """
    names = subject.choice.offer.spec.tasks
    if not names:
        return without_problems(["it names no task"])
    tasks = load_registry().tasks
    problems, scored = [], []
    for name in names:
        if name not in tasks:
            continue
        if any(option.default == "???" for option in tasks[name].options().values()):
            continue
        task = tasks[name].spec.build(**{key: option.default for key, option in tasks[name].options().items()})
        output = task.perfect_output(subject.cases[0])
        if output is None:
            continue
        try:
            task.score(subject.cases[0], output)
            scored.append(name)
        except Exception as error:  # a task may raise anything about a case that it cannot use
            problems.append(f"task {name!r} cannot score {subject.cases[0].id!r}: {type(error).__name__}: {error}")
    missing = [name for name in names if name not in tasks]
    detail = f"for {', '.join(names)}" + (f"; not installed: {', '.join(missing)}" if missing else "")
    return without_problems(problems, detail + (f"; scored by {', '.join(scored)}" if scored else ""))


DATASET_CLAIMS = (
    *REGISTRATION_CLAIMS,
    units_are_declared,
    ids_are_unique,
    cases_are_stable,
    every_case_is_readable,
    files_are_what_the_card_says,
    without_network_it_says_what_to_put_where,
    it_is_for_a_task_that_takes_its_cases,
)


def _problems_of(case: Case) -> list[str]:
    problems = []
    if not case.structures:
        problems.append("no structure")
    for atoms in case.structures:
        if len(atoms) == 0:
            problems.append("a structure has no atoms")
            continue
        if not (np.all(np.isfinite(atoms.positions)) and np.all(np.isfinite(atoms.cell.array))):
            problems.append("a position or cell vector is not finite")
            continue
        if atoms.pbc.all() and atoms.get_volume() < 1.0:
            problems.append(f"the cell has a volume of {atoms.get_volume():.3g} Å³")
            continue
        if (distance := _closest_ang(atoms)) < _TOO_CLOSE_ANG:
            problems.append(f"two atoms are {distance:.3f} Å apart")
    for name, value in case.reference.items():
        if value is not None and not _is_finite(value):
            problems.append(f"reference {name!r} is {value!r}, expected a finite number or None")
    try:
        json.dumps(dict(case.settings), allow_nan=False)
    except (TypeError, ValueError) as error:
        problems.append(f"settings are not JSON: {error}")
    return problems


def _closest_ang(atoms: Any) -> float:
    from ase.neighborlist import neighbor_list

    distances = neighbor_list("d", atoms, _TOO_CLOSE_ANG)
    return float(np.min(distances)) if len(distances) else np.inf


def _is_finite(value: Any) -> bool:
    if isinstance(value, str):
        return True
    try:
        return bool(np.all(np.isfinite(np.asarray(value, dtype=np.float64))))
    except (TypeError, ValueError):
        return False


def _python(code: str, subject: DatasetSubject, **environment: str) -> str:
    """What a fresh interpreter prints for this dataset."""
    options = {
        name: value if value is None or isinstance(value, bool | int | float | list) else str(value)
        for name, value in subject.choice.options.items()
    }
    argument = json.dumps([subject.choice.group, subject.choice.name, options])
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code, argument],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"a fresh interpreter could not read the dataset: {done.stderr.strip()[-500:]}")
    return done.stdout
