"""Small CIFs for tests, made of their parts."""

from __future__ import annotations

CELL = {"a": "5.64", "b": "5.64", "c": "5.64", "alpha": "90", "beta": "90", "gamma": "90"}
SALT = [
    ("Na", "0 0 0"), ("Na", "0 0.5 0.5"), ("Na", "0.5 0 0.5"), ("Na", "0.5 0.5 0"),
    ("Cl", "0.5 0 0"), ("Cl", "0.5 0.5 0.5"), ("Cl", "0 0 0.5"), ("Cl", "0 0.5 0"),
]  # fmt: skip


def cif(sites=SALT, name="salt", extra="", **cell) -> bytes:
    """A CIF in P1; sites are (symbol, coordinates) with an optional occupancy after the coordinates."""
    lengths = CELL | cell
    lines = [f"data_{name}"]
    lines += [f"_cell_length_{key} {lengths[key]}" for key in "abc"]
    lines += [f"_cell_angle_{key} {lengths[key]}" for key in ("alpha", "beta", "gamma")]
    lines += [extra, "loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += [f"_atom_site_fract_{axis}" for axis in "xyz"] + ["_atom_site_occupancy"]
    for number, (symbol, place) in enumerate(sites):
        words = place.split()
        lines.append(f"{symbol}{number} {symbol} {' '.join(words[:3])} {words[3] if len(words) > 3 else '1'}")
    return ("\n".join(lines) + "\n").encode()
