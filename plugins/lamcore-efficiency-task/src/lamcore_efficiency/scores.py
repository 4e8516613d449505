"""Scores of one case from its raw times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamcore_efficiency.statistics import spread


def score_time(output: Mapping[str, Any]) -> dict[str, Any]:
    """Times of one structure, per atom too; None where it does not fit in memory or was not timed."""
    times, n_atoms = list(output.get("times_s", [])), int(output["n_atoms"])
    scores: dict[str, Any] = {
        "n_atoms": n_atoms,
        "fits": bool(output["fits"]),
        "why_not": str(output["why_not"]),
        "steady": output.get("steady"),
        "median_s": None,
        "interquartile_range_s": None,
        "median_absolute_deviation_s": None,
        "time_per_atom_us": None,
        "times_per_atom_us": [1e6 * seconds / n_atoms for seconds in times],
        "graph_share": None,
        "peak_memory_mb": None,
        "idle_memory_mb": None,
    }
    if output.get("peak_memory_bytes") is not None:
        taken = int(output["peak_memory_bytes"]) - int(output["idle_memory_bytes"])
        scores |= {"peak_memory_mb": taken / 1e6, "idle_memory_mb": int(output["idle_memory_bytes"]) / 1e6}
    if times:
        middle = spread(times)
        scores |= {
            "median_s": middle.median,
            "interquartile_range_s": middle.interquartile_range,
            "median_absolute_deviation_s": middle.median_absolute_deviation,
            "time_per_atom_us": 1e6 * middle.median / n_atoms,
        }
        if output["graph_s"] is not None:
            scores["graph_share"] = float(np.sum(output["graph_s"]) / np.sum(times))
    return scores


def score_batch(output: Mapping[str, Any]) -> dict[str, Any]:
    """Atoms a second of each batch and of the best one."""
    sizes = [int(size) for size in output["batch_sizes"]]
    rates = [
        int(output["n_atoms"]) * size / spread(times).median
        for size, times in zip(sizes, output["times_s"], strict=True)
    ]
    best = int(np.argmax(rates)) if rates else None
    return {
        "n_atoms": int(output["n_atoms"]),
        "batch_sizes": sizes,
        "rates_atoms_per_s": rates,
        "throughput_atoms_per_s": None if best is None else rates[best],
        "best_rates_atoms_per_s": []
        if best is None
        else [int(output["n_atoms"]) * sizes[best] / seconds for seconds in output["times_s"][best]],
        "stopped": output["stopped"],
    }


def score_capacity(output: Mapping[str, Any]) -> dict[str, Any]:
    """The largest structure, and whether memory was what ended the search."""
    return {
        "n_atoms": int(output["n_atoms"]),
        "fits_atoms": int(output["fits_atoms"]),
        "bound": output["bound"],
        "cap_atoms": int(output["cap_atoms"]),
    }
