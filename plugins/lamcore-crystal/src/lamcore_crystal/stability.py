"""What counts as stable: one pair of limits for counts, leaderboards, comparisons, figures and pages."""

from __future__ import annotations

STABLE_WITHIN = 1e-4
"""Largest energy above hull of what is stable, eV/atom.

Two relaxations of one crystal that end at forces f differ by about f²/2k: 1e-4 eV for f = 0.02 eV/Å and a soft mode of
k = 2 eV/Å². A limit of 0 would count a crystal that is on the hull, submitted once more, as stable or not by chance.
"""
METASTABLE_WITHIN = 0.1
"""Largest energy above hull of what is metastable, eV/atom; what is stable is metastable too.

Source: the limit of C. Zeni et al., Nature 639, 624 (2025), doi:10.1038/s41586-025-08628-5.
"""
