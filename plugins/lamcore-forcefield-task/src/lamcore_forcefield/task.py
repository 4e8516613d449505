"""Connects errors of frames to lamcore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore import Case, Metric, ScoredCase, Task
from lamcore.errors import ConfigError
from lamcore_forcefield.labels import FORCES, STRESS, without_labels

if TYPE_CHECKING:
    from lamcore import Model

FIXED_BY_LAMBENCH: Mapping[str, str] = {"bias": "fit", "bias_weights": "frame"}
"""Options that the protocol `lambench` sets."""


@dataclass(frozen=True)
class ForcefieldSettings:
    """The options of the task, as `lamcore_forcefield.build_task` describes them."""

    protocol: Literal["default", "lambench"] = "default"
    bias: Literal["held-out", "fit", "none"] | None = None
    bias_weights: Literal["atom", "frame"] | None = None
    d3: Literal["dataset", "none", "pbe-zero", "pbe-bj"] = "dataset"

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before any model is built."""
        if self.protocol == "lambench":
            for name, value in FIXED_BY_LAMBENCH.items():
                if (given := getattr(self, name)) not in (None, value):
                    raise ConfigError(
                        f"task.protocol=lambench does not go with task.{name}={given}: it fixes task.{name}={value}; "
                        "leave it out, or use task.protocol=default"
                    )
        if self.d3.startswith("pbe"):
            require_dftd3(f"task.d3={self.d3}")

    @property
    def is_lambench(self) -> bool:
        """Whether the run reproduces LAMBench's numbers."""
        return self.protocol == "lambench"

    @property
    def bias_in_force(self) -> str:
        """How energies are shifted: `held-out`, `fit` or `none`."""
        return FIXED_BY_LAMBENCH["bias"] if self.is_lambench else self.bias or "held-out"

    @property
    def weights_in_force(self) -> Literal["atom", "frame"]:
        """What the fit of the shifts minimises."""
        return "frame" if self.is_lambench else self.bias_weights or "atom"


def require_dftd3(asked: str) -> None:
    """Refuse D3 where its program is missing.

    Raises:
        ConfigError: The package dftd3 is not installed.
    """
    if find_spec("dftd3") is None:
        raise ConfigError(f"{asked} needs the package dftd3: pip install 'lamcore-forcefield-task[d3]'")


class ForcefieldTask(Task):
    """Energies, forces and stresses of labelled frames.

    A case has one structure, the frame. Its reference holds `energy` (eV); the structure holds the other labels, each
    of which can be missing: `arrays["reference_forces"]` (eV/Å, shape (n_atoms, 3)) and `info["reference_stress"]`
    (eV/Å³, Voigt xx yy zz yz xz xy, tension positive). Its settings may hold `group`, what the frame belongs to
    together with others that depend on it, such as a trajectory; `frame`, its place there; and `d3`, dispersion that
    the labels have.
    """

    needs = frozenset(("energy", "forces"))

    def __init__(self, settings: ForcefieldSettings | None = None) -> None:
        self.settings = settings if settings is not None else ForcefieldSettings()

    def calculate(self, case: Case, model: Model) -> dict[str, Any]:
        """Ask the model about the frame; a model without stress gives none, which costs the metrics of stress alone."""
        atoms = without_labels(case.atoms)
        (prediction,) = model.evaluate([atoms])
        energy, forces, stress = prediction.energy, prediction.forces, prediction.stress
        if (damping := self.dispersion_of(case)) != "none":
            from lamcore_forcefield.dispersion import dispersion

            term = dispersion(atoms, damping)
            energy, forces = energy + term.energy, forces + term.forces
            stress = None if stress is None or term.stress is None else stress + term.stress
        output: dict[str, Any] = {"energy": float(energy), "forces": np.asarray(forces)}
        return output if stress is None else output | {"stress": np.asarray(stress)}

    def score(self, case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
        """Sums over the frame: few numbers, whatever its size."""
        from lamcore_forcefield.summary import score_frame

        return score_frame(case, output)

    def perfect_output(self, case: Case) -> dict[str, Any]:
        """The labels; zero forces where there are none."""
        atoms = case.atoms
        output = {"energy": case.reference["energy"], "forces": atoms.arrays.get(FORCES, np.zeros((len(atoms), 3)))}
        return output | {"stress": np.array(atoms.info[STRESS])} if STRESS in atoms.info else output

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Shift the energies, then pool the errors of all frames."""
        from lamcore_forcefield.summary import metrics

        return metrics(scored, self.settings)

    def dispersion_of(self, case: Case) -> Any:
        """The dispersion that is added for a case: what the task says, or else the dataset.

        Raises:
            ConfigError: The dataset asks for something unknown.
        """
        asked = case.settings.get("d3", "none") if self.settings.d3 == "dataset" else self.settings.d3
        if asked not in ("none", "pbe-zero", "pbe-bj"):
            raise ConfigError(f"case {case.id!r}: d3 is {asked!r} in its settings, expected none, pbe-zero or pbe-bj")
        return asked


def settings_from(options: Mapping[str, Any]) -> ForcefieldSettings:
    """Settings from the resolved options of a run, whatever else they hold."""
    return ForcefieldSettings(**{f.name: options[f.name] for f in fields(ForcefieldSettings) if f.name in options})
