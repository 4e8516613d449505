"""The hull's energy at one composition as a linear program, for many elements and for what facets leave open."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 1e-10  # the smallest that HiGHS takes
_LARGEST_GAP = 1e-9  # eV/atom between what is answered and what is proven
_LARGEST_ENERGY = 1e3  # of the scaled problem


class HullPrecisionError(ArithmeticError):
    """The linear program was not solved to the precision that is promised."""


class LinearProgram:
    """min Σ cᵢ eᵢ over c ≥ 0 with Σ cᵢ aᵢ = x, for one x after another.

    HiGHS (doi:10.1007/s12532-017-0130-5) is content with errors of 1e-7 in the reduced costs, which are energies here:
    on entries that differ by millionths of an eV this is wrong by as much. So energies are scaled up, tolerances
    are set to 1e-10, amounts are solved again from the basis, and every answer is checked against its dual.

    Args:
        fractions: Atomic fractions of the entries, shape (n_entries, n_elements).
        energies: eV/atom, shape (n_entries,).
    """

    def __init__(self, fractions: NDArray[np.float64], energies: NDArray[np.float64]) -> None:
        from highspy import Highs, HighsLp, MatrixFormat

        self._fractions, self._energies = fractions, energies
        self._scale = _LARGEST_ENERGY / max(float(np.abs(energies).max()), 1e-6)
        n_entries, n_elements = fractions.shape
        program = HighsLp()
        program.num_col_, program.num_row_ = n_entries, n_elements
        program.col_cost_ = energies * self._scale
        program.col_lower_, program.col_upper_ = np.zeros(n_entries), np.full(n_entries, np.inf)
        program.row_lower_ = program.row_upper_ = np.zeros(n_elements)
        row, column = np.nonzero(fractions)
        program.a_matrix_.format_ = MatrixFormat.kColwise
        program.a_matrix_.start_ = np.append(0, np.cumsum(np.bincount(row, minlength=n_entries)))
        program.a_matrix_.index_, program.a_matrix_.value_ = column, fractions[row, column]
        make: Any = Highs  # untyped
        self._highs: Any = make()
        self._highs.setOptionValue("output_flag", False)
        for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
            self._highs.setOptionValue(name, _TOLERANCE)
        self._highs.setOptionValue("solver", "simplex")
        self._highs.setOptionValue("presolve", "off")
        self._highs.setOptionValue("threads", 1)
        self._highs.passModel(program)

    def minimum(self, composition: NDArray[np.float64]) -> tuple[float, NDArray[np.intp], NDArray[np.float64]]:
        """The energy, and what it is made of.

        Each composition is solved from the start, so that no answer depends on what was asked before.

        Args:
            composition: Atomic fractions, shape (n_elements,).

        Returns:
            Energy in eV/atom; positions of the entries, ascending; their amounts, which sum to 1.

        Raises:
            HullPrecisionError: Energy and proof are more than 1e-9 eV/atom apart.
        """
        from highspy import HighsBasisStatus, HighsModelStatus

        n_elements = len(composition)
        self._highs.clearSolver()
        self._highs.changeRowsBounds(n_elements, np.arange(n_elements, dtype=np.int32), composition, composition)
        self._highs.run()
        status = self._highs.getModelStatus()
        if status != HighsModelStatus.kOptimal:
            raise HullPrecisionError(f"HiGHS ended with {self._highs.modelStatusToString(status)} at {composition}")
        states = self._highs.getBasis().col_status
        basis = np.array([i for i, one in enumerate(states) if one == HighsBasisStatus.kBasic], dtype=np.intp)
        solved = np.linalg.lstsq(self._fractions[basis].T, composition, rcond=None)[0]
        amounts = np.asarray(solved, dtype=np.float64)
        energy = float(amounts @ self._energies[basis])
        potentials = np.asarray(self._highs.getSolution().row_dual) / self._scale
        violation = max(float((self._fractions @ potentials - self._energies).max()), 0.0)
        gap = abs(energy - float(potentials @ composition)) + violation
        remainder = float(np.abs(amounts @ self._fractions[basis] - composition).max())
        if gap > _LARGEST_GAP or remainder > _TOLERANCE or amounts.min() < -10 * _TOLERANCE:
            raise HullPrecisionError(
                f"the hull's energy at {composition} is {energy} eV/atom with a gap of {gap:.1e} eV/atom to its dual, "
                f"a remainder of {remainder:.1e} and a smallest amount of {amounts.min():.1e}; expected a gap below "
                f"{_LARGEST_GAP:.0e}"
            )
        return energy, basis, amounts
