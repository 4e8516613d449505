"""The task: relax crystals and the references of their hull with one model, and see how far above it they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamcore import Metric, ScoredCase, Task
from lamcore.errors import CaseError
from lamcore_crystal.relaxing import relax_crystal, what_is_wrong
from lamcore_crystal.rounds import RelaxationRules
from lamcore_crystal.stability import METASTABLE_WITHIN, STABLE_WITHIN

if TYPE_CHECKING:
    from lamcore import Case, Model


class RefusedError(CaseError):
    """A file that the checks refused."""


class CrystalTask(Task):
    """Relaxation of crystals, and their energy above the hull of references that the same model relaxed.

    A case has one structure; its setting `role` is `reference` where it belongs to the hull, and `relaxation` holds
    options of its own. A case with the setting
    `refusal` has none and fails with that reason. Nothing has a label: the metrics describe the crystals as much as the
    model, as far as it is to be trusted.

    Args:
        rules: Of the relaxation.
        stable_within: Largest energy above hull of what counts as stable, eV/atom.
        metastable_within: Largest energy above hull of what counts as metastable, eV/atom.
    """

    needs = frozenset(("energy", "forces", "stress"))

    def __init__(
        self,
        rules: RelaxationRules | None = None,
        stable_within: float = STABLE_WITHIN,
        metastable_within: float = METASTABLE_WITHIN,
    ) -> None:
        self.rules = rules if rules is not None else RelaxationRules()
        if self.rules.fmax <= 0 or self.rules.max_stress_gpa <= 0 or self.rules.max_steps < 0:
            raise ValueError(
                f"fmax is {self.rules.fmax} eV/Å, max_stress_gpa {self.rules.max_stress_gpa} GPa and max_steps "
                f"{self.rules.max_steps}, expected numbers above zero"
            )
        if stable_within > metastable_within:
            raise ValueError(
                f"stable_within is {stable_within} eV/atom, expected at most metastable_within, which is "
                f"{metastable_within} eV/atom"
            )
        self.stable_within = stable_within
        self.metastable_within = metastable_within

    def calculate(self, case: Case, model: Model) -> dict[str, Any]:
        """Where the relaxation ended."""
        if "refusal" in case.settings:
            raise RefusedError(str(case.settings["refusal"]))
        own = case.settings.get("relaxation", {})
        return relax_crystal(case.atoms, model, replace(self.rules, **own))

    def score(self, case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
        """Composition and energy of what converged; what is wrong with it otherwise."""
        from ase.data import chemical_symbols

        wrong = what_is_wrong(output, self.rules)
        counts = Counter(chemical_symbols[number] for number in output["numbers"].tolist())
        return {
            "composition": dict(sorted(counts.items())),
            "energy_per_atom": output["energy_ev"] / len(output["numbers"]),
            "n_steps": output["n_steps"],
            "volume_ratio": output["volume_ratio"],
            "max_force_ev_ang": output["max_force_ev_ang"],
            "max_stress_gpa": output["max_stress_gpa"],
            "code": None if wrong is None else wrong.code,
            "message": None if wrong is None else wrong.message,
        }

    def failure(self, scores: Mapping[str, Any]) -> str | None:
        """The code and what it says, where a relaxation ended but does not count."""
        return None if scores["code"] is None else f"{scores['code']}: {scores['message']}"

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Shares that relax, are stable and metastable; medians of the energies above hull and of formation."""
        from lamcore_crystal.summary import metrics

        return metrics(scored, self.stable_within, self.metastable_within)
