"""Crystal challenges: from CIF files to a scored, searchable, open database."""

from __future__ import annotations

LAMCORE_API = 1
