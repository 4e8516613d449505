"""Structures that are stored are read when asked for, and nothing keeps them."""

import functools
import pickle
import weakref
from dataclasses import dataclass, field

import pytest
from ase.build import bulk

from lamcore import Case, StoredStructures
from lamcore.dataset import content_sha256
from lamcore.errors import DataError

ELEMENTS = ("Cu", "Ag", "Au")


def crystal(element):
    return bulk(element, cubic=True)


def from_row(table, row):
    return bulk(table[row])


@dataclass
class Counting:
    """Reads crystals, and remembers what it was asked for and which of them are alive."""

    asked: list = field(default_factory=list)
    given: list = field(default_factory=list)

    def __call__(self, element):
        atoms = crystal(element)
        self.asked.append(element)
        self.given.append(weakref.ref(atoms))
        return atoms

    @property
    def alive(self):
        return sum(atoms() is not None for atoms in self.given)


def test_nothing_is_read_before_it_is_asked_for():
    read = Counting()
    structures = StoredStructures(read, ELEMENTS)
    case = Case("metals", structures[1:])
    assert len(structures) == 3
    assert len(case.structures) == 2
    assert read.asked == []
    assert structures[-1].symbols[0] == "Au"
    assert read.asked == ["Au"]


def test_each_access_reads_a_new_object_that_dies_with_its_user():
    read = Counting()
    structures = StoredStructures(read, ELEMENTS)
    first = structures[0]
    first.rattle(0.1)
    assert structures[0] == crystal("Cu")
    assert read.asked == ["Cu", "Cu"]
    assert read.alive == 1
    del first
    assert read.alive == 0


def test_they_are_a_sequence():
    structures = StoredStructures(crystal, list(ELEMENTS))
    assert list(structures) == [crystal(element) for element in ELEMENTS]
    assert list(reversed(structures)) == [crystal(element) for element in ELEMENTS[::-1]]
    assert crystal("Ag") in structures
    assert structures.index(crystal("Au")) == 2
    assert structures[::2] == StoredStructures(crystal, ("Cu", "Au"))
    with pytest.raises(IndexError):
        structures[3]


def test_a_range_of_row_numbers_stays_a_range():
    structures = StoredStructures(functools.partial(from_row, ELEMENTS), range(3))
    assert structures[1:].keys == range(1, 3)
    assert structures[1:][0] == bulk("Ag")


def test_those_that_read_the_same_are_equal():
    structures = StoredStructures(crystal, ELEMENTS)
    assert structures == StoredStructures(crystal, list(ELEMENTS))
    assert hash(structures) == hash(StoredStructures(crystal, ELEMENTS))
    assert structures != StoredStructures(crystal, ELEMENTS[:2])
    assert structures != StoredStructures(bulk, ELEMENTS)
    assert Case("a", structures) == Case("a", StoredStructures(crystal, ELEMENTS))


def test_a_case_travels_to_another_process_as_its_keys():
    case = Case("metals", StoredStructures(functools.partial(from_row, ELEMENTS), range(3)))
    sent = pickle.dumps(case)
    assert b"positions" not in sent
    assert list(pickle.loads(sent).structures) == list(case.structures)
    assert pickle.loads(pickle.dumps(StoredStructures(crystal, ELEMENTS))) == StoredStructures(crystal, ELEMENTS)


def test_the_one_structure_of_a_case_is_read():
    read = Counting()
    case = Case("cu", StoredStructures(read, ["Cu"]))
    assert case.atoms == crystal("Cu")
    assert read.asked == ["Cu"]
    with pytest.raises(ValueError, match="case 'b' has 3 structures, expected 1"):
        Case("b", StoredStructures(read, ELEMENTS)).atoms.get_volume()
    assert read.asked == ["Cu"]


def damaged(path, key):
    raise IndexError("end of file")


def test_a_structure_that_cannot_be_read_is_named_with_its_source():
    structures = StoredStructures(functools.partial(damaged, "frames.xyz"), [7])
    with pytest.raises(DataError, match=r"structure 7 cannot be read by damaged\('frames.xyz'\) \(IndexError: end of"):
        structures[0]
    with pytest.raises(DataError, match="structure 7"):  # and does not look like the end of the sequence
        list(structures)


def test_a_reader_that_gives_no_structure_is_named():
    with pytest.raises(DataError, match=r"structure 3 read by float is a float, expected ase\.Atoms"):
        StoredStructures(float, [3])[0]


def test_one_text_is_not_a_sequence_of_keys():
    with pytest.raises(TypeError, match=r"write \['Cu'\]"):
        StoredStructures(crystal, "Cu")


def test_hashing_holds_one_structure_at_a_time_and_sees_a_changed_one():
    read = Counting()
    most_alive = 0

    def watched(element):
        nonlocal most_alive
        atoms = read(element)
        most_alive = max(most_alive, read.alive)
        return atoms

    stored = content_sha256([Case("a", StoredStructures(watched, ELEMENTS * 20))])
    assert len(read.asked) == 60
    assert most_alive <= 2  # the one just read, and the one before it
    assert stored == content_sha256([Case("a", tuple(crystal(element) for element in ELEMENTS * 20))])
    assert stored != content_sha256([Case("a", StoredStructures(bulk, ELEMENTS * 20))])
