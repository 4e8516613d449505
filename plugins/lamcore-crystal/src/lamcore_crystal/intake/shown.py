"""Foreign text made safe to show: in messages, in logs and in terminals. It is never a path."""

from __future__ import annotations

import unicodedata

# Control, format (which holds the bidirectional overrides), surrogate, private and unassigned; line and paragraph ends.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def shown(text: str, longest: int = 80) -> str:
    """The text in one visible line of at most so many characters; what cannot be seen is escaped as in Python."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(_escaped(one) if unicodedata.category(one) in _HIDDEN else one for one in cut)


def shown_name(name: str) -> str:
    """The name of a file or block, for display."""
    return shown(name, 255)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
