"""Finished runs, read back from their folders: what a suite or a leaderboard is made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamcore.errors import RunFolderError
from lamcore.task import Contributions, Metric

CONFIG, PROVENANCE, METRICS, CONTRIBUTIONS = "config.yaml", "provenance.json", "metrics.json", "contributions.json"
PAGE, LOG = "report.html", "run.log"


@dataclass(frozen=True)
class Part:
    """The task, dataset or model of a run, as its identity has it.

    Attributes:
        name: As on the command line.
        options: Those that had a value; files are there as their SHA-256.
        plugin: Distribution and version.
        content: SHA-256 of the dataset's cases or, one after the other, of the model's weights.
    """

    name: str
    options: Mapping[str, Any]
    plugin: str
    content: str = ""


@dataclass(frozen=True)
class RunSummary:
    """A run that has metrics and says where they come from.

    Attributes:
        folder: Of the run.
        run_id: Its id.
        task: What was measured.
        dataset: On what.
        model: Of what.
        max_cases: How many cases of the dataset were taken at most; None for all.
        n_cases: Cases of the run.
        n_failed: How many of them failed.
        failures: Why, by case id.
        metrics: By name, with what each case adds to them.
        config: The resolved configuration.
        provenance: Versions, machines, licences, citations and cost.
    """

    folder: Path
    run_id: str
    task: Part
    dataset: Part
    model: Part
    max_cases: int | None
    n_cases: int
    n_failed: int
    failures: Mapping[str, str]
    metrics: Mapping[str, Metric]
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def hardware(self) -> tuple[str, ...]:
        """Processor or device of each session, each once."""
        return tuple(dict.fromkeys(_hardware(session) for session in self.provenance["sessions"]))

    def as_dummy(self) -> RunSummary:
        """The run as the dummy would have done it: metrics at the dummy's value, without those that have none."""
        metrics = {name: _dummy(metric) for name, metric in self.metrics.items() if metric.dummy is not None}
        return replace(self, metrics=metrics, n_failed=0, failures={})


def read_run(folder: Path) -> RunSummary:
    """A finished run.

    Raises:
        RunFolderError: The folder lacks something, provenance included, or some cases were not computed yet.
    """
    from omegaconf import OmegaConf

    try:
        provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        summary = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        contributions = json.loads((folder / CONTRIBUTIONS).read_text(encoding="utf-8"))
        config = OmegaConf.to_container(OmegaConf.load(folder / CONFIG))
        identity = provenance["identity"]
        assert isinstance(config, dict)
        failures = {case["id"]: case["failure"] for case in summary["cases"] if case["failure"] is not None}
        run = RunSummary(
            folder=folder,
            run_id=provenance["run_id"],
            task=_part(identity["task"]),
            dataset=_part(identity["dataset"], identity["dataset"]["content_sha256"]),
            model=_part(identity["model"], " ".join(file["sha256"] for file in identity["model"]["weights"])),
            max_cases=config["dataset"].get("max_cases"),
            n_cases=summary["n_cases"],
            n_failed=summary["n_failed"],
            failures=failures,
            metrics={one["name"]: _metric(one, contributions.get(one["name"])) for one in summary["metrics"]},
            config={str(key): value for key, value in config.items()},
            provenance=provenance,
        )
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise RunFolderError(
            f"{folder}: not a finished run with provenance ({type(error).__name__}: {error}); give its command again, "
            f"or `lamcore report {folder}`"
        ) from error
    if waiting := sum(why == "not computed yet" for why in failures.values()):
        raise RunFolderError(
            f"{folder}: {waiting} of {run.n_cases} cases are not computed yet; give its command again to finish it"
        )
    return run


def run_folders(roots: Iterator[Path] | list[Path]) -> list[Path]:
    """The folders of runs at or below some folders, in the order of their names.

    Raises:
        RunFolderError: A folder does not exist.
    """
    found: set[Path] = set()
    for root in roots:
        if not root.is_dir():
            raise RunFolderError(f"{root}: no such folder; give the folder of a run, or one with runs in it")
        found |= {path.parent for path in root.rglob("records.jsonl")}
    return sorted(found)


def _part(identity: Mapping[str, Any], content: str = "") -> Part:
    return Part(identity["name"], identity["options"], identity["plugin"], content)


def _metric(stored: Mapping[str, Any], contributions: Mapping[str, Any] | None) -> Metric:
    made_of = None
    if contributions is not None:
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in contributions.items()
        }
        made_of = Contributions(**plain)
    interval = stored["interval"]
    return Metric(**{**stored, "interval": None if interval is None else tuple(interval), "contributions": made_of})


def _dummy(metric: Metric) -> Metric:
    made_of = metric.contributions
    if made_of is not None and made_of.dummy_totals is not None and made_of.dummy_weights is not None:
        made_of = replace(made_of, totals=made_of.dummy_totals, weights=made_of.dummy_weights)
    else:
        made_of = None
    return replace(metric, value=metric.dummy, interval=None, n_failed=0, contributions=made_of)


def _hardware(session: Mapping[str, Any]) -> str:
    machine, compute = session["machine"], session["compute"] or {}
    device = compute.get("device", "cpu")
    return f"{machine['processor']}, {machine['cores']} cores" + ("" if device == "cpu" else f", {device}")
