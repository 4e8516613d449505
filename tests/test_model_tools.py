"""A process is left as it was found, and open directions are given room."""

import multiprocessing
import os
import sys
import types
import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import fcc111, molecule

from lamcore.errors import ConfigError, UnknownNameError, UnsupportedStructureError
from lamcore.model_tools import process_left_as_found, torch_device
from lamcore.open_directions import search_cell


class FakeTorch(types.ModuleType):
    """The three settings of torch that packages change, and its word on devices."""

    float32, float64, __version__ = "float32", "float64", "2.13.0"

    def __init__(self, cuda=False):
        super().__init__("torch")
        self.dtype, self.threads, self.products = "float32", 2, "highest"
        self.cuda = types.SimpleNamespace(is_available=lambda: cuda)

    def get_default_dtype(self):
        return self.dtype

    def set_default_dtype(self, dtype):
        self.dtype = dtype

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, threads):
        self.threads = threads

    def get_float32_matmul_precision(self):
        return self.products

    def set_float32_matmul_precision(self, products):
        self.products = products

    def device(self, name):
        kind = name.split(":")[0]
        if kind not in ("cpu", "cuda"):
            raise RuntimeError("no such device")
        return types.SimpleNamespace(type=kind)


def test_what_a_package_changes_in_the_process_is_put_back(monkeypatch):
    torch = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setenv("KEPT", "before")
    before = (dict(os.environ), list(warnings.filters), multiprocessing.get_start_method(allow_none=True))
    with process_left_as_found():
        os.environ["KEPT"] = "after"
        os.environ["ADDED"] = "1"
        warnings.simplefilter("ignore")
        multiprocessing.set_start_method("spawn", force=True)
        torch.set_default_dtype("float64")
        torch.set_num_threads(7)
        torch.set_float32_matmul_precision("high")
    after = (dict(os.environ), list(warnings.filters), multiprocessing.get_start_method(allow_none=True))
    assert after == before
    assert (torch.dtype, torch.threads, torch.products) == ("float32", 2, "highest")


def test_a_deleted_variable_comes_back_even_when_the_import_fails(monkeypatch):
    monkeypatch.setenv("KEPT", "before")

    def failing_import():
        with process_left_as_found():
            del os.environ["KEPT"]
            raise ImportError

    with pytest.raises(ImportError):
        failing_import()
    assert os.environ["KEPT"] == "before"


@pytest.mark.parametrize(
    ("asked", "cuda", "got"), [("auto", False, "cpu"), ("auto", True, "cuda"), ("cuda:1", True, "cuda:1")]
)
def test_auto_is_cuda_where_there_is_one(asked, cuda, got):
    assert torch_device(FakeTorch(cuda), asked) == got


def test_a_device_that_is_not_there_is_refused_with_what_to_use():
    with pytest.raises(ConfigError, match="finds no CUDA device; use device=cpu"):
        torch_device(FakeTorch(), "cuda")
    with pytest.raises(UnknownNameError, match="expected auto, cpu, cuda"):
        torch_device(FakeTorch(), "gpu")


def test_a_molecule_gets_a_cell_in_which_no_image_is_within_the_cutoff():
    cell = search_cell(molecule("C6H6"), 5.0)
    assert abs(np.linalg.det(cell)) > 0
    assert np.all(np.linalg.norm(cell, axis=1) >= 10.0)


def test_a_slab_keeps_its_lattice_and_its_box_along_the_normal_plays_no_part():
    slab = fcc111("Cu", (2, 2, 3), vacuum=1.0)
    slab.pbc = (True, True, False)
    thin, thick = slab.copy(), slab.copy()
    thick.cell[2] *= 7
    np.testing.assert_allclose(search_cell(thin, 5.0), search_cell(thick, 5.0))
    np.testing.assert_allclose(search_cell(thin, 5.0)[:2], slab.cell[:2])


def test_a_periodic_direction_without_a_vector_is_refused():
    with pytest.raises(UnsupportedStructureError, match="linearly independent"):
        search_cell(Atoms("Cu", cell=[3, 3, 0], pbc=True), 5.0)
