"""The task: give a structure thermal momenta, let it move at constant energy, and see what the energy does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import units

from lamcore import Metric, ScoredCase, Task
from lamcore.errors import CaseError
from lamcore_md import momenta, stability
from lamcore_md.drift import energy_drift
from lamcore_md.settings import NveSettings
from lamcore_md.trajectory import MOMENTUM_AMU_ANG_PER_FS, Limits, Trace, constant_energy

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore import Case, Model

LAMBENCH_MAX_ENERGY_EV = 1e10


class NveTask(Task):
    """Stability of molecular dynamics at constant energy.

    A case has one structure of two atoms or more, at rest: momenta and constraints that it has are not used. Its
    settings may hold `n_steps` and `temperature_k` of its own (protocol `default`), and `system`, the same for cases
    that differ in their random numbers alone. There is no reference: energy is conserved, or it is not.

    A trajectory that ends early is a failed case that has a result: its output holds what was seen up to there and, as
    `outcome`, the kind of its end. In the metrics it counts as the worst.
    """

    needs = frozenset(("energy", "forces"))

    def __init__(self, settings: NveSettings | None = None) -> None:
        self.settings = settings if settings is not None else NveSettings()

    def calculate(self, case: Case, model: Model) -> dict[str, Any]:
        """The trajectory as samples of its energies and its momentum, and how well it goes back in time."""
        start = self._start(case)
        n_steps = self._n_steps(case)
        every = self.settings.sampling(n_steps)
        trace = constant_energy(
            start,
            model,
            timestep_fs=self.settings.timestep_fs,
            n_steps=n_steps,
            sample_every=every,
            limits=self._limits(),
        )
        assert trace.last is not None
        steps, potential, kinetic = (np.array(column) for column in zip(*trace.samples, strict=True))
        return {
            "outcome": trace.outcome,
            "outcome_detail": trace.detail,
            "n_atoms": len(start),
            "n_degrees_of_freedom": momenta.degrees_of_freedom(start),
            "n_steps": n_steps,
            "last_step": int(steps[-1]),
            "timestep_fs": self.settings.timestep_fs,
            "times_fs": steps * self.settings.timestep_fs,
            "potential_energies_ev": potential,
            "kinetic_energies_ev": kinetic,
            "momentum_amu_ang_per_fs": np.array(trace.momenta) * MOMENTUM_AMU_ANG_PER_FS,
            "last_positions_ang": trace.last.get_positions(),
            **self._back_in_time(start, model, n_steps, trace),
        }

    def score(self, case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
        """Drift, noise, momentum and reversal; all None where the trajectory ended early."""
        if output["outcome"] != "completed":
            return {"outcome": output["outcome"], "outcome_detail": output["outcome_detail"]}
        n_atoms = output["n_atoms"]
        kept = output["times_fs"] >= self.settings.discard * output["n_steps"] * output["timestep_fs"] * (1 - 1e-12)
        kinetic = output["kinetic_energies_ev"][kept]
        total = output["potential_energies_ev"][kept] + kinetic
        drift = energy_drift(output["times_fs"][kept] / 1000, total / n_atoms)
        kinetic_spread = float(np.std(kinetic / n_atoms, ddof=1))
        momentum = output["momentum_amu_ang_per_fs"]
        n_free = output["n_degrees_of_freedom"]
        return {
            "outcome": output["outcome"],
            "drift_ev_per_atom_ps": drift.slope,
            "drift_low_ev_per_atom_ps": drift.interval[0],
            "drift_high_ev_per_atom_ps": drift.interval[1],
            "abs_drift_ev_per_atom_ps": abs(drift.slope),
            "abs_drift_lambench": abs(drift.slope) * stability.LAMBENCH_UNIT_PS,
            "instability": stability.instability(drift.slope, self.settings.tolerance_ev_per_atom_ps),
            "line_at_start_ev_per_atom": drift.at_start,
            "block_length": drift.block_length,
            "n_kept": drift.n_samples,
            "noise_ev_per_atom": drift.noise,
            "noise_ratio": drift.noise / kinetic_spread if kinetic_spread > 0 else None,
            "momentum_change_amu_ang_per_fs": float(np.linalg.norm(momentum[-1] - momentum[0])),
            "momentum_lambench": float(np.linalg.norm(momentum[-1])) / MOMENTUM_AMU_ANG_PER_FS,
            "reversal_rms_ang": output["reversal_rms_ang"],
            "mean_temperature_k": float(2 * kinetic.mean() / (n_free * units.kB)),
        }

    def failure(self, scores: Mapping[str, Any]) -> str | None:
        """How a trajectory ended that did not take all its steps."""
        kind = scores["outcome"]
        return None if kind == "completed" else f"{kind}: {scores['outcome_detail']}"

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Instability, medians of what was measured, and the share of each end."""
        from lamcore_md.summary import metrics

        return metrics(scored, self.settings)

    def _start(self, case: Case) -> Atoms:
        atoms = case.atoms
        atoms.set_constraint()
        if momenta.degrees_of_freedom(atoms) < 1:
            raise CaseError(
                f"{atoms.get_chemical_formula()} has {len(atoms)} atom, and nothing moves where the whole is at "
                "rest; expected two atoms or more; repeat the cell",
                structure=atoms,
            )
        if self.settings.is_lambench:
            self._refuse_own_settings(case)
            atoms.set_momenta(momenta.lambench_momenta(atoms, self.settings.temperature_k))
        else:
            rng = momenta.random_numbers(self.settings.seed, case.id)
            target_k = float(case.settings.get("temperature_k", self.settings.temperature_k))
            atoms.set_momenta(momenta.thermal_momenta(atoms, target_k, rng))
        return atoms

    def _refuse_own_settings(self, case: Case) -> None:
        """The protocol fixes them, and gives every trajectory of a structure the same random numbers."""
        own = sorted(case.settings.keys() & {"n_steps", "temperature_k"})
        if case.settings.get("system", case.id) != case.id:
            own.append("another trajectory of the same structure (dataset.replicas)")
        if own:
            raise CaseError(
                f"case {case.id!r} has {', '.join(own)}, which task.protocol=lambench fixes; use task.protocol=default"
            )

    def _n_steps(self, case: Case) -> int:
        n_steps = int(case.settings.get("n_steps", self.settings.n_steps))
        if n_steps != self.settings.n_steps:
            self.settings.check_samples(n_steps)
        return n_steps

    def _limits(self) -> Limits:
        if self.settings.is_lambench:
            return Limits(energy=LAMBENCH_MAX_ENERGY_EV, wall_time_s=self.settings.wall_time_s)
        return Limits(
            force=self.settings.force_limit,
            temperature_k=self.settings.max_temperature_k,
            lost_beyond_ang=self.settings.lost_beyond_ang,
            wall_time_s=self.settings.wall_time_s,
        )

    def _back_in_time(self, start: Atoms, model: Model, n_steps: int, trace: Trace) -> dict[str, Any]:
        """Some steps forward, all momenta turned round, as many steps on: where does it end?"""
        n_back = min(self.settings.reversal_steps, n_steps)
        if trace.outcome != "completed" or n_back == 0:
            return {"reversal_steps": 0, "reversal_rms_ang": None}
        turned = start
        for _ in ("forward", "back"):
            leg = constant_energy(
                turned,
                model,
                timestep_fs=self.settings.timestep_fs,
                n_steps=n_back,
                sample_every=n_back,
                limits=Limits(force=self._limits().force),
            )
            if leg.outcome != "completed":
                return {"reversal_steps": n_back, "reversal_rms_ang": None}
            assert leg.last is not None
            turned = leg.last
            turned.set_momenta(-turned.get_momenta())
        return {
            "reversal_steps": n_back,
            "reversal_rms_ang": stability.rms_displacement_ang(turned.positions, start.positions),
        }
