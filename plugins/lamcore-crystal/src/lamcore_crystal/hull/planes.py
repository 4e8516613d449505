"""The lower convex hull of one chemical system, as the chemical potentials of its facets.

The energy of the hull at a composition x is the minimum of Σ cᵢ eᵢ over amounts c ≥ 0 with Σ cᵢ aᵢ = x; the dual of
this linear program is the maximum of μ·x over chemical potentials μ with μ·aᵢ ≤ eᵢ for all entries, and its vertices
are the facets of the hull. So all facets are found once (by Qhull, doi:10.1145/235815.235821), and each is turned
into a μ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SMALLEST_DETERMINANT = 1e-14  # of the fractions of a facet's corners; below, a sliver has no plane of its own
_LARGEST_VIOLATION = 1e-11  # eV/atom that an entry may lie below a plane; beyond, the plane is none of the hull


@dataclass(frozen=True, eq=False)
class Planes:
    """Facets of a lower hull.

    Attributes:
        potentials: Chemical potential of each element in each facet, eV/atom, shape (n_facets, n_elements).
        corners: Positions of the facets' corners among the points, ascending, same shape.
    """

    potentials: NDArray[np.float64]
    corners: NDArray[np.int32]

    @property
    def n_bytes(self) -> int:
        """Of the arrays."""
        return self.potentials.nbytes + self.corners.nbytes


def lower_planes(fractions: NDArray[np.float64], energies: NDArray[np.float64]) -> Planes:
    """Facets of the lower convex hull of points whose first ones are the elements themselves.

    A facet that rounding has made doubtful (a sliver, or one with a point below) is left out; a composition under it is
    then under no facet, which the user of the planes notices.

    Args:
        fractions: Atomic fractions, shape (n_points, n_elements), the first n_elements rows the unit matrix.
        energies: Formation energies, eV/atom, shape (n_points,): zero for the elements, negative for all others.

    Raises:
        scipy.spatial.QhullError: The points are degenerate beyond what Qhull can mend.
    """
    n_elements = fractions.shape[1]
    corners = np.arange(n_elements)[None] if len(fractions) == n_elements else _lower_facets(fractions, energies)
    matrices = fractions[corners]
    real = np.abs(np.linalg.det(matrices)) > _SMALLEST_DETERMINANT
    corners, matrices = corners[real], matrices[real]
    potentials = np.linalg.solve(matrices, energies[corners][..., None])[..., 0]
    above = np.ones(len(corners), dtype=bool)
    for start in range(0, len(corners), 4096):
        some = slice(start, start + 4096)
        above[some] = (potentials[some] @ fractions.T - energies).max(axis=1) <= _LARGEST_VIOLATION
    return Planes(potentials[above], corners[above].astype(np.int32))


def _lower_facets(fractions: NDArray[np.float64], energies: NDArray[np.float64]) -> NDArray[np.intp]:
    """Corners of the simplices of the lower hull, each ascending, all in lexical order.

    One point far above the middle closes the body from above, so that every facet without it is of the lower side.
    """
    from scipy.spatial import ConvexHull

    n_points, n_elements = fractions.shape
    heights = energies / -energies.min()
    top = np.append(np.full(n_elements - 1, 1.0 / n_elements), 1.0)
    points = np.vstack([np.column_stack([fractions[:, 1:], heights]), top])
    simplices = ConvexHull(points, qhull_options="Qt Qx" if n_elements >= 5 else "Qt").simplices
    lower = np.sort(simplices[(simplices != n_points).all(axis=1)], axis=1)
    return np.asarray(np.unique(lower, axis=0), dtype=np.intp)
