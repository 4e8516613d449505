"""The molecule behind a fragment's coordinates: its bonds, the kind of bond that is turned, and a drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rdkit import Chem, rdBase
from rdkit.Chem import AllChem, rdDetermineBonds
from rdkit.Chem.Draw import rdMolDraw2D

if TYPE_CHECKING:
    from ase import Atoms

_BOND_COLOUR = (0.98, 0.62, 0.28)
_NAMES = {
    ("C(=O)", "N"): "amide",
    ("C(=O)", "N(ar)"): "amide",
    ("C(=O)", "O"): "ester or acid",
    ("N", "S(O2)"): "sulfonamide",
    ("C(ar)", "C(ar)"): "biaryl",
    ("C(ar)", "N(ar)"): "biaryl",
    ("S", "S"): "disulfide",
    ("O", "O"): "peroxide",
}
"""What chemists call bonds between such atoms."""


def perceive(atoms: Atoms, smiles: str | None, charge: int = 0) -> Chem.Mol:
    """A molecule whose atoms are those of the structure, in the same order.

    Connected by distances; bond orders from the SMILES where there is one, else from valences and charge.

    Args:
        atoms: One molecule, hydrogens included.
        smiles: Of the molecule, in any order of atoms; None if unknown.
        charge: Total charge.

    Raises:
        ValueError: The structure is not the molecule of the SMILES, or bond orders cannot be told.
    """
    with _quiet():
        try:
            molecule = _connected(atoms)
            if smiles is None:
                rdDetermineBonds.DetermineBondOrders(molecule, charge=charge)
                return molecule
            template = Chem.MolFromSmiles(smiles)
            if template is None:
                raise ValueError(f"{smiles!r} is not a SMILES")
            ordered: Chem.Mol = AllChem.AssignBondOrdersFromTemplate(Chem.AddHs(template), molecule)
            Chem.SanitizeMol(ordered)
            return ordered
        except RuntimeError as error:  # what the C++ side of RDKit raises
            raise ValueError(f"{atoms.get_chemical_formula()}: {error}") from error


def bonds(atoms: Atoms) -> list[tuple[int, int]]:
    """Pairs of bonded atoms, by distances alone."""
    with _quiet():
        return [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in _connected(atoms).GetBonds()]


def bond_kind(molecule: Chem.Mol, dihedral: Sequence[int]) -> str:
    """What sort of bond the middle atoms of a dihedral make, such as `C(=O)–N (amide)`.

    `ar` is aromatic, `=O` carbonyl or thiocarbonyl, `O2` sulfonyl; of carbon the hybridisation is named.
    """
    pair = tuple(sorted(_atom_kind(molecule.GetAtomWithIdx(int(index))) for index in dihedral[1:3]))
    name = _NAMES.get((pair[0], pair[1]))
    return "–".join(pair) + (f" ({name})" if name else "")


def drawing_svg(molecule: Chem.Mol, dihedral: Sequence[int], width: int = 260, height: int = 190) -> str:
    """The molecule as an SVG, drawn flat without its hydrogens, the bond that is turned in colour.

    Hydrogens stay where the dihedral needs them.
    """
    flat = Chem.Mol(molecule)
    for index in dihedral:
        flat.GetAtomWithIdx(int(index)).SetIntProp("dihedral", 1)
    kept = [int(i) for i in dihedral if flat.GetAtomWithIdx(int(i)).GetAtomicNum() == 1]
    flat.RemoveAllConformers()
    for index in kept:
        flat.GetAtomWithIdx(index).SetIsotope(99)  # an isotope is not removed with the other hydrogens
    middle = [int(i) for i in dihedral[1:3]]
    for number, index in enumerate(middle):
        flat.GetAtomWithIdx(index).SetIntProp("middle", number)
    with _quiet():
        flat = Chem.RemoveHs(flat, sanitize=False)
    for atom in flat.GetAtoms():
        if atom.GetIsotope() == 99:
            atom.SetIsotope(0)
    four = [atom.GetIdx() for atom in flat.GetAtoms() if atom.HasProp("dihedral")]
    ends = [atom.GetIdx() for atom in flat.GetAtoms() if atom.HasProp("middle")]
    turned = flat.GetBondBetweenAtoms(*ends)
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options = drawer.drawOptions()
    options.clearBackground = False  # type: ignore[assignment] # the stubs of RDKit have the wrong type
    options.addStereoAnnotation = False  # type: ignore[assignment] # as above
    rdMolDraw2D.PrepareAndDrawMolecule(
        drawer,
        flat,
        highlightAtoms=four,
        highlightBonds=[] if turned is None else [turned.GetIdx()],
        highlightAtomColors=dict.fromkeys(four, (0.99, 0.88, 0.72)),
        highlightBondColors={} if turned is None else {turned.GetIdx(): _BOND_COLOUR},
        kekulize=True,
    )
    drawer.FinishDrawing()
    svg: str = drawer.GetDrawingText()
    return svg[svg.index("<svg") :]


def _atom_kind(atom: Chem.Atom) -> str:
    symbol: str = atom.GetSymbol()
    if atom.GetIsAromatic():
        return f"{symbol}(ar)"
    doubly = [
        bond.GetOtherAtom(atom).GetSymbol() for bond in atom.GetBonds() if bond.GetBondType() == Chem.BondType.DOUBLE
    ]
    if symbol == "C" and {"O", "S"} & set(doubly):
        return "C(=O)"
    if symbol == "S" and doubly.count("O") == 2:
        return "S(O2)"
    if symbol == "C":
        return f"C({str(atom.GetHybridization()).lower()})"
    return symbol


def _connected(atoms: Atoms) -> Chem.Mol:
    """The atoms with a single bond wherever two are close enough."""
    places = zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)
    lines = [f"{symbol} {x:.6f} {y:.6f} {z:.6f}" for symbol, (x, y, z) in places]
    molecule = Chem.MolFromXYZBlock("\n".join([str(len(atoms)), "", *lines]))
    if molecule is None:
        raise ValueError(f"{atoms.get_chemical_formula()}: RDKit does not take these atoms")
    rdDetermineBonds.DetermineConnectivity(molecule, useVdw=True)
    return molecule


@contextmanager
def _quiet() -> Iterator[None]:
    """RDKit prints to the terminal what it also raises."""
    with rdBase.BlockLogs():
        yield
