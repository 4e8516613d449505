"""What the report of a run of the task `crystal` shows beside its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamcore.report import Section, figure_html, table_html
from lamcore_crystal.summary import screened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lamcore.report import RunView
    from lamcore_crystal.summary import Screened

_SHOWN = 200


def sections(view: RunView) -> list[Section]:
    """The distribution of the distances from the hull, and the crystals from the lowest on."""
    found = screened(view.scored)
    placed = sorted((one for one in found if one.distance is not None), key=_height)
    if not placed:
        return []
    header = ("crystal", "formula", "above hull (eV/atom)", "formation (eV/atom)", "steps", "volume after/before")
    body = table_html(header, [_row(one) for one in placed[:_SHOWN]])
    more = f", the lowest {_SHOWN} of {len(placed)}" if len(placed) > _SHOWN else ""
    caption = (
        f"Energy above the hull of {len(placed)} of {len(found)} crystals; the others failed. The hull is that of the "
        "references of this run; below zero lies what they do not know."
    )
    return [
        Section("Distance from the hull", figure_html(_histogram(placed), caption)),
        Section(f"Crystals{more}", body),
    ]


def _height(one: Screened) -> float:
    assert one.distance is not None
    return one.distance.energy_above_hull


def _row(one: Screened) -> tuple[str, ...]:
    assert one.distance is not None
    scores = one.case.scores
    assert scores is not None
    formula = "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in scores["composition"].items())
    return (
        one.case.case.id,
        formula,
        f"{one.distance.energy_above_hull:.4f}",
        f"{one.distance.formation_energy_per_atom:.4f}",
        str(scores["n_steps"]),
        f"{scores['volume_ratio']:.3f}",
    )


def _histogram(placed: list[Screened]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3))
    axes = figure.add_subplot()
    axes.hist([_height(one) for one in placed], bins=min(50, max(5, len(placed))))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("energy above hull (eV/atom)")
    axes.set_ylabel("crystals")
    return figure
