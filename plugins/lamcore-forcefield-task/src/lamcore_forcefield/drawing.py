"""Frames drawn as balls and sticks seen from one side, with an arrow for each atom, as SVG."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ase import Atoms

_WIDTH, _HEIGHT, _MARGIN = 320, 250, 18
_BALL = 0.42
"""Radius of a ball over the covalent radius."""
_LONGEST_ARROW_ANG = 1.6
_SHORTEST_ARROW = 3.0
"""Arrows that look shorter, in pixels, are left out."""
_ARROW = "#d0342c"
_NONMETALS = frozenset(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I"])
_BOND_SLACK = 1.15
_TIP_MOLECULE_DEG, _TIP_CRYSTAL_DEG, _TURN_CRYSTAL_DEG = 23.0, -72.0, 24.0


def draw(atoms: Atoms, arrows: NDArray[np.float64], title: str, name: str) -> str:
    """An SVG element: atoms nearer to the eye cover those behind, bonds are sticks, the cell is an outline.

    Args:
        atoms: The frame.
        arrows: One vector for each atom, shape (n_atoms, 3), such as errors of forces; the longest is drawn 1.6 Å long.
        title: For readers of the screen.
        name: Unique among the drawings of a page.
    """
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors

    rotation = _view(atoms)
    positions = (atoms.positions - atoms.positions.mean(axis=0)) @ rotation
    corners = _cell_corners(atoms) @ rotation if atoms.pbc.any() else np.zeros((0, 3))
    longest = float(np.linalg.norm(arrows, axis=1).max(initial=0.0))
    tips = positions + (arrows @ rotation) * (_LONGEST_ARROW_ANG / longest if longest else 0.0)
    radii = _BALL * covalent_radii[atoms.numbers]
    scale, shift = _fit(np.vstack([positions - radii[:, None], positions + radii[:, None], tips, corners]))

    def place(point: NDArray[np.float64]) -> tuple[float, float]:
        x, y = point[:2] * scale
        return float(x + shift[0]), float(shift[1] - y)

    used = sorted(set(atoms.numbers.tolist()))
    gradients = "".join(_gradient(f"{name}-{number}", jmol_colors[number]) for number in used)
    shapes = [
        (-np.inf, _part("edge", _edge(place(first), place(second)), first, second))
        for first, second in _cell_edges(corners)
    ]
    for first, second in _bonds(atoms):
        middle = (positions[first] + positions[second]) / 2
        for end in (first, second):
            stick = _stick(place(positions[end]), place(middle), jmol_colors[atoms.numbers[end]], scale)
            depth = min(positions[end, 2], middle[2]) - 1e-3
            shapes.append((depth, _part("stick", stick, positions[end], middle)))
    for position, tip, radius, number in zip(positions, tips, radii, atoms.numbers, strict=True):
        ball = _ball(place(position), radius * scale, f"{name}-{number}")
        shapes.append((position[2], _part("ball", ball, position)))
        if np.linalg.norm(tip - position) * scale > _SHORTEST_ARROW:
            # An arrow that points away from the eye begins behind its ball.
            arrow = _arrow(place(position), place(tip))
            end_on = float(np.linalg.norm((tip - position)[:2])) * scale <= _SHORTEST_ARROW
            shapes.append((position[2] + 1e-3, _part("arrow", arrow, position, tip, hidden=end_on)))
    shapes.sort(key=lambda pair: pair[0])
    return (
        f'<svg role="img" aria-label="{html.escape(title)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" xmlns="http://www.w3.org/2000/svg" tabindex="0" data-scale="{scale:.3f}" '
        f'data-origin="{shift[0]:.2f} {shift[1]:.2f}" style="overflow:visible;touch-action:none;cursor:grab">'
        f"<defs>{gradients}</defs>{''.join(shape for _, shape in shapes)}</svg>"
    )


def turning_script() -> str:
    """The script that lets every drawing of a page be turned; once a page, after the drawings."""
    script = Path(__file__).with_name("viewer.js").read_text(encoding="utf-8")
    return f"<script>{script}</script>"


def _view(atoms: Atoms) -> NDArray[np.float64]:
    """Columns point right, up and towards the eye: a molecule lies flat, a crystal is seen from a corner."""
    if not atoms.pbc.any() and len(atoms) > 2:
        _, _, axes = np.linalg.svd(atoms.positions - atoms.positions.mean(axis=0), full_matrices=True)
        return np.asarray((axes * np.linalg.det(axes)).T @ _about_x(_TIP_MOLECULE_DEG))
    return np.asarray(_about_z(_TURN_CRYSTAL_DEG) @ _about_x(_TIP_CRYSTAL_DEG))


def _about_x(angle_deg: float) -> NDArray[np.float64]:
    """To be multiplied from the right by row vectors."""
    cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])


def _about_z(angle_deg: float) -> NDArray[np.float64]:
    """To be multiplied from the right by row vectors."""
    cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])


def _fit(points: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    """Pixels per Å, and where the origin is, so that all points are within the margins."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    size = np.maximum(high - low, 1.0)
    scale = float(min((_WIDTH - 2 * _MARGIN) / size[0], (_HEIGHT - 2 * _MARGIN) / size[1], 60.0))
    centre = (low + high) / 2 * scale
    return scale, (float(_WIDTH / 2 - centre[0]), float(_HEIGHT / 2 + centre[1]))


def _bonds(atoms: Atoms) -> list[tuple[int, int]]:
    """Pairs close enough for a bond, one of them at least no metal; bonds through the cell's faces are not drawn."""
    from ase.data import covalent_radii
    from scipy.spatial import cKDTree

    radii = covalent_radii[atoms.numbers]
    symbols = atoms.get_chemical_symbols()
    pairs = cKDTree(atoms.positions).query_pairs(2 * _BOND_SLACK * float(radii.max()))
    return sorted(
        (i, j)
        for i, j in pairs
        if {symbols[i], symbols[j]} & _NONMETALS
        and np.linalg.norm(atoms.positions[i] - atoms.positions[j]) < _BOND_SLACK * (radii[i] + radii[j])
    )


def _cell_corners(atoms: Atoms) -> NDArray[np.float64]:
    steps = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return np.asarray(steps @ atoms.cell.array - atoms.positions.mean(axis=0))


def _cell_edges(corners: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Ends of the twelve edges; none where there are no corners."""
    return [(corners[i], corners[i | bit]) for bit in (1, 2, 4) for i in range(len(corners)) if not i & bit]


def _part(kind: str, shape: str, *points: NDArray[np.float64], hidden: bool = False) -> str:
    """A shape with the points that it is drawn from, Å, so that it can be turned."""
    numbers = " ".join(f"{number:.3f}" for point in points for number in point)
    visibility = "hidden" if hidden else "visible"
    return f'<g data-kind="{kind}" data-points="{numbers}" visibility="{visibility}">{shape}</g>'


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    line = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {line} stroke="#8a8a8a" stroke-width="0.8" stroke-dasharray="3 3"/>'


def _gradient(identifier: str, colour: NDArray[np.float64]) -> str:
    light, dark = colour + 0.55 * (1 - colour), 0.62 * colour
    stops = ((0, light), (0.45, colour), (1, dark))
    body = "".join(f'<stop offset="{place}" stop-color="{_hex(shade)}"/>' for place, shade in stops)
    return f'<radialGradient id="{identifier}" cx="0.35" cy="0.32" r="0.75">{body}</radialGradient>'


def _ball(centre: tuple[float, float], radius: float, gradient: str) -> str:
    place = f'cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}"'
    return f'<circle {place} fill="url(#{gradient})" stroke="#333" stroke-width="0.6"/>'


def _stick(start: tuple[float, float], end: tuple[float, float], colour: NDArray[np.float64], scale: float) -> str:
    line = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    width = 0.16 * scale
    return (
        f'<line {line} stroke="#333" stroke-width="{width + 1.2:.1f}"/>'
        f'<line {line} stroke="{_hex(0.88 * colour)}" stroke-width="{width:.1f}"/>'
    )


def _arrow(start: tuple[float, float], tip: tuple[float, float]) -> str:
    length = float(np.hypot(*np.subtract(tip, start)))
    along = np.subtract(tip, start) / max(length, 1e-9)
    across = np.array([-along[1], along[0]])
    neck = np.array(tip) - 7 * along
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (tip, neck + 3.2 * across, neck - 3.2 * across))
    line = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{neck[0]:.1f}" y2="{neck[1]:.1f}"'
    return f'<line {line} stroke="{_ARROW}" stroke-width="2.2"/><polygon points="{corners}" fill="{_ARROW}"/>'


def _hex(colour: NDArray[np.float64]) -> str:
    return "#" + "".join(f"{round(255 * float(np.clip(part, 0, 1))):02x}" for part in colour)
