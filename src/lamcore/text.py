"""Numbers as people read them."""

from __future__ import annotations

import math

_DIGITS = 4


def format_number(value: float | None) -> str:
    """Four significant digits; a dash where there is no number."""
    if value is None:
        return "–"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}" if decimals <= 6 else f"{value:.{_DIGITS - 1}e}"


def format_interval(interval: tuple[float, float] | None) -> str:
    """`low … high`; a dash where there is none."""
    return "–" if interval is None else f"{format_number(interval[0])} … {format_number(interval[1])}"


def format_seconds(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
