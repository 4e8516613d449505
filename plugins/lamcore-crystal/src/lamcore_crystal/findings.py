"""What a check says of a structure: a code, how grave it is, a message and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "label"]


@dataclass(frozen=True)
class Finding:
    """One result of one check.

    Attributes:
        code: Such as `E_OVERLAP` or `W_SPARSE`; the table of all is `lamcore_crystal.codes`.
        severity: An error refuses the structure, a warning does not, a label only describes it.
        message: What was found and what was expected, with numbers and units.
        data: The numbers, as JSON values, each named with its unit.
    """

    code: str
    severity: Severity
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As kept in the database."""
        return {"code": self.code, "severity": self.severity, "message": self.message, "data": dict(self.data)}


def first_error(findings: Iterable[Finding]) -> Finding | None:
    """The finding that refuses a structure; None when nothing does."""
    return next((one for one in findings if one.severity == "error"), None)
