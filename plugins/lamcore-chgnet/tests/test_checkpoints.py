"""Claims about names of checkpoints, devices and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from lamcore_chgnet.build import build_chgnet, chgnet_weights
from lamcore_chgnet.checkpoints import CARRIED, checkpoint_path

from lamcore.errors import ConfigError, UnknownNameError


def test_every_checkpoint_that_the_package_carries_has_a_name():
    folder = checkpoint_path("0.3.0").parents[1]
    assert sorted(folder.glob("*/*.pth.tar")) == sorted(checkpoint_path(name) for name in CARRIED)


# CHGNet itself makes a tensor of volumes in a way that torch warns of.
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad:UserWarning")
@pytest.mark.parametrize("checkpoint", sorted(CARRIED))
def test_every_checkpoint_agrees_with_the_package(checkpoint):
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    calculator = CHGNetCalculator(CHGNet.load(model_name=checkpoint, use_device="cpu"), use_device="cpu")
    model = build_chgnet(checkpoint=checkpoint, device="cpu")
    # The last has bonds and no angles, the case that 0.2.0 treats apart.
    structures = [
        bulk("Si"),
        bulk("NaCl", "rocksalt", a=5.5),
        Atoms("Na2", positions=[[0, 0, 0], [0, 0, 4]], cell=[15] * 3),
    ]
    structures[0].rattle(0.05, seed=1)
    for atoms, prediction in zip(structures, model.evaluate(structures), strict=True):
        atoms.calc = calculator
        assert prediction.energy == pytest.approx(atoms.get_potential_energy(), abs=2e-5)
        np.testing.assert_allclose(prediction.forces, atoms.get_forces(), atol=1e-4)


def test_in_0_2_0_a_structure_without_angles_keeps_its_energy_in_the_company_of_one_with_angles():
    model = build_chgnet(checkpoint="0.2.0", device="cpu", dtype="float64")
    pair = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 4]])
    alone = model.evaluate([pair])[0]
    for batch in ([bulk("Si"), pair], [pair, bulk("Si")]):
        together = model.evaluate(batch)[batch.index(pair)]
        assert together.energy == pytest.approx(alone.energy, abs=1e-10)
        np.testing.assert_allclose(together.forces, alone.forces, atol=1e-10)


def test_elements_that_training_never_touched_are_not_covered():
    """Fine-tuning 0.3.0 to r2scan left the embeddings of elements without data as they were."""
    rows = {
        name: build_chgnet(checkpoint=name, device="cpu")._network.atom_embedding.embedding.weight
        for name in ("0.3.0", "r2scan")
    }
    untouched = [z for z in range(1, 95) if bool((rows["0.3.0"][z - 1] == rows["r2scan"][z - 1]).all())]
    covered = build_chgnet(checkpoint="r2scan", device="cpu").scope.elements
    assert Atoms(numbers=[z for z in range(1, 95) if z not in untouched]).symbols.species() == covered
    assert "Yb" not in covered
    assert build_chgnet(device="cpu").scope.elements == covered | {"Yb"}


def test_a_misspelt_checkpoint_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'r2scan'"):
        build_chgnet(checkpoint="scan")


def test_the_weights_of_a_name_and_of_its_path_are_the_same_file(model):
    (path,) = chgnet_weights(checkpoint="0.3.0")
    assert path.stat().st_size > 1_000_000
    assert chgnet_weights(checkpoint=str(path)) == [path] == chgnet_weights(device="cuda", dtype="float64")
    (by_path,) = build_chgnet(checkpoint=str(path), device="cpu").evaluate([bulk("Si")])
    assert by_path.energy == model.evaluate([bulk("Si")])[0].energy


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path):
    file = tmp_path / "model.pth.tar"
    file.write_text("not a checkpoint")
    with pytest.raises(ConfigError, match=r"model\.pth\.tar is not a checkpoint"):
        build_chgnet(checkpoint=str(file))


def test_a_file_that_would_run_code_is_refused_unrun(tmp_path: Path):
    import torch

    class Malicious:
        def __reduce__(self):
            return Path.touch, (tmp_path / "was_run",)

    file = tmp_path / "model.pth.tar"
    torch.save({"model": Malicious()}, file)
    with pytest.raises(ConfigError, match="not a checkpoint"):
        build_chgnet(checkpoint=str(file))
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device is 'gpu', expected auto, cpu, cuda"),
        ({"dtype": "float16"}, "dtype is 'float16', expected one of float32, float64"),
    ],
)
def test_unknown_values_of_options_are_refused(options, message):
    with pytest.raises(UnknownNameError, match=message):
        build_chgnet(**options)


def test_a_missing_cuda_device_is_refused(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        build_chgnet(device="cuda")
