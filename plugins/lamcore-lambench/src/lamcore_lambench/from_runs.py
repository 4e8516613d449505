"""lamcore's runs under LAMBench's names and units, so that the same formulas see the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lamcore.errors import ConfigError
from lamcore_lambench.leaderboard import APPLICABILITY, FORCE_FIELDS, PROPERTIES
from lamcore_lambench.rules import Rules

if TYPE_CHECKING:
    from lamcore.results import RunSummary

NVE, EFFICIENCY = "nve_md", "inference_efficiency"


class Conversion(NamedTuple):
    """A metric of a lamcore task with its unit, and what turns it into LAMBench's."""

    metric: str
    unit: str
    factor: float = 1.0


_MEV = 1e3
FORCE_FIELD = {
    "energy_rmse": Conversion("rmse_energy", "eV", _MEV),
    "energy_mae": Conversion("mae_energy", "eV", _MEV),
    "energy_rmse_natoms": Conversion("rmse_energy_per_atom", "eV/atom", _MEV),
    "energy_mae_natoms": Conversion("mae_energy_per_atom", "eV/atom", _MEV),
    "force_rmse": Conversion("rmse_forces", "eV/Å", _MEV),
    "force_mae": Conversion("mae_forces", "eV/Å", _MEV),
    "virial_rmse": Conversion("rmse_virial", "eV", _MEV),
    "virial_mae": Conversion("mae_virial", "eV", _MEV),
    "virial_rmse_natoms": Conversion("rmse_virial_per_atom", "eV/atom", _MEV),
    "virial_mae_natoms": Conversion("mae_virial_per_atom", "eV/atom", _MEV),
}
PROPERTY = {
    "phonon_mdr": {
        "mae_max_freq": Conversion("mae_max_frequency", "K"),
        "mae_entropy": Conversion("mae_entropy", "J/K/mol"),
        "mae_heat_capacity": Conversion("mae_heat_capacity", "J/K/mol"),
        "mae_free_energy": Conversion("mae_free_energy", "kJ/mol"),
        "success_rate": Conversion("success_rate", "1"),
    },
    "torsionnet": {
        "MAE": Conversion("mae_own_minimum", "kcal/mol"),
        "RMSE": Conversion("rmse_by_conformer_index", "kcal/mol"),
        "MAEB": Conversion("mae_barrier", "kcal/mol"),
        "NABH_h": Conversion("n_barriers_off", "1"),
    },
}
TIMING = {
    "average_time": Conversion("time_per_atom_us", "µs/atom"),
    "standard_deviation": Conversion("time_per_atom_deviation_us", "µs/atom"),
    "success_rate": Conversion("success_rate", "1", 100.0),
}
STABILITY = {"slope": Conversion("median_abs_drift_lambench", "eV/atom/(10.18 ps)")}
INSTABILITY = Conversion("instability", "1")


def results_of(runs: Mapping[str, RunSummary], rules: Rules, supports_omol: bool = False) -> dict[str, Any]:
    """One model's entry of LAMBench's results.json, unrounded.

    A metric that a run lacks, such as the virials of a model without stress, is None.

    Args:
        runs: By LAMBench's name of the task or data set.
        rules: Of the version.
        supports_omol: Whether the runs are on labels of OMol25's level of theory, where there are two kinds.

    Raises:
        ConfigError: A metric has another unit than expected.
    """
    return {
        FORCE_FIELDS: {key: _converted(runs[key], FORCE_FIELD) for key in rules.sets if key in runs},
        PROPERTIES: {key: _converted(runs[key], PROPERTY[key]) for key in rules.tasks if key in runs},
        APPLICABILITY: {
            key: _converted(runs[key], names) for key, names in ((EFFICIENCY, TIMING), (NVE, STABILITY)) if key in runs
        },
        "model": {"supports_omol": supports_omol},
    }


def instability_of(runs: Mapping[str, RunSummary]) -> float | None:
    """M_IS from the run of molecular dynamics; None where it is not there."""
    return None if NVE not in runs else _value(runs[NVE], INSTABILITY)


def _converted(run: RunSummary, names: Mapping[str, Conversion]) -> dict[str, float | None]:
    return {name: _value(run, conversion) for name, conversion in names.items()}


def _value(run: RunSummary, conversion: Conversion) -> float | None:
    metric = run.metrics.get(conversion.metric)
    if metric is None or metric.value is None:
        return None
    if metric.unit != conversion.unit:
        raise ConfigError(
            f"{run.folder}: metric {metric.name!r} is in {metric.unit!r}, expected {conversion.unit!r}; the suite was "
            f"written for another version of the task {run.task.name!r}"
        )
    return metric.value * conversion.factor
