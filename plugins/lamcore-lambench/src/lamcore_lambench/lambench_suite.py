"""LAMBench's versions as lamcore suites: its tasks by lamcore's `protocol=lambench`, its own formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcore import Headline, PublishedRow, Score, Suite, SuiteItem
from lamcore.errors import ConfigError
from lamcore_lambench import formulas, from_runs, leaderboard
from lamcore_lambench.rules import KINDS, METRIC_OF, OMOL, Rules

if TYPE_CHECKING:
    from lamcore.results import RunSummary

DATA_PAGE = "https://aissquare.com/datasets/detail?pageType=datasets&name=LAMBench-DatasetCards&id=336"
_PROTOCOL = {"protocol": "lambench"}
_DAMPING = {"zero": "pbe-zero", "bj": "pbe-bj"}
_TASKS: dict[str, tuple[str, str, tuple[str, ...], dict[str, Any]]] = {
    "phonon_mdr": ("phonon", "mdr", ("phonon_mdr", "MDR_PBE_phonon"), {}),
    "torsionnet": ("torsion", "torsions", ("torsionnet", "torsionnet500_ccsdt"), {"format": "lambench"}),
}
"""Property tasks that lamcore has: task, dataset, names of the folder, and the dataset's options."""
_NVE_NAMES = ("nve_md", "nve_md.extxyz", "nve_md.traj")
_EFFICIENCY_NAMES = ("inference_efficiency", "efficiency")

Labels = Literal["PBE", "wB97"]


class LambenchSuite(Suite):
    """A version of LAMBench.

    A headline has a value only where all that it is made of was run; its parts have theirs all the same.

    Args:
        rules: Of the version.
        data: The folder that holds LAMBench's data sets, by their keys or by LAMBench's own names of folders.
        labels: Which labels the model is scored on where a set has two: PBE, or ωB97M-V for models that were trained at
            OMol25's level of theory.
        rows: What was published.
    """

    def __init__(
        self,
        rules: Rules,
        data: Path | None = None,
        labels: Labels = "PBE",
        rows: Sequence[PublishedRow] = (),
    ) -> None:
        if data is not None and not data.is_dir():
            raise ConfigError(f"suite.data: {data} is not a folder; give the one that holds LAMBench's data sets")
        self._rules, self._data, self._rows = rules, data, tuple(rows)
        self._omol = labels == OMOL
        self.items = (
            *(self._set_item(key) for key in rules.sets),
            *(self._task_item(key) for key in rules.tasks),
            self._applicability(from_runs.NVE, "Energy drift (NVE)", "Stability", "nve", "structures", _NVE_NAMES),
            self._applicability(
                from_runs.EFFICIENCY,
                "Inference time",
                "Efficiency",
                "efficiency",
                "efficiency-frames",
                _EFFICIENCY_NAMES,
            ),
        )
        self.headlines = _headlines(rules)

    def score(self, runs: Mapping[str, RunSummary]) -> Sequence[Score]:
        """M_FF, M_PC, M_IS and M_E, as LAMBench computes them."""
        results = from_runs.results_of(runs, self._rules, self._omol)
        return [
            self._force_fields(results, runs),
            self._properties(results, runs),
            self._instability(runs),
            self._efficiency(runs),
        ]

    def published(self) -> Sequence[PublishedRow]:
        """The rows of the version's final_rankings.json; not run again."""
        return self._rows

    def _set_item(self, key: str) -> SuiteItem:
        one = self._rules.sets[key]
        labels = one.labels(self._omol)
        names = (key,) if labels == "any" else (f"{key}_{labels}",)
        own = one.folders.get(labels)
        options: dict[str, Any] = {"d3": _DAMPING[one.dispersion]} if one.dispersion else {}
        return self._item(
            key,
            one.title,
            one.domain,
            "forcefield",
            "frames",
            names if own is None or own in names else (*names, own),
            options,
        )

    def _task_item(self, key: str) -> SuiteItem:
        task = self._rules.tasks[key]
        if key not in _TASKS:
            return SuiteItem(key, task.title, task.domain, "", "", missing="lamcore has no task for it yet")
        name, dataset, folders, options = _TASKS[key]
        if task.level_of_theory:
            options = {**options, "functional": task.level_of_theory}
        return self._item(key, task.title, task.domain, name, dataset, folders, options)

    def _applicability(
        self, key: str, title: str, domain: str, task: str, dataset: str, names: Sequence[str]
    ) -> SuiteItem:
        return self._item(key, title, domain, task, dataset, names, {})

    def _item(
        self,
        key: str,
        title: str,
        domain: str,
        task: str,
        dataset: str,
        names: Sequence[str],
        options: Mapping[str, Any],
    ) -> SuiteItem:
        """A run on data of LAMBench, which the user has to give."""
        found = [self._data / name for name in names if self._data and (self._data / name).exists()]
        path = {"path": found[0]} if found else {}
        item = SuiteItem(key, title, domain, task, dataset, _PROTOCOL, {**options, **path})
        if found:
            return item
        if self._data is None:
            how = f"suite.data=<folder with LAMBench's data>, from {DATA_PAGE}"
            return replace(item, missing="needs LAMBench's data", obtain=how)
        missing = f"{self._data} has no {' or '.join(names)}"
        return replace(item, missing=missing, obtain="`lamcore show suite` says where LAMBench's data are")

    def _force_fields(self, results: Mapping[str, Any], runs: Mapping[str, RunSummary]) -> Score:
        domains = []
        for domain in self._rules.domains:
            keys = [key for key, one in self._rules.sets.items() if one.domain == domain]
            value = leaderboard.domain_error(results, domain, self._rules)
            parts = tuple(self._set_score(key, results) for key in keys if key in runs)
            lacking = [part.name for part in parts if part.value is None]
            domains.append(Score(domain, domain, value, parts=parts, note=_needs(keys, runs, lacking)))
        value = leaderboard.force_field_error(results, self._rules)
        note = "" if value is not None else "needs every domain"
        return Score("M_FF", "Force-field error", value, parts=tuple(domains), note=note)

    def _set_score(self, key: str, results: Mapping[str, Any]) -> Score:
        """The ratios of a set; their mean has no part in LAMBench's formula."""
        one = self._rules.sets[key]
        labels = one.labels(self._omol)
        found = results[leaderboard.FORCE_FIELDS][key]
        errors = leaderboard.set_errors(one, found, labels)
        if errors is None:
            lacking = [METRIC_OF[kind] for kind in KINDS if found.get(METRIC_OF[kind]) is None]
            return Score(key, one.title, None, note=f"the run has no {', '.join(lacking)}")
        parts = [
            Score(
                kind,
                METRIC_OF[kind],
                float(formulas.ratio(error, getattr(one.baselines[labels], kind), self._rules.clip)),
                note=f"{1e3 * error:.4g} meV{'/Å' if kind == 'force' else '/atom'}",
            )
            for kind, error in errors.items()
        ]
        mean = float(formulas.log_mean([part.value for part in parts if part.value is not None]))
        return Score(key, one.title, mean, parts=tuple(parts), note="geometric mean of the ratios, for orientation")

    def _properties(self, results: Mapping[str, Any], runs: Mapping[str, RunSummary]) -> Score:
        domains = []
        for domain in self._rules.property_domains:
            keys = [key for key, task in self._rules.tasks.items() if task.domain == domain]
            value = leaderboard.property_domain_error(results, domain, self._rules)
            parts = tuple(self._task_score(key, results) for key in keys if key in runs)
            domains.append(Score(domain, domain, value, parts=parts, note=_needs(keys, runs, [])))
        absent = [key for key in self._rules.tasks if key not in runs]
        found = leaderboard.property_error(results, self._rules.property_domains, self._rules)
        note = "" if not absent else f"needs {', '.join(absent)}"
        if absent and found is not None:
            note += f"; LAMBench would average what is there: {found:.3f}, not comparable with a model that has all"
        return Score("M_PC", "Property error", None if absent else found, parts=tuple(domains), note=note)

    def _task_score(self, key: str, results: Mapping[str, Any]) -> Score:
        ratios = leaderboard.property_metrics(results, key, self._rules)
        title = self._rules.tasks[key].title
        parts = [
            Score(name, name, ratios[name])
            if name in ratios
            else Score(name, name, None, note="the run has no such value; LAMBench's rules skip it")
            for name in self._rules.tasks[key].dummy
        ]
        return Score(
            key, title, float(formulas.plain_mean(list(ratios.values()))) if ratios else None, parts=tuple(parts)
        )

    def _instability(self, runs: Mapping[str, RunSummary]) -> Score:
        value = from_runs.instability_of(runs)
        return Score("M_IS", "Instability", value, note="" if value is not None else f"needs {from_runs.NVE}")

    def _efficiency(self, runs: Mapping[str, RunSummary]) -> Score:
        run = runs.get(from_runs.EFFICIENCY)
        metric = None if run is None else run.metrics.get(from_runs.TIMING["average_time"].metric)
        if run is None or metric is None or metric.value is None:
            note = f"needs {from_runs.EFFICIENCY}" if run is None else "some file of frames has no time"
            return Score("M_E", "Efficiency", None, direction="higher", note=note)
        results = from_runs.results_of(runs, self._rules, self._omol)
        time = leaderboard.time_us_per_atom(results)
        assert time is not None
        part = Score("time_per_atom", "Time per atom", time, "µs/atom", context=metric.context)
        return Score(
            "M_E",
            "Efficiency",
            float(formulas.efficiency(time)),
            direction="higher",
            parts=(part,),
            context=metric.context,
        )


def _headlines(rules: Rules) -> tuple[Headline, ...]:
    clip = "" if rules.clip is None else f", at most {rules.clip:g}"
    return (
        Headline(
            "M_FF",
            "Force-field error",
            "1",
            "lower",
            f"mean over domains of 0.45 m_E + 0.45 m_F + 0.1 m_V, or 0.5 m_E + 0.5 m_F where no set of the domain has "
            f"virials; m is the geometric mean over sets of RMSE / baseline{clip}",
            decimals=3,
        ),
        Headline(
            "M_PC",
            "Property error",
            "1",
            "lower",
            f"mean over domains of the mean over all metrics of all tasks of value / dummy{clip}, over the success "
            "rate where the task has that penalty",
            decimals=3,
        ),
        Headline(
            "M_IS",
            "Instability",
            "1",
            "lower",
            "mean over nine systems of log10(drift / 5e-4) between 0 and 5, drift on LAMBench's scale; 5 where the "
            "simulation fails",
            decimals=3,
        ),
        Headline(
            "M_E",
            "Efficiency",
            "1",
            "higher",
            "100 / (µs/atom); LAMBench's on one NVIDIA V100",
            decimals=3,
            dummy=False,
        ),
    )


def _needs(keys: Sequence[str], runs: Mapping[str, RunSummary], lacking: Sequence[str]) -> str:
    absent = [*(key for key in keys if key not in runs), *lacking]
    return f"needs {', '.join(absent)}" if absent else ""
