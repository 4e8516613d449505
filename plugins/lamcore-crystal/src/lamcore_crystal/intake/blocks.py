"""A CIF document as data blocks, and what the items of a block say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.intake.numbers import MISSING, cif_number
from lamcore_crystal.intake.shown import shown
from lamcore_crystal.intake.text import as_ascii

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTHS = tuple(f"_cell_length_{axis}" for axis in "abc")
_ANGLES = tuple(f"_cell_angle_{name}" for name in ("alpha", "beta", "gamma"))
_FRACTIONAL = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
_LARGEST_COORDINATE = 1000.0
_LONGEST_LENGTH_ANG = 1e4
_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_MAGNETIC_OPERATIONS = ("_space_group_symop_magn_operation.xyz", "_space_group_symop_magn_operation_xyz")
_MAGNETIC_CENTERINGS = ("_space_group_symop_magn_centering.xyz", "_space_group_symop_magn_centering_xyz")
# 192 of the largest space group, each with and without time reversal, in a cell of some more centerings.
_MOST_MAGNETIC_OPERATIONS = 10_000
_SYMBOLS = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M")
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_TABLES = ("_space_group_IT_number", "_symmetry_Int_Tables_number")


class RefusedError(ValueError):
    """The block is refused; carries the finding."""

    def __init__(self, refusal: Finding) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def refuse(code: str, message: str, **data: Any) -> RefusedError:
    """The exception that refuses a block with this code."""
    return RefusedError(finding(code, message, **data))


@dataclass(frozen=True)
class Sites:
    """The sites as listed, before symmetry.

    Attributes:
        labels: Shown text, one a site.
        symbols: Of `_atom_site_type_symbol`; None where the file has none and the label tells the element.
        fractional: Shape (n_sites, 3), not wrapped.
        occupancies: Shape (n_sites,).
    """

    labels: tuple[str, ...]
    symbols: tuple[str, ...] | None
    fractional: NDArray[np.float64]
    occupancies: NDArray[np.float64]


def read_blocks(text: str) -> list[Any]:
    """The `gemmi.cif.Block`s of a document.

    Raises:
        RefusedError: The text breaks the grammar (E_SYNTAX), or an item is there twice in a block.
    """
    from gemmi import cif

    try:
        # Level 0 leaves duplicate names of blocks to the caller: two blocks are told from one by their number.
        document = cif.read_string(as_ascii(text), 0)
    except (ValueError, RuntimeError) as error:
        raise refuse("E_SYNTAX", _where(error)) from error
    blocks = list(document)
    for block in blocks:
        alone = cif.Document()
        alone.add_copied_block(block)
        try:
            alone.check_for_duplicates()
        except (ValueError, RuntimeError) as error:
            raise refuse("E_SYNTAX", _where(error)) from error
    return blocks


def _where(error: Exception) -> str:
    return "gemmi: " + shown(str(error).removeprefix("data:"), 300)


def has_atoms(block: Any) -> bool:
    """Whether the block lists sites; a row of placeholders is none."""
    tags = ("_atom_site_label", "_atom_site_type_symbol")
    return any(one not in MISSING for tag in tags for one in block.find_values(tag))


def cell_parameters(block: Any) -> tuple[float, ...]:
    """a, b, c in Å and α, β, γ in °.

    Raises:
        RefusedError: One is missing (E_NO_CELL), no number (E_BAD_NUMBER), or the six make no cell (E_LATTICE).
    """
    missing = [tag for tag in _LENGTHS + _ANGLES if _value(block, tag) is None]
    if missing:
        raise refuse("E_NO_CELL", f"there is no value of {', '.join(missing)}, expected six cell parameters")
    values = tuple(_number(tag, _value(block, tag) or "") for tag in _LENGTHS + _ANGLES)
    for tag, length in zip(_LENGTHS, values[:3], strict=True):
        if not 0 < length <= _LONGEST_LENGTH_ANG:
            raise refuse(
                "E_LATTICE", f"{tag} is {length:g} Å, expected 0 to {_LONGEST_LENGTH_ANG:g} Å", length_ang=length
            )
    for tag, angle in zip(_ANGLES, values[3:], strict=True):
        if not 0 < angle < 180:
            raise refuse("E_LATTICE", f"{tag} is {angle:g}°, expected more than 0° and less than 180°", angle_deg=angle)
    cosines = np.cos(np.radians(values[3:]))
    # The Gram determinant of unit vectors at these angles, which is not positive for impossible ones.
    gram = float(1 - np.sum(cosines**2) + 2 * np.prod(cosines))
    if gram <= 1e-10:
        angles = ", ".join(f"{angle:g}°" for angle in values[3:])
        raise refuse("E_LATTICE", f"no cell of a volume above zero has the angles {angles}", gram_determinant=gram)
    return values


def listed_sites(block: Any) -> Sites:
    """The sites as listed.

    Raises:
        RefusedError: There are none (E_NO_ATOMS), without fractional coordinates (E_NO_FRACT), or a coordinate or an
            occupancy is no number (E_BAD_NUMBER).
    """
    labels = _column(block, "_atom_site_label")
    symbols = _column(block, "_atom_site_type_symbol")
    n_sites = len(labels) or len(symbols)
    if not n_sites:
        raise refuse("E_NO_ATOMS", "there is no site with _atom_site_label or _atom_site_type_symbol")
    labels = labels or symbols
    columns = [_column(block, tag) for tag in _FRACTIONAL]
    if any(len(column) != n_sites for column in columns) or all(one in MISSING for column in columns for one in column):
        raise refuse(
            "E_NO_FRACT", f"{n_sites} sites have no _atom_site_fract_x, _y and _z; Cartesian ones are not read"
        )
    coordinates = np.empty((n_sites, 3))
    for axis, column in enumerate(columns):
        for site, text in enumerate(column):
            coordinates[site, axis] = _number(f"{_FRACTIONAL[axis]} of site {shown(labels[site], 20)}", text)
    if np.abs(coordinates).max() > _LARGEST_COORDINATE:
        largest = float(np.abs(coordinates).max())
        raise refuse(
            "E_BAD_NUMBER", f"a fractional coordinate is {largest:g}, expected less than {_LARGEST_COORDINATE:g}"
        )
    given = _column(block, "_atom_site_occupancy")
    occupancies = np.ones(n_sites)
    for site, text in enumerate(given):
        if text not in MISSING:
            occupancies[site] = _number(f"_atom_site_occupancy of site {shown(labels[site], 20)}", text)
    if symbols and len(symbols) == n_sites and not all(one in MISSING for one in symbols):
        return Sites(tuple(labels), tuple(symbols), coordinates, occupancies)
    return Sites(tuple(labels), None, coordinates, occupancies)


def operations(block: Any, parameters: tuple[float, ...]) -> tuple[list[Any], bool]:
    """The symmetry operations as `gemmi.Op`, the identity alone where none are given; and whether they are magnetic.

    A symbol that leaves the setting open means the first origin, as for pymatgen, and for a rhombohedral group the
    axes of the cell.
    Operations stand above the Hall symbol, that above the Hermann–Mauguin symbol, and the number alone counts last.

    Raises:
        RefusedError: An operation or a symbol cannot be read (E_SYMOP).
    """
    import gemmi

    for tag in _OPERATIONS:
        if texts := [one for one in _column(block, tag) if one not in MISSING]:
            return [_operation(one) for one in texts], False
    for tag in _MAGNETIC_OPERATIONS:
        if texts := [one for one in _column(block, tag) if one not in MISSING]:
            proper = [_operation(_without_time(one)) for one in texts]
            centerings = next((found for name in _MAGNETIC_CENTERINGS if (found := _column(block, name))), ["x,y,z"])
            shifts = [_operation(_without_time(one)) for one in centerings]
            if len(proper) * len(shifts) > _MOST_MAGNETIC_OPERATIONS:
                message = f"{len(proper)} magnetic operations and {len(shifts)} centerings are more than any group has"
                raise refuse("E_SYMOP", message)
            unique = {(shift * one).wrap().triplet(): (shift * one).wrap() for shift in shifts for one in proper}
            return list(unique.values()), True
    for tag in _HALL:
        if (name := _value(block, tag)) is not None and (found := _of_hall(name)):
            return found, False
    for tag in _SYMBOLS:
        if (name := _value(block, tag)) is not None and (group := _named(name, parameters)) is not None:
            return list(group.operations()), False
    for tag in _TABLES:
        if (text := _value(block, tag)) is not None:
            number = cif_number(text)
            if number is None or not 1 <= number <= 230 or number % 1:
                raise refuse("E_SYMOP", f"{tag} is {shown(text, 20)!r}, expected a number from 1 to 230")
            reference = gemmi.get_spacegroup_reference_setting(int(number))
            return list((_named(reference.hm, parameters) or reference).operations()), False
    for tag in _SYMBOLS:
        if (name := _value(block, tag)) is not None:
            raise refuse("E_SYMOP", f"there are no operations, and {tag} {shown(name, 40)!r} is no known space group")
    return [gemmi.Op()], False


def stated(block: Any, tag: str) -> str | None:
    """The value of an item; None where there is none."""
    return _value(block, tag)


def _named(name: str, parameters: tuple[float, ...]) -> Any:
    """The space group of a Hermann–Mauguin symbol for this cell; None where there is none."""
    import gemmi

    return gemmi.find_spacegroup_by_name(name, parameters[3], parameters[5], "1")


def _of_hall(name: str) -> list[Any]:
    """The operations of a Hall symbol; none where it is no Hall symbol, and the other items are asked."""
    import gemmi

    try:
        return list(gemmi.symops_from_hall(name))
    except (ValueError, RuntimeError):
        return []


def _operation(text: str) -> Any:
    import gemmi

    try:
        operation = gemmi.Op(text)
        determinant = operation.det_rot()
    except (ValueError, RuntimeError) as error:
        raise refuse(
            "E_SYMOP", f"the symmetry operation {shown(text, 60)!r} cannot be read: {shown(str(error))}"
        ) from error
    if abs(determinant) != operation.DEN**3:
        raise refuse("E_SYMOP", f"the symmetry operation {shown(text, 60)!r} does not keep volumes")
    return operation


def _without_time(text: str) -> str:
    return ",".join(text.split(",")[:3])


def _value(block: Any, tag: str) -> str | None:
    from gemmi import cif

    raw = block.find_value(tag)
    if raw is None:
        column = block.find_loop(tag)
        raw = column[0] if len(column) == 1 else None
    if raw is None or raw in MISSING:
        return None
    text: str = cif.as_string(raw).strip()
    return text if text else None


def _column(block: Any, tag: str) -> list[str]:
    from gemmi import cif

    return [cif.as_string(one).strip() if one not in MISSING else one for one in block.find_values(tag)]


def _number(what: str, text: str) -> float:
    value = cif_number(text)
    if value is None:
        raise refuse("E_BAD_NUMBER", f"{what} is {shown(text, 40)!r}, expected a finite number", text=shown(text, 40))
    return value
