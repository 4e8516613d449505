"""Runs that were never run: metrics made by lamcore's own scoring of made-up errors."""

from __future__ import annotations

from pathlib import Path

from lamcore import Case, Metric, ScoredCase
from lamcore.results import Part, RunSummary
from lamcore.scoring import mean_absolute_error

LABELS = (1.0, 2.0, 4.0, 8.0, 3.0, 5.0)
"""The dummy predicts their mean, 23/6, and makes a mean error of 67/36."""


def error_metric(name, errors, labels=LABELS, unit="eV"):
    """A mean absolute error of cases with these labels; None is a case that failed."""
    scored = [
        ScoredCase(
            Case(f"case-{index}", (), {"label": label}),
            None if error is None else {"error": error},
            None if error is not None else "RuntimeError: made to fail",
        )
        for index, (label, error) in enumerate(zip(labels, errors, strict=True))
    ]
    return mean_absolute_error(scored, name=name, error="error", label="label", unit=unit)


def plain_metric(name, value, unit="1", dummy=None, direction="lower", **changes):
    """A metric without anything to resample."""
    return Metric(name, value, unit, direction, dummy, None, 6, 0, **changes)


def make_run(*metrics, task="eos", dataset="dcdft", run_id="0123456789ab", n_cases=6, max_cases=None):
    return RunSummary(
        folder=Path("runs") / run_id,
        run_id=run_id,
        task=Part(task, {}, "made-up 1"),
        dataset=Part(dataset, {}, "made-up 1", "content"),
        model=Part("made-up", {}, "made-up 1", "weights"),
        max_cases=max_cases,
        n_cases=n_cases,
        n_failed=0,
        failures={},
        metrics={metric.name: metric for metric in metrics},
        config={"dataset": {}},
        provenance={"sessions": [], "data_files": {}},
    )
