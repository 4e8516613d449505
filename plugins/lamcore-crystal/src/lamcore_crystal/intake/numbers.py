"""Numbers as CIF writes them."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\(\d*\))?")
_LONGEST = 64
MISSING = ("?", ".")


def cif_number(text: str) -> float | None:
    """The number without its standard uncertainty, `1.234(5)`; None where it is none or not finite."""
    if len(text) > _LONGEST:
        return None
    match = _NUMBER.fullmatch(text)
    if not match:
        return None
    value = float(match[1])
    return value if math.isfinite(value) else None
