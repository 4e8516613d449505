"""Claims about names of checkpoints, modalities, devices and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from lamcore_sevenn.build import build_sevennet, sevennet_weights
from lamcore_sevenn.checkpoints import CARRIED, DOWNLOADED, canonical_name, checkpoint_path

from lamcore.errors import ConfigError, UnknownNameError


def test_names_and_files_are_those_of_the_package():
    from sevenn.util import get_available_pretrained_models, pretrained_name_to_path

    assert sorted([*CARRIED, *DOWNLOADED]) == sorted(get_available_pretrained_models())
    for name in CARRIED:
        assert checkpoint_path(name).samefile(pretrained_name_to_path(name))


@pytest.mark.parametrize("alias", ["7net-0", "SevenNet-0", "7NET-0", "7net-0_11Jul2024", "SevenNet-0_11July2024"])
def test_aliases_of_the_package_are_understood(alias):
    from sevenn.util import pretrained_name_to_path

    assert canonical_name(alias) == "7net-0"
    assert checkpoint_path(alias).samefile(pretrained_name_to_path(alias))


def test_a_misspelt_checkpoint_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean '7net-l3i5'"):
        build_sevennet(checkpoint="7net-l3i4")


def test_a_checkpoint_that_would_be_downloaded_is_refused_with_the_way_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"(?s)pretrained_name_to_path.*7net-omni.*\.cache/sevennet"):
        checkpoint_path("7net-omni")


def test_a_checkpoint_that_sevenn_downloaded_is_found_in_its_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".cache/sevennet" / DOWNLOADED["7net-omat"]
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    assert checkpoint_path("7net-omat") == file


def test_the_weights_of_a_name_and_of_its_path_are_the_same_file():
    (path,) = sevennet_weights(checkpoint="7net-0")
    assert path.stat().st_size > 1_000_000
    assert sevennet_weights(checkpoint=str(path)) == [path] == sevennet_weights(device="cuda", dtype="float64")


def test_a_checkpoint_by_path_is_the_one_by_name(model):
    (path,) = sevennet_weights()
    atoms = bulk("Si")
    (by_path,) = build_sevennet(checkpoint=str(path), device="cpu").evaluate([atoms])
    (by_name,) = model.evaluate([atoms])
    assert by_path.energy == by_name.energy


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path):
    file = tmp_path / "model.pth"
    file.write_text("not a checkpoint")
    with pytest.raises(ConfigError, match=r"model\.pth is not a checkpoint"):
        build_sevennet(checkpoint=str(file))


def test_a_multi_fidelity_checkpoint_asks_for_a_modality_and_names_them():
    with pytest.raises(ConfigError, match="set modality to one of R2SCAN, PBE"):
        build_sevennet(checkpoint="7net-mf-0", device="cpu")
    with pytest.raises(UnknownNameError, match="'B3LYP'; checkpoint '7net-mf-0' has R2SCAN, PBE"):
        build_sevennet(checkpoint="7net-mf-0", modality="B3LYP", device="cpu")
    with pytest.raises(ConfigError, match="has no modalities"):
        build_sevennet(modality="PBE", device="cpu")


@pytest.mark.parametrize("modality", ["PBE", "r2scan"])
def test_each_modality_agrees_with_the_calculator_of_the_package_also_in_a_batch(modality):
    from sevenn.calculator import SevenNetCalculator

    with pytest.warns(UserWarning, match="No tensor product accelerator"):
        calculator = SevenNetCalculator("7net-mf-0", device="cpu", modal=modality.upper())
    model = build_sevennet(checkpoint="7net-mf-0", modality=modality, device="cpu")
    structures = [bulk("Si"), bulk("NaCl", "rocksalt", a=5.5)]
    for atoms, prediction in zip(structures, model.evaluate(structures), strict=True):
        atoms.calc = calculator
        assert prediction.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
        np.testing.assert_allclose(prediction.stress, atoms.get_stress(), atol=1e-6)
    assert [len(features) for features in model.descriptors(structures)] == [2, 2]


def test_modalities_differ():
    energies = [
        build_sevennet(checkpoint="7net-mf-0", modality=name, device="cpu").evaluate([bulk("Si")])[0].energy
        for name in ("PBE", "R2SCAN")
    ]
    assert abs(energies[0] - energies[1]) > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device is 'gpu', expected auto, cpu, cuda"),
        ({"dtype": "float16"}, "dtype is 'float16', expected one of float32, float64"),
        ({"accelerator": "cuda"}, "accelerator is 'cuda', expected one of none, cueq, flash, oeq"),
    ],
)
def test_unknown_values_of_options_are_refused(options, message):
    with pytest.raises(UnknownNameError, match=message):
        build_sevennet(**options)


def test_a_missing_cuda_device_is_refused(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        build_sevennet(device="cuda")


@pytest.mark.parametrize(
    ("accelerator", "module", "check"),
    [
        ("cueq", "cue_helper", "is_cue_available"),
        ("flash", "flash_helper", "is_flash_available"),
        ("oeq", "oeq_helper", "is_oeq_available"),
    ],
)
def test_an_accelerator_that_is_not_there_is_refused_rather_than_left_out(monkeypatch, accelerator, module, check):
    monkeypatch.setattr(f"sevenn.nn.{module}.{check}", lambda: False)
    with pytest.raises(ConfigError, match=f"accelerator={accelerator} needs"):
        build_sevennet(device="cpu", accelerator=accelerator)
    with pytest.raises(ConfigError, match="computes in float32"):
        build_sevennet(device="cpu", accelerator=accelerator, dtype="float64")
