"""From raw results, as LAMBench's results.json has them, to its rankings, bars, radar and scatter.

Results are one model's: `generalizability_force_field_results` (meV, meV/Å),
`generalizability_domain_specific_results`, `applicability_results` and `model`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamcore_lambench import formulas
from lamcore_lambench.rules import METRIC_OF, ForceFieldSet, Rules

FORCE_FIELDS, PROPERTIES = "generalizability_force_field_results", "generalizability_domain_specific_results"
APPLICABILITY = "applicability_results"
_MEV = 1e-3
_MEAN_DECIMALS = 7
_WEIGHTED = tuple(
    f"{kind}_{norm}{per}"
    for kind, pers in (("energy", ("", "_natoms")), ("force", ("",)), ("virial", ("", "_natoms")))
    for norm in ("rmse", "mae")
    for per in pers
)

Results = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A model in the rankings; a headline that cannot be told is None."""

    model: str
    m_ff: float | None
    m_pc: float | None
    m_is: float | None
    m_e: float | None

    @property
    def complete(self) -> bool:
        """Whether it is ranked."""
        return None not in (self.m_ff, self.m_pc, self.m_is, self.m_e)


def supports_omol(results: Results) -> bool:
    """Whether the model is scored on labels of OMol25's level of theory, where there are some."""
    return bool(results.get("model", {}).get("supports_omol", False))


def set_errors(one: ForceFieldSet, metrics: Mapping[str, Any], labels: str) -> dict[str, float] | None:
    """Errors of a set in eV/atom, eV/Å, eV/atom; None where one that the baseline has is missing or not finite."""
    baseline = one.baselines[labels]
    kinds = [kind for kind in METRIC_OF if getattr(baseline, kind) is not None]
    errors = {kind: _finite(metrics.get(METRIC_OF[kind])) for kind in kinds}
    return {kind: value * _MEV for kind, value in errors.items() if value is not None} if _full(errors) else None


def domain_error(results: Results, domain: str, rules: Rules) -> float | None:
    """M of a force-field domain; None where a set of it is missing."""
    ratios: dict[str, list[formulas.Value]] = {}
    for key, one in rules.sets.items():
        if one.domain != domain:
            continue
        labels = one.labels(supports_omol(results))
        errors = set_errors(one, results[FORCE_FIELDS].get(key) or {}, labels)
        if errors is None:
            return None
        for kind, error in errors.items():
            baseline = getattr(one.baselines[labels], kind)
            ratios.setdefault(kind, []).append(formulas.ratio(error, baseline, rules.clip))
    means = {kind: formulas.log_mean(found, decimals=_MEAN_DECIMALS) for kind, found in ratios.items()}
    return float(formulas.mix(means, rules.kind_weights(domain)))


def force_field_error(results: Results, rules: Rules) -> float | None:
    """M_FF: the mean of the domains; None where one cannot be told."""
    domains = [domain_error(results, domain, rules) for domain in rules.domains]
    known = [value for value in domains if value is not None]
    return float(formulas.plain_mean(list(known))) if known and len(known) == len(domains) else None


def property_metrics(results: Results, key: str, rules: Rules) -> dict[str, float]:
    """The normalised metrics of a property task; those that the model lacks are skipped, as LAMBench does."""
    task, metrics = rules.tasks[key], (results.get(PROPERTIES) or {}).get(key) or {}
    success = None if task.penalty is None else _finite(metrics.get(task.penalty))
    return {
        name: float(formulas.normalised(value, dummy, rules.clip, success))
        for name, dummy in task.dummy.items()
        if (value := _finite(metrics.get(name))) is not None and not (task.penalty and not success)
    }


def property_domain_error(results: Results, domain: str, rules: Rules) -> float | None:
    """The mean over all metrics of all tasks of a domain that the model has; None where it has none."""
    values = [
        value
        for key, task in rules.tasks.items()
        if task.domain == domain
        for value in property_metrics(results, key, rules).values()
    ]
    return float(formulas.plain_mean(list(values))) if values else None


def counted_property_domains(results: Mapping[str, Results], rules: Rules) -> list[str]:
    """The property domains that count: where the version says so, those in which some model has nothing do not."""
    return [
        domain
        for domain in rules.property_domains
        if not rules.drop_incomplete_domains
        or all(property_domain_error(one, domain, rules) is not None for one in results.values())
    ]


def property_error(results: Results, domains: Sequence[str], rules: Rules) -> float | None:
    """M_PC: the mean of the given domains; None where there are none."""
    values = [property_domain_error(results, domain, rules) for domain in domains]
    known = [value for value in values if value is not None]
    return float(formulas.plain_mean(list(known))) if known else None


def time_us_per_atom(results: Results) -> float | None:
    """Time of energy, forces and stress."""
    timing = (results.get(APPLICABILITY) or {}).get("inference_efficiency") or {}
    return _finite(timing.get("average_time"))


def rows(results: Mapping[str, Results], rules: Rules, m_is: Mapping[str, float | None]) -> list[Row]:
    """Every model, in the order of the results, unrounded.

    Args:
        results: By model.
        rules: Of the version.
        m_is: M_IS by model, which results.json does not determine: it lacks the drifts of the single systems.
    """
    domains = counted_property_domains(results, rules)
    made = []
    for model, one in results.items():
        time = time_us_per_atom(one)
        made.append(
            Row(
                model,
                force_field_error(one, rules),
                property_error(one, domains, rules),
                m_is.get(model),
                None if time is None else float(formulas.efficiency(time)),
            )
        )
    return made


def rankings(made: Sequence[Row], rules: Rules) -> list[dict[str, Any]]:
    """final_rankings.json: complete models by M_FF, M_PC, M_IS, then M_E, all rounded to three decimals."""
    table = [
        {
            "Model": row.model,
            "Generalizability-FF Error ↓": formulas.rounded_or_none(row.m_ff, 3),
            rules.property_column: formulas.rounded_or_none(row.m_pc, 3),
            "Applicability-Instability ↓": formulas.rounded_or_none(row.m_is, 3),
            "Applicability-Efficiency ↑": formulas.rounded_or_none(row.m_e, 3),
        }
        for row in made
        if row.complete
    ]
    _, *ascending, efficiency = table[0] if table else ("", "")
    return sorted(table, key=lambda row: (*(row[name] for name in ascending), -row[efficiency]))


def barplot(results: Mapping[str, Results], rules: Rules) -> dict[str, dict[str, float | None]]:
    """barplot.json: each force-field domain's error, rounded to two decimals."""
    return {
        domain: {model: formulas.rounded_or_none(domain_error(one, domain, rules), 2) for model, one in results.items()}
        for domain in rules.domains
    }


def pc_barplot(results: Mapping[str, Results], rules: Rules) -> dict[str, dict[str, float | None]]:
    """pc_barplot.json: the same of the property domains."""
    return {
        domain: {
            model: formulas.rounded_or_none(property_domain_error(one, domain, rules), 2)
            for model, one in results.items()
        }
        for domain in counted_property_domains(results, rules)
    }


def radar(bars: Mapping[str, Mapping[str, float | None]]) -> dict[str, Any]:
    """radar.json: an ECharts option with 1 − bar; the model with the largest sum is filled."""
    models = list(next(iter(bars.values()), {}))
    data: list[dict[str, Any]] = [
        {"name": model, "value": formulas.radar_values([of[model] for of in bars.values()])} for model in models
    ]
    if data:
        best = max(data, key=lambda entry: sum(value for value in entry["value"] if value is not None))
        best["areaStyle"] = {"opacity": 0.1}
    return {
        "legend": {"data": models, "bottom": 0, "textStyle": {"color": "white"}},
        "radar": {"indicator": [{"name": domain, "max": 1} for domain in bars], "axisName": {"color": "white"}},
        "series": [{"name": "LAMBench Leaderboard", "type": "radar", "data": data}],
    }


def scatter(results: Mapping[str, Results], made: Sequence[Row]) -> list[dict[str, Any]]:
    """scatter.json: time against M_FF of the complete models, rounded to two decimals."""
    points = []
    for row in made:
        if not row.complete:
            continue
        one = results[row.model]
        timing, model = one[APPLICABILITY]["inference_efficiency"], one["model"]
        points.append(
            {
                "name": row.model,
                "family": model["model_family"],
                "nparams": model["model_metadata"]["num_parameters"],
                "efficiency": round(timing["average_time"], 2),
                "std": round(timing["standard_deviation"], 2),
                "generalizability error": formulas.rounded_or_none(row.m_ff, 2),
            }
        )
    return points


def weighted(results: Results, rules: Rules) -> dict[str, float | None] | None:
    """The "Weighted" row of a model: geometric means over the sets that have a metric; None unless it has all sets."""
    found = results[FORCE_FIELDS]
    if any(not found.get(key) for key in rules.sets):
        return None
    row: dict[str, float | None] = {}
    for name in _WEIGHTED:
        values = [value for key in rules.sets if (value := _finite(found[key].get(name))) is not None]
        row[name] = formulas.geometric_mean_rounded(values) if values else None
    return row


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _full(values: Mapping[str, float | None]) -> bool:
    return None not in values.values()
