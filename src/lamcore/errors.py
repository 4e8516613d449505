"""The errors that end a run or a case.

Messages say what went wrong, where, what was got, what was expected, and what to do next.
"""

from __future__ import annotations

from typing import Any


class LamcoreError(Exception):
    """Something that the user can mend; the command line prints its message without a traceback."""


class ConfigError(LamcoreError):
    """A name, option or value in the configuration is not right."""


class UnknownNameError(ConfigError, LookupError):
    """A model, task, dataset, option or value that does not exist."""


class PluginError(LamcoreError):
    """A plugin that could not be used."""


class DataError(LamcoreError):
    """A file of a dataset is missing, damaged or not what its card says."""


class RunFolderError(LamcoreError):
    """The folder of a run cannot be used: held by another process, not writable, full, or damaged."""


class CaseError(LamcoreError):
    """Something that fails one case and leaves its neighbours alone.

    Attributes:
        structure: The structure at fault (an `ase.Atoms`), kept with the record of the failure, if there is one.
    """

    def __init__(self, message: str, structure: Any = None) -> None:
        super().__init__(message)
        self.structure = structure


class UnsupportedStructureError(CaseError, ValueError):
    """The model does not cover this structure: its elements, its charge, or its boundary conditions."""


class MissingPropertyError(CaseError, LookupError):
    """The model does not give the property that was asked for."""


class BadPredictionError(CaseError, ValueError):
    """The model gave a value that is not finite or not of the agreed shape."""


class NotFiniteError(BadPredictionError):
    """The model gave a value that is not a finite number."""


class EvaluationError(CaseError, RuntimeError):
    """The model raised while it computed this structure."""


class BadOutputError(CaseError, ValueError):
    """A task gave an output that cannot be stored: not finite, or neither JSON values nor NumPy arrays."""


class ConstraintError(CaseError, ValueError):
    """The structure carries a constraint that this calculation cannot keep."""


class SymmetryError(CaseError, ValueError):
    """The space group of the structure could not be found or kept."""


class RelaxationExplodedError(CaseError, ArithmeticError):
    """A relaxation met values that are not finite, or forces beyond any physical meaning."""


class DynamicsExplodedError(CaseError, ArithmeticError):
    """Molecular dynamics met values that are not finite, or forces beyond any physical meaning."""


class DynamicsNotFiniteError(DynamicsExplodedError, NotFiniteError):
    """Molecular dynamics met a value that is not a finite number."""


class MixedProtocolsError(LamcoreError, ValueError):
    """Runs that were made in different ways would be compared as if they had been made in one."""
