"""Energies above hull of another method, read from a table of formulas."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from ase.data import atomic_numbers

from lamcore.errors import ConfigError

FORMULA_COLUMNS = ("formula", "formula_pretty", "reduced_formula", "composition")
ENERGY_COLUMNS = ("energy_above_hull", "e_above_hull", "e_hull", "e_above_hull_recomputed")
_LARGEST_DENOMINATOR = 1000
_OPENERS: Mapping[str, Callable[..., IO[Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read_hull_distances(path: Path) -> dict[str, float]:
    """The lowest energy above hull of each formula.

    Args:
        path: A CSV file, plain or compressed (.gz, .bz2, .xz), with a column of formulas and one of energies above hull
            in eV/atom.

    Returns:
        eV/atom by reduced formula, elements alphabetical.

    Raises:
        ConfigError: The file cannot be read, holds no such columns, or a row is not a formula and a number.
    """
    lowest: dict[str, float] = {}
    try:
        opener = _OPENERS.get(path.suffix, open)
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            for where, written, energy in _rows(csv.reader(stream, strict=True), path):
                formula = _reduced(written, where)
                lowest[formula] = min(energy, lowest.get(formula, math.inf))
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"{path}: cannot be read ({' '.join(str(error).split())}); expected a CSV file in UTF-8, plain "
            "or .gz, .bz2, .xz"
        ) from error
    if not lowest:
        raise ConfigError(
            f"{path}: holds no rows below its header, expected a formula and an energy above hull in each"
        )
    return lowest


def _rows(rows: Iterator[list[str]], path: Path) -> Iterator[tuple[str, str, float]]:
    header = [name.strip().lower() for name in next(rows, [])]
    formula = _column(header, FORMULA_COLUMNS, path)
    energy = _column(header, ENERGY_COLUMNS, path)
    for number, row in enumerate(rows, start=2):
        where = f"{path}, row {number}"
        if not row:
            continue
        if len(row) != len(header):
            raise ConfigError(f"{where}: has {len(row)} fields, expected {len(header)} as in the header")
        try:
            value = float(row[energy])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ConfigError(
                f"{where}: {row[energy]!r} in column {header[energy]!r}, expected a finite number in eV/atom; leave "
                "the row out where there is none"
            )
        yield where, row[formula], value


def _column(header: list[str], names: tuple[str, ...], path: Path) -> int:
    found = [header.index(name) for name in names if name in header]
    if not found:
        raise ConfigError(
            f"{path}: its columns are {', '.join(map(repr, header)) or 'none'}; expected one named {' or '.join(names)}"
        )
    return found[0]


def _reduced(written: str, where: str) -> str:
    from pymatgen.core.composition import Composition

    try:
        amounts = Composition(written.strip()).get_el_amt_dict()
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{where}: {written!r} is not a formula ({error}); expected one such as Fe2O3") from error
    if not amounts or any(symbol not in atomic_numbers or symbol == "X" for symbol in amounts):
        raise ConfigError(f"{where}: {written!r} is not a formula of elements; expected one such as Fe2O3")
    shares = {symbol: Fraction(n).limit_denominator(_LARGEST_DENOMINATOR) for symbol, n in sorted(amounts.items())}
    unit = Fraction(
        math.gcd(*(share.numerator for share in shares.values())),
        math.lcm(*(one.denominator for one in shares.values())),
    )
    counts = {symbol: round(share / unit) for symbol, share in shares.items()}
    return "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in counts.items())
