"""One chemical system: its hull, asked at any number of compositions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamcore_crystal.hull.compositions import ChemicalSystem, sum_of_products
from lamcore_crystal.hull.linear_program import LinearProgram
from lamcore_crystal.hull.planes import Planes, lower_planes

MOST_ELEMENTS_WITH_PLANES = 5
_TIE = 1e-12  # eV/atom; facets as high as this below the highest are of one plane
_SMALLEST_AMOUNT = -1e-10  # of a corner, when the composition is on the facet
_VALUES_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class HullPoints:
    """The hull under some compositions.

    Attributes:
        energies: Of the hull, as formation energies, eV/atom, shape (n,).
        members: Positions of the entries that it is made of there, -1 where there are fewer, shape (n, n_elements).
        amounts: Of these, per atom, zero where there are fewer, same shape.
    """

    energies: NDArray[np.float64]
    members: NDArray[np.intp]
    amounts: NDArray[np.float64]


class System:
    """The hull of one chemical system.

    Each answer is proven by its own decomposition: the highest plane bounds the energy from below, and amounts ≥ 0 of
    its corners reach the same energy from above. Where no facet gives such amounts, the linear program answers.

    Args:
        elements: In alphabetical order.
        entries: Indices of the entries that may be corners, the elements themselves first, in order.
        fractions: Their atomic fractions, shape (n_entries, n_elements).
        energies: Their formation energies, eV/atom: zero for the elements, negative for the others.
        most_elements_with_planes: Beyond, every composition is a linear program.
    """

    def __init__(
        self,
        elements: ChemicalSystem,
        entries: NDArray[np.intp],
        fractions: NDArray[np.float64],
        energies: NDArray[np.float64],
        most_elements_with_planes: int = MOST_ELEMENTS_WITH_PLANES,
    ) -> None:
        from scipy.spatial import QhullError

        self.elements = elements
        self.entries = entries
        self.n_programs = 0
        self._fractions, self._energies = fractions, energies
        self.planes: Planes | None = None
        if len(elements) <= most_elements_with_planes:
            try:
                self.planes = lower_planes(fractions, energies)
            except QhullError:  # too flat for facets; the linear program has no such trouble
                self.planes = None

    @property
    def n_bytes(self) -> int:
        """Of the arrays, about."""
        own = self.entries.nbytes + self._fractions.nbytes + self._energies.nbytes + 2000
        return own + (self.planes.n_bytes if self.planes is not None else 0)

    def at(self, fractions: NDArray[np.float64]) -> HullPoints:
        """The hull under compositions.

        Args:
            fractions: Shape (n, n_elements).

        Raises:
            HullPrecisionError: A linear program could not be solved to 1e-9 eV/atom.
        """
        n, n_elements = fractions.shape
        energies, open_ = np.zeros(n), np.ones(n, dtype=bool)
        members, amounts = np.full((n, n_elements), -1, dtype=np.intp), np.zeros((n, n_elements))
        if self.planes is not None and len(self.planes.corners):
            at_once = max(1, _VALUES_AT_ONCE // len(self.planes.corners))
            for start in range(0, n, at_once):
                rows = np.arange(start, min(start + at_once, n))
                corners, found, proven = self._on_facets(fractions[rows], self.planes)
                rows, corners, found = rows[proven], corners[proven], found[proven]
                members[rows], amounts[rows] = corners, found
                energies[rows] = sum_of_products(found, self._energies[corners])
                open_[rows] = False
        left = np.flatnonzero(open_).tolist()
        program = LinearProgram(self._fractions, self._energies) if left else None
        for row in left:
            assert program is not None
            energies[row], basis, found = program.minimum(fractions[row])
            members[row, : len(basis)], amounts[row, : len(basis)] = basis, found
        self.n_programs += len(left)
        nothing = amounts <= -_SMALLEST_AMOUNT
        members[nothing], amounts[nothing] = -1, 0.0
        return HullPoints(energies, np.where(members >= 0, self.entries[members], -1), amounts)

    def _on_facets(
        self, fractions: NDArray[np.float64], planes: Planes
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.bool_]]:
        """Corners of the facet under each composition, their amounts, and whether these prove it."""
        heights = sum_of_products(fractions[:, None, :], planes.potentials[None])
        tied = heights >= heights.max(axis=1, keepdims=True) - _TIE
        facets: NDArray[np.intp] = tied.argmax(axis=1)
        amounts = self._amounts(facets, fractions)
        proven = amounts.min(axis=1) >= _SMALLEST_AMOUNT
        for row in np.flatnonzero(~proven & (tied.sum(axis=1) > 1)).tolist():
            others = np.flatnonzero(tied[row])
            choices = self._amounts(others, np.broadcast_to(fractions[row], (len(others), fractions.shape[1])))
            best = int(choices.min(axis=1).argmax())
            facets[row], amounts[row] = others[best], choices[best]
            proven[row] = choices[best].min() >= _SMALLEST_AMOUNT
        return planes.corners[facets].astype(np.intp), amounts, proven

    def _amounts(self, facets: NDArray[np.intp], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self.planes is not None
        matrices = self._fractions[self.planes.corners[facets]].transpose(0, 2, 1)
        return np.asarray(np.linalg.solve(matrices, fractions[..., None])[..., 0], dtype=np.float64)
