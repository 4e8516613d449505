"""Makes `relabellings.json`: how a change of origin or axes renames the Wyckoff positions of each space group.

Run as `python -m lamcore_crystal.symmetry.make_table FILE`. For each group a crystal is built that occupies every
Wyckoff position with an element of its own, once for each metric that the crystal system admits; moyo acts on it with
the Euclidean normalizer of that metric. Together these generate what the affine normalizer does to the letters, which
no accident of the lattice parameters can exceed.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Two parameters that stand in no simple ratio to each other or to 1.
_X, _Y, _Z = 0.0837, 0.2191, 0.3671
_GENERAL = np.array([[0.0713, 0.1937, 0.4129], [0.1571, 0.3463, 0.0319]])
_TOLERANCE = 1e-8
_AT_ONCE = 60


def metrics(number: int) -> list[tuple[float, ...]]:
    """Cell parameters in Å and ° that the group admits, one generic and those of higher symmetry."""
    right = (90.0, 90.0, 90.0)
    if number <= 2:
        return [
            (6.1, 7.3, 8.9, 81.0, 77.0, 73.0),
            (7.0, 7.0, 7.0, *right),
            (7.0, 7.0, 7.0, 60.0, 60.0, 60.0),
            (7.0, 7.0, 7.0, *(3 * [float(np.degrees(np.arccos(-1 / 3)))])),
            (7.0, 7.0, 9.0, 90.0, 90.0, 120.0),
        ]
    if number <= 15:
        half = float(np.degrees(np.arccos(-1 / np.sqrt(3))))
        return [
            (6.1, 7.3, 8.9, 90.0, 104.0, 90.0),
            (7.0, 9.0, 7.0, *right),
            (7.0, 9.0, 7.0, 90.0, 120.0, 90.0),
            (7.0, 7.0, 7.0, *right),
            (7.0, 7.0 / np.sqrt(2), 7.0 * np.sqrt(2), *right),
            (7.0 * np.sqrt(2), 7.0, 7.0, 90.0, 135.0, 90.0),
            (7.0, 7.0, 7.0 * np.sqrt(2), 90.0, 135.0, 90.0),
            (7.0 * np.sqrt(1.5), 7.0 * np.sqrt(0.5), 7.0, 90.0, half, 90.0),
        ]
    if number <= 74:
        return [(6.1, 7.3, 8.9, *right), (7.0, 7.0, 7.0, *right)] + [
            tuple(7.0 if axis != other else 9.0 for axis in range(3)) + right for other in range(3)
        ]
    if number <= 142:
        return [(7.0, 7.0, 9.1, *right), (7.0, 7.0, 7.0, *right)]
    if number <= 194:
        return [(7.0, 7.0, 9.1, 90.0, 90.0, 120.0)]
    return [(7.0, 7.0, 7.0, *right)]


def special_points(rotations: NDArray[np.int64], translations: NDArray[np.float64]) -> NDArray[np.float64]:
    """One point or more on each special position: those of simple form that some operation keeps."""
    constants = [k / 24 for k in range(24) if k % 2 == 0 or k % 3 == 0]
    lines = [k / 8 for k in range(8)] + [1 / 3, 2 / 3, 1 / 6, 5 / 6]
    moving = [sign * _X + shift for sign in (1, -1) for shift in lines] + [2 * _X, -2 * _X]
    fixed = np.array(list(itertools.product(constants, repeat=3)))
    one = np.array([p for p in itertools.product(lines + moving, repeat=3) if any(v in moving for v in p)])
    two = np.array(
        [
            tuple(np.insert(pair, where, _Y))
            for where in range(3)
            for pair in itertools.product(lines + moving, repeat=2)
        ]
    )
    found: list[NDArray[np.float64]] = []
    for points in (fixed, one, two):
        images = np.einsum("oij,pj->poi", rotations, points) + translations
        away = images - points[:, None, :]
        kept = (np.abs(away - np.round(away)) < _TOLERANCE).all(axis=2).sum(axis=1)
        chosen = kept > 1
        found.append(_one_of_each_orbit(points[chosen], images[chosen], kept[chosen]))
    return np.concatenate(found)


def _one_of_each_orbit(
    points: NDArray[np.float64], images: NDArray[np.float64], kept: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Drop points that are images of an earlier one."""
    seen: set[bytes] = set()
    chosen = []
    for k in np.argsort(-kept, kind="stable"):
        rounded = np.round(images[k] * 1e6).astype(np.int64) % 1_000_000
        smallest = min(map(tuple, rounded.tolist()))
        name = repr(smallest).encode()
        if name not in seen:
            seen.add(name)
            chosen.append(points[k])
    return np.array(chosen).reshape(-1, 3)


def _orbit(
    rotations: NDArray[np.int64], translations: NDArray[np.float64], point: NDArray[np.float64]
) -> NDArray[np.float64]:
    images = (rotations @ point + translations) % 1.0
    _, first = np.unique(np.round(images * 1e6).astype(np.int64) % 1_000_000, axis=0, return_index=True)
    return np.asarray(images[np.sort(first)])


def _dataset(
    number: int, points: list[NDArray[np.float64]], cell: NDArray[np.float64], rotations: Any, translations: Any
) -> Any:
    """The symmetry of a crystal whose first two orbits are general and whose others pass through the points."""
    import moyopy

    orbits = [_orbit(rotations, translations, point) for point in [*_GENERAL, *points]]
    numbers = [k + 1 for k, orbit in enumerate(orbits) for _ in orbit]
    dataset = moyopy.MoyoDataset(
        moyopy.Cell(cell.tolist(), np.concatenate(orbits).tolist(), numbers), symprec=1e-5, rotate_basis=False
    )
    if dataset.number != number:
        raise RuntimeError(f"the crystal made for space group {number} has group {dataset.number}")
    return dataset


def generators(number: int) -> tuple[str, list[str]]:
    """Letters of the group, and permutations of them: each as the letters that those become."""
    import moyopy
    from ase.geometry import cellpar_to_cell

    operations = moyopy.operations_from_number(number)
    rotations = np.array(operations.rotations)
    translations = np.array(operations.translations)
    cells = [np.asarray(cellpar_to_cell(parameters)) for parameters in metrics(number)]
    points = list(special_points(rotations, translations))
    while len(points) > _AT_ONCE:
        parts = [points[start : start + _AT_ONCE] for start in range(0, len(points), _AT_ONCE)]
        fewer = [p for part in parts for p in _by_letter(number, part, cells[0], rotations, translations).values()]
        points = fewer if len(fewer) < len(points) else _fail(number, len(points))
    places = _by_letter(number, points, cells[0], rotations, translations)
    letters = "".join(sorted(places))
    general = _letter_after(letters)
    found = set()
    for cell in cells:
        dataset = _dataset(number, [places[letter] for letter in letters], cell, rotations, translations)
        numbers = dataset.std_cell.numbers
        normalizer = dataset.normalizer_wyckoff_positions()
        first = dict(zip(numbers, (one.letter for one in normalizer.wyckoffs), strict=True))
        for _, positions in normalizer.coset_representatives:
            after = dict(zip(numbers, (one.letter for one in positions), strict=True))
            image = {first[k]: after[k] for k in first}
            if len(set(image.values())) != len(image):
                raise RuntimeError(f"space group {number}: {image} is no permutation")
            found.add("".join(image[letter] for letter in letters + general))
    return letters + general, sorted(found)


def _letter_after(letters: str) -> str:
    """Of the general position, which is the last; `A` follows `z` (only Pmmm has as many)."""
    if not letters:
        return "a"
    return "A" if "z" in letters else chr(ord(max(letters)) + 1)


def _by_letter(
    number: int, points: list[NDArray[np.float64]], cell: NDArray[np.float64], rotations: Any, translations: Any
) -> dict[str, NDArray[np.float64]]:
    """One of the points for each special position that any is on, in the setting that moyo chooses for them."""
    if not points:
        return {}
    dataset = _dataset(number, points, cell, rotations, translations)
    sizes = [len(_orbit(rotations, translations, point)) for point in [*_GENERAL, *points]]
    starts = np.cumsum([0, *sizes[:-1]])
    letters = [dataset.wyckoffs[start] for start in starts]
    found: dict[str, NDArray[np.float64]] = {}
    for letter, point in zip(letters[len(_GENERAL) :], points, strict=True):
        if letter != letters[0]:
            found.setdefault(letter, point)
    return found


def _fail(number: int, n_points: int) -> list[NDArray[np.float64]]:
    raise RuntimeError(f"space group {number}: {n_points} special points could not be made fewer")


def group_of(permutations: list[str], letters: str) -> list[str]:
    """All that the permutations generate."""
    steps = [dict(zip(letters, one, strict=True)) for one in permutations]
    reached, edge = {letters}, [letters]
    while edge:
        images = {"".join(step[letter] for letter in known) for known in edge for step in steps}
        edge = sorted(images - reached)
        reached.update(edge)
    return sorted(reached)


def few_generators(permutations: list[str], letters: str) -> list[str]:
    """Some of the permutations that generate what all do."""
    kept: list[str] = []
    size = 1
    for one in permutations:
        grown = len(group_of([*kept, one], letters))
        if grown > size:
            kept, size = [*kept, one], grown
    return kept


def main(target: Path) -> None:
    """Write the table."""
    table = {}
    for number in range(1, 231):
        letters, found = generators(number)
        table[str(number)] = {"letters": letters, "generators": few_generators(found, letters)}
    lines = [f'"{number}": {json.dumps(row)}' for number, row in table.items()]
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the table of what changes of origin and axes do to the letters.")
    parser.add_argument("file", type=Path, help="written, and overwritten where it exists")
    main(parser.parse_args().file)
