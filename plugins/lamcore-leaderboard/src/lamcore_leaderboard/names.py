"""Names for files, anchors and addresses."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 60


class Slugs:
    """Makes names that are safe in file names and addresses, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, text: str) -> str:
        """A slug of a text; a number is put after it where another text has led to it already."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "x"
        slug, number = stem, 1
        while slug in self._taken:
            number += 1
            slug = f"{stem}-{number}"
        self._taken.add(slug)
        return slug
