"""Predictions from which no trajectory can go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamcore._optimizers import longest_row

if TYPE_CHECKING:
    from lamcore.model import Prediction


def what_exploded(prediction: Prediction, force_limit: float) -> str | None:
    """What in a prediction is not finite or beyond the limit on forces (eV/Å); None if nothing is."""
    for name, value in (("energy", prediction.energy), ("forces", prediction.forces), ("stress", prediction.stress)):
        if value is not None and not np.isfinite(value).all():
            n_bad = int(np.size(value) - np.isfinite(value).sum())
            return f"{name} is not finite ({n_bad} of {np.size(value)} values)"
    longest = longest_row(prediction.forces)
    if longest > force_limit:
        return f"a force is {longest:.4g} eV/Å long, expected at most {force_limit:.4g} eV/Å"
    return None
