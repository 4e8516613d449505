"""Every code that a check, a relaxation or the scoring gives, with what it means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lamcore_crystal.findings import Finding, Severity


@dataclass(frozen=True)
class Code:
    """One code.

    Attributes:
        name: Such as `E_OVERLAP`: `E_` refuses, `W_` warns, `L_` only describes.
        severity: As its prefix says.
        meaning: What was found, in one sentence.
        advice: What the submitter does next.
    """

    name: str
    severity: Severity
    meaning: str
    advice: str


_SEVERITIES: Mapping[str, Severity] = {"E": "error", "W": "warning", "L": "label"}

_TABLE = (
    # The submission and its files
    ("E_MEMBER", "A link, a device, an encrypted or damaged member, or a name that leaves the archive.",
     "Pack plain files with relative names, without a password, and submit again."),
    ("E_TOO_LARGE", "The file is larger than the round allows.",
     "Submit one structure a file, without reflections; or one single file of many blocks."),
    ("E_BOMB", "The member unpacks to very much more than it is packed in.",
     "Submit the unpacked file, or pack it with an ordinary tool."),
    ("E_READ", "The file could not be read from the disk.", "Check its permissions and submit again."),
    # Bytes and syntax
    ("E_EMPTY", "The file holds nothing.", "Export the structure again."),
    ("E_FORMAT", "The file is not a CIF: by its name, or since it is compressed, binary, or another text format.",
     "Unpack or convert it to CIF; leave files that are no structures out of the submission."),
    ("E_ENCODING", "The text is UTF-16 or UTF-32.", "Save the file as UTF-8."),
    ("W_ENCODING", "The text is not UTF-8 and was read as Latin-1.", "Save the file as UTF-8."),
    ("E_SYNTAX", "The file breaks the grammar of CIF.", "Mend the line that the message names."),
    ("E_MULTI_BLOCK", "More than one data block holds a structure.",
     "Submit one block a file, or the whole file with split_blocks."),
    ("E_TIMEOUT", "Reading and checking took longer than the round allows.",
     "Leave everything but cell, symmetry and atoms out of the file."),
    ("E_MEMORY", "Reading and checking needed more memory than the round allows.",
     "Leave everything but cell, symmetry and atoms out of the file."),
    ("E_CRASH", "A parser crashed on the file.", "Write the structure with another program and submit that."),
    # What the CIF says
    ("E_NO_CELL", "A length or an angle of the cell is missing.", "Give the six _cell_length_ and _cell_angle_ items."),
    ("E_BAD_NUMBER", "A number is not one, is not finite, or is beyond any use.",
     "Write numbers as 1.234 or 1.234e-2, with a point and without units."),
    ("E_LATTICE", "The cell is impossible, flat, too small or too long.",
     "Check lengths and angles; slabs and molecules in a vacuum are not crystals."),
    ("W_VOLUME", "The stated cell volume is not that of the cell.", "Check lengths and angles."),
    ("E_NO_ATOMS", "There are no atoms.", "Give an _atom_site_ loop."),
    ("E_NO_FRACT", "Atoms have no fractional coordinates.", "Give _atom_site_fract_x, _y and _z."),
    ("E_SPECIES", "A site is not of a real element.", "Give the element's symbol in _atom_site_type_symbol."),
    ("W_ISOTOPE_TO_H", "Deuterium or tritium was taken for hydrogen.", "Nothing, when that is meant."),
    ("W_MAGNETIC", "Magnetic moments are left out; each time reversal counts as the identity.",
     "Nothing, when the atoms alone are meant."),
    ("E_SYMOP", "A symmetry operation cannot be read or is none.", "Write operations as 'x, y+1/2, -z'."),
    ("E_OCCUPANCY", "A site holds more than one atom, or less than none.",
     "Give each site once, with the occupancy of an ordered crystal."),
    ("W_OCC_SNAPPED", "An occupancy close to 1 was taken for 1.", "Nothing, when the site is full."),
    ("W_OCC_ZERO_DROPPED", "Sites of occupancy 0 were left out.", "Nothing, when they are empty."),
    ("E_DISORDER", "Sites are partly occupied or mixed.", "Submit an ordered approximant."),
    ("E_NATOMS", "The cell has more atoms than the round allows.", "Submit the primitive cell, or a smaller crystal."),
    ("E_STOICH", "Elements of the stated formula have no sites; most often hydrogens that were not located.",
     "Give all atoms, or mend the formula."),
    ("W_FORMULA", "The stated formula is not that of the sites.", "Check which of the two is meant."),
    ("E_PARSERS_DISAGREE", "Two independent readers see different structures in the file.",
     "Write the structure in P1, each atom once, with six or more decimals."),
    # Rules on the structure
    ("E_ELEMENT_UNSUPPORTED", "The model of the round does not know an element.", "Leave such structures out."),
    ("E_OVERLAP", "Two atoms, or an atom and its own image, are too close.",
     "Check the cell, the units, and that no atom is listed twice."),
    ("E_VOLUME_PER_ATOM", "The volume per atom is outside what crystals have.", "Check cell, units and missing atoms."),
    ("W_SPARSE", "The volume per atom is larger than that of most crystals.", "Check that no atoms are missing."),
    ("E_DENSITY", "The mass density is above that of any known crystal.", "Check the cell and its units."),
    ("W_SYMMETRY", "No symmetry could be found; the crystal is kept as P1.", "Nothing, when it has none."),
    ("E_RULE", "A rule failed on the structure.", "Report it to the author of the rule, with the file."),
    ("L_ABSENT", "A label could not be determined.", "Nothing: labels refuse no structure."),
    # Relaxation and score
    ("E_UNSUPPORTED", "The model refuses the structure.", "Leave such structures out."),
    ("E_UNCONVERGED", "The relaxation did not end within the steps of the round.",
     "Relax the structure before you submit it."),
    ("E_EXPLODED", "The relaxation left what is physical.", "Relax the structure before you submit it."),
    ("E_NOT_FINITE", "The model gave a value that is not a finite number.",
     "Relax the structure before you submit it."),
    ("E_MODEL", "The model failed on the structure.",
     "Report it to the organiser, who can try again with `evaluate --retry-failed`."),
    ("E_STRESS", "A component of the stress is too large after the relaxation.",
     "Relax the cell too before you submit the structure."),
    ("E_VOLUME_CHANGE", "The volume changed beyond the limits of the round.",
     "Relax the structure before you submit it."),
    ("E_FORMATION_ENERGY", "The formation energy is not believed.",
     "Check the structure: the model was most likely never shown anything like it."),
    ("E_NO_REFERENCE", "The hull has no terminal for an element.", "Ask the organiser to add a reference crystal."),
)  # fmt: skip

CODES: Mapping[str, Code] = MappingProxyType(
    {name: Code(name, _SEVERITIES[name[0]], meaning, advice) for name, meaning, advice in _TABLE}
)


def finding(code: str, message: str, **data: Any) -> Finding:
    """A finding with the severity of its code.

    Args:
        code: A name in `CODES`.
        message: What was found and expected, with numbers and units.
        data: The same numbers, as JSON values, each named with its unit.

    Raises:
        KeyError: The code is not in the table.
    """
    return Finding(code, CODES[code].severity, message, data)
