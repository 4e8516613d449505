"""Compute the reference energies of the dataset `small-torsions` with pyscf.

    python compute_small_torsions.py scan WORK [MOLECULE]   one JSON file a molecule; those that are there are kept
    python compute_small_torsions.py pack WORK small-torsions.extxyz

Geometries: the dihedral is held at 0, 15, ... 180 degrees, everything else is relaxed with PBE-D3(BJ)/def2-SVP, each
angle starting from its neighbour's geometry. Energies: single points with wB97X-D3(BJ)/def2-TZVPD.

None of the molecules is chiral, so that the mirror image of the geometry at an angle is the one at minus that angle,
with the same energy: the 24 angles from -165 to 180 degrees need 13 calculations, made from 180 down. Where the
geometry can follow two branches (the nitrogen of an amide turns pyramidal as it leaves the plane) the scan starts from
both planar ends and ends at 90.

Needs: pyscf, pyscf-dispersion, geometric, rdkit, ase.
"""

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import write
from ase.units import Hartree

GEOMETRY_METHOD, GEOMETRY_BASIS, GEOMETRY_GRID = "pbe", "def2-svp", 1
ENERGY_METHOD, ENERGY_BASIS, ENERGY_GRID = "wb97x-d3bj", "def2-tzvpd", 3
GEOMETRY_CONVERGENCE = {  # Hartree, Hartree/Bohr and Angstrom
    "convergence_energy": 2e-6,
    "convergence_grms": 4e-4,
    "convergence_gmax": 7e-4,
    "convergence_drms": 1.5e-2,
    "convergence_dmax": 2e-2,
}
# name: SMILES with the four atoms of the dihedral mapped 1 to 4, and whether the scan starts at both ends.
MOLECULES = {
    "hydrogen-peroxide": ("[H:1][O:2][O:3][H:4]", False),
    "methyl-formate": ("[O:1]=[CH:2][O:3][CH3:4]", False),
    "butane": ("[CH3:1][CH2:2][CH2:3][CH3:4]", False),
    "formamide": ("[O:1]=[CH:2][N:3]([H])[H:4]", True),
    "1,2-difluoroethane": ("[F:1][CH2:2][CH2:3][F:4]", False),
    "hydrogen-disulfide": ("[H:1][S:2][S:3][H:4]", False),
    "acrolein": ("[CH2:1]=[CH:2][CH:3]=[O:4]", False),
    "ethanol": ("[CH3:1][CH2:2][O:3][H:4]", False),
}
ANGLES_DEG = range(0, 181, 15)


def start(smiles: str) -> tuple[str, Atoms, list[int]]:
    """A geometry from RDKit's force field, without hydrogen mapping, and the four atoms of the dihedral."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles, parameters))
    mapped = {atom.GetAtomMapNum(): atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomMapNum()}
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    AllChem.MMFFOptimizeMolecule(molecule)
    atoms = Atoms([atom.GetSymbol() for atom in molecule.GetAtoms()], molecule.GetConformer().GetPositions())
    return Chem.MolToSmiles(Chem.RemoveHs(molecule)), atoms, [mapped[number] for number in (1, 2, 3, 4)]


def turn(atoms: Atoms, dihedral: list[int], angle_deg: float) -> Atoms:
    """The dihedral set, with all that hangs on its third atom turned along."""
    from ase.neighborlist import build_neighbor_list, natural_cutoffs

    bonds = build_neighbor_list(atoms, cutoffs=natural_cutoffs(atoms), self_interaction=False, bothways=True)
    _, b, c, _ = dihedral
    moving, front = {c}, [c]
    while front:
        for other in bonds.get_neighbors(front.pop())[0]:
            if other != b and other not in moving:
                moving.add(int(other))
                front.append(int(other))
    turned: Atoms = atoms.copy()
    turned.set_dihedral(*dihedral, angle_deg, indices=sorted(moving))
    return turned


def method(atoms: Atoms, xc: str, basis: str, grid: int) -> Any:
    """A density-fitted restricted Kohn-Sham calculation."""
    from pyscf import dft, gto

    molecule = gto.M(
        atom=list(zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)), basis=basis, verbose=0
    )
    calculation = dft.RKS(molecule, xc=xc).density_fit()
    calculation.grids.level = grid
    calculation.conv_tol = 1e-8
    return calculation


def relax(atoms: Atoms, dihedral: list[int]) -> Atoms:
    """All but the dihedral relaxed."""
    from pyscf.geomopt.geometric_solver import kernel

    calculation = method(atoms, GEOMETRY_METHOD, GEOMETRY_BASIS, GEOMETRY_GRID)
    calculation.disp = "d3bj"
    with TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("$freeze\ndihedral " + " ".join(str(index + 1) for index in dihedral) + "\n")
        converged, molecule = kernel(
            calculation, constraints=str(constraints), maxsteps=60, assert_convergence=True, **GEOMETRY_CONVERGENCE
        )
    if not converged:
        raise RuntimeError("the geometry did not converge")
    return Atoms(atoms.get_chemical_symbols(), molecule.atom_coords(unit="Angstrom"))


def energy_ev(atoms: Atoms) -> float:
    """The reference energy."""
    calculation = method(atoms, ENERGY_METHOD, ENERGY_BASIS, ENERGY_GRID)
    energy = calculation.kernel()
    if not calculation.converged:
        raise RuntimeError("the energy did not converge")
    return float(energy) * Hartree


def scan(smiles: str, both_ends: bool) -> dict[str, object]:
    """Geometry and energy at each angle."""
    plain, first, dihedral = start(smiles)
    downwards = sorted(ANGLES_DEG, reverse=True)
    ways = [[angle for angle in downwards if angle >= 90], [angle for angle in ANGLES_DEG if angle < 90]]
    best: dict[int, tuple[float, Atoms]] = {}
    for way in ways if both_ends else [downwards]:
        atoms = first
        for angle in way:
            atoms = relax(turn(atoms, dihedral, angle), dihedral)
            best[angle] = energy_ev(atoms), atoms
            print(f"  {angle:4d} {best[angle][0]:.6f} {atoms.get_dihedral(*dihedral):.4f}", flush=True)
    return {
        "smiles": plain,
        "symbols": first.get_chemical_symbols(),
        "dihedral": dihedral,
        "energies_ev": {str(angle): best[angle][0] for angle in sorted(best)},
        "positions_ang": {str(angle): best[angle][1].positions.tolist() for angle in sorted(best)},
        "versions": {name: version(name) for name in ("pyscf", "pyscf-dispersion", "geometric", "rdkit")},
    }


def pack(work: Path, target: Path) -> None:
    """All molecules as one extended XYZ, 24 angles each; negative angles are mirror images."""
    frames = []
    for name in MOLECULES:
        if not (work / f"{name}.json").is_file():
            print(f"{name}: not computed, left out")
            continue
        scanned = json.loads((work / f"{name}.json").read_text())
        for angle in range(-165, 181, 15):
            positions = np.array(scanned["positions_ang"][str(abs(angle))])
            positions -= positions.mean(axis=0)
            if angle < 0:
                positions[:, 0] *= -1
            atoms = Atoms(scanned["symbols"], positions)
            atoms.info = {
                "fragment": name,
                "smiles": scanned["smiles"],
                "charge": 0,
                "torsion_atoms": " ".join(map(str, scanned["dihedral"])),
                "torsion_angle": float(angle),
                "energy_wb97xd3bj": round(scanned["energies_ev"][str(abs(angle))], 7),
            }
            deviation = (atoms.get_dihedral(*scanned["dihedral"]) - angle + 180) % 360 - 180
            if abs(deviation) > 0.01:
                raise RuntimeError(f"{name}: the dihedral is {deviation:.4f} degrees away from {angle}")
            frames.append(atoms)
    write(target, frames, format="extxyz")


def main() -> None:
    """Scan every molecule that has no result yet, or pack the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("scan", "pack"))
    parser.add_argument("work", type=Path)
    parser.add_argument("target", nargs="?", help="the one molecule to scan, or the file to write")
    arguments = parser.parse_args()
    if arguments.action == "pack":
        pack(arguments.work, Path(arguments.target or "small-torsions.extxyz"))
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name, (smiles, both_ends) in MOLECULES.items():
        target = arguments.work / f"{name}.json"
        if target.is_file() or arguments.target not in (None, name):
            continue
        print(name, flush=True)
        begin = time.process_time()
        scanned = scan(smiles, both_ends)
        target.write_text(json.dumps(scanned | {"cpu_seconds": round(time.process_time() - begin)}))


if __name__ == "__main__":
    main()
