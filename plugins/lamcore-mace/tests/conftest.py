"""Small seeded networks made with mace's own classes and saved as users' files are; structures of every kind."""

import warnings

import numpy as np
import pytest
from lamcore_mace.build import build_mace

from lamcore.model_tools import process_left_as_found
from lamcore.testing.fixtures import crystals, mix, molecules, slab, without_edges  # noqa: F401

ELEMENTS = ["H", "He", "C", "O", "Ne", "Na", "Al", "Si", "Cl", "Ar", "Cu", "W"]


def save(path, cls="ScaleShiftMACE", dtype="float64", **changes):
    """A network with random weights of a fixed seed, in a `.model` file as mace_run_train writes it."""
    # mace before e3nn, always; both warn when imported and when they compile.
    with process_left_as_found():
        warnings.simplefilter("ignore")
        import torch
        from ase.data import atomic_numbers
        from mace import modules, tools
        from mace.tools import torch_tools

        import e3nn.o3  # isort: skip

        heads = changes.get("heads", ["Default"])
        rng = np.random.default_rng(7)
        arguments = {
            "r_max": 5.0,
            "num_bessel": 6,
            "num_polynomial_cutoff": 6,
            "max_ell": 2,
            "interaction_cls": modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
            "interaction_cls_first": modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
            "num_interactions": 2,
            "num_elements": len(ELEMENTS),
            "hidden_irreps": e3nn.o3.Irreps("8x0e + 8x1o"),
            "MLP_irreps": e3nn.o3.Irreps("16x0e"),
            "gate": torch.nn.functional.silu,
            "atomic_energies": rng.uniform(-9, -1, (len(heads), len(ELEMENTS))),
            "avg_num_neighbors": 12.0,
            "atomic_numbers": [atomic_numbers[symbol] for symbol in ELEMENTS],
            "correlation": 2,
            "radial_type": "bessel",
        }
        if cls == "ScaleShiftMACE":
            arguments |= {"atomic_inter_scale": [8.0] * len(heads), "atomic_inter_shift": [0.1] * len(heads)}
        tools.set_seeds(7)
        with torch_tools.default_dtype(dtype):
            network = getattr(modules, cls)(**(arguments | changes))
        torch.save(network, path)
    return path


def calculator_of_the_package(path, **options):
    """The ASE calculator of mace, which is the independent witness."""
    from mace.calculators import MACECalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.MonkeyPatch.context() as patch:
            # MACECalculator loads as mace's import asks for, and lengthens a list that all calculators share.
            patch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
            patch.setattr("ase.calculators.calculator.BaseCalculator.implemented_properties", [])
            calculator = MACECalculator(model_paths=str(path), device="cpu", **options)
            calculator.implemented_properties = list(calculator.implemented_properties)
            return calculator


@pytest.fixture(scope="session")
def save_network():
    return save


@pytest.fixture(scope="session")
def package_calculator():
    return calculator_of_the_package


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="session")
def checkpoint(folder):
    """One head; messages of degree 1; pair repulsion and a transformed distance, as in the later foundation models."""
    return save(folder / "small.model", pair_repulsion=True, distance_transform="Agnesi")


@pytest.fixture(scope="session")
def two_heads(folder):
    return save(folder / "heads.model", heads=["pbe", "r2scan"])


@pytest.fixture(scope="session")
def charged(folder):
    """Takes charge and spin as MACE-OMOL does."""
    embedding = {"type": "categorical", "per": "graph", "emb_dim": 8}
    return save(
        folder / "charged.model",
        embedding_specs={
            "total_charge": embedding | {"num_classes": 7, "offset": 3},
            "total_spin": embedding | {"num_classes": 5},
        },
        use_embedding_readout=True,
    )


@pytest.fixture(scope="session", autouse=True)
def precise(checkpoint):
    """Built before any test imports mace itself, whose import warns; the builder keeps that to itself."""
    return build_mace(checkpoint=str(checkpoint), device="cpu")


@pytest.fixture(scope="session")
def single(checkpoint):
    return build_mace(checkpoint=str(checkpoint), device="cpu", dtype="float32")
