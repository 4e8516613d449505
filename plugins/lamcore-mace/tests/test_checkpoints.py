"""Claims about names of checkpoints, options, and what is refused."""

import ast
import inspect

import pytest
from ase.build import bulk
from lamcore_mace.build import build_mace, mace_weights
from lamcore_mace.checkpoints import FOUNDATIONS, UNSUPPORTED, cache_folder, checkpoint_path

from lamcore.data_files import sha256
from lamcore.errors import ConfigError, DataError, UnknownNameError


def test_names_and_addresses_are_those_of_the_package():
    from mace.calculators import foundations_models as package

    url = {name: foundation.url for name, foundation in FOUNDATIONS.items()}
    assert {name: url[name] for name in package.mace_mp_urls} == package.mace_mp_urls
    assert {size: url[f"mace-off23-{size}"] for size in package.mace_off_urls} == package.mace_off_urls
    assert sorted(UNSUPPORTED) == sorted(package.polar_model_urls)
    for name, function in (("mace-omol-0", package.mace_omol), ("mace-anicc", package.mace_anicc)):
        texts = [node.value for node in ast.walk(ast.parse(inspect.getsource(function))) if is_text(node)]
        assert url[name] in texts
    assert len(FOUNDATIONS) == len(package.mace_mp_urls) + len(package.mace_off_urls) + 2


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("name", ["small", "medium-mpa-0", "mace-matpes-r2scan-0", "mace-off23-small", "mace-omol-0"])
def test_what_mace_itself_downloaded_is_found_in_its_cache(name, monkeypatch, tmp_path, capsys):
    from mace.calculators import foundations_models as package

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(package, "MACECalculator", lambda *arguments, **options: None)

    def download(url, filename, timeout=0):
        assert url == FOUNDATIONS[name].url
        with open(filename, "w") as file:
            file.write(name)
        return filename, {}

    monkeypatch.setattr(package, "_urlretrieve_with_timeout", download)
    if name.startswith("mace-off23-"):
        package.mace_off(name.removeprefix("mace-off23-"))
    elif name == "mace-omol-0":
        package.mace_omol()
    else:
        package.mace_mp(name)
    capsys.readouterr()
    assert checkpoint_path(name).read_text() == name
    assert checkpoint_path(name).parent == cache_folder() == tmp_path / "mace"


def test_the_cache_is_in_the_home_folder_unless_told_otherwise(monkeypatch, tmp_path):
    from mace.tools.utils import get_cache_dir

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == get_cache_dir() == tmp_path / ".cache" / "mace"


def test_a_misspelt_checkpoint_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'medium-mpa-0'"):
        build_mace(checkpoint="medium-mpa0")


def test_electrostatic_models_are_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r"'polar-1-m' is not supported: .*graph_longrange"):
        build_mace(checkpoint="polar-1-m")


def test_the_weights_are_the_file_whatever_the_other_options_are(checkpoint):
    assert mace_weights(checkpoint=str(checkpoint)) == [checkpoint]
    assert mace_weights(checkpoint=str(checkpoint), device="cuda", dtype="float32", dispersion=True) == [checkpoint]


def test_a_checkpoint_is_held_to_its_hash(checkpoint):
    right = sha256(checkpoint)
    assert mace_weights(checkpoint=str(checkpoint), sha256=right.upper()) == [checkpoint]
    with pytest.raises(DataError, match=rf"SHA-256 is {right}, expected {'0' * 64}.*put the right file there"):
        build_mace(checkpoint=str(checkpoint), sha256="0" * 64)
    with pytest.raises(ConfigError, match="expected 64 hexadecimal digits"):
        build_mace(checkpoint=str(checkpoint), sha256="md5")


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    file = tmp_path / "text.model"
    file.write_text("not a checkpoint")
    with pytest.raises(ConfigError, match=r"text\.model is not a model that this mace loads.*if it is damaged"):
        build_mace(checkpoint=str(file), device="cpu")


def test_half_a_checkpoint_is_refused(tmp_path, checkpoint):
    whole = checkpoint.read_bytes()
    file = tmp_path / "half.model"
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"half\.model is not a model that this mace loads"):
        build_mace(checkpoint=str(file), device="cpu")


def test_a_training_checkpoint_is_refused(tmp_path):
    import torch

    torch.save({"model": {"weight": torch.zeros(2)}}, tmp_path / "epoch-3.pt")
    with pytest.raises(ConfigError, match=r"holds a dict, expected a MACE or ScaleShiftMACE: the \.model file"):
        build_mace(checkpoint=str(tmp_path / "epoch-3.pt"), device="cpu")


def test_a_checkpoint_in_single_precision_is_read_in_double(save_network, folder):
    path = save_network(folder / "single.model", dtype="float32")
    models = [build_mace(checkpoint=str(path), device="cpu", dtype=dtype) for dtype in ("float32", "float64")]
    rough, exact = (model.evaluate([bulk("Si")])[0].energy for model in models)
    assert exact == pytest.approx(rough, abs=1e-5)
    assert [model.dtype for model in models] == ["float32", "float64"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device is 'gpu', expected auto, cpu, cuda"),
        ({"dtype": "float16"}, "dtype is 'float16', expected one of float32, float64"),
        ({"accelerator": "flash"}, "accelerator is 'flash', expected one of none, cueq, oeq"),
        ({"dispersion_damping": "d4"}, "dispersion_damping is 'd4', expected one of bj, zero, bjm, zerom"),
    ],
)
def test_unknown_values_of_options_are_refused(checkpoint, options, message):
    with pytest.raises(UnknownNameError, match=message):
        build_mace(checkpoint=str(checkpoint), **options)


def test_a_missing_cuda_device_is_refused(checkpoint, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        build_mace(checkpoint=str(checkpoint), device="cuda")


@pytest.mark.parametrize(
    ("accelerator", "package"), [("cueq", "cuequivariance_ops_torch"), ("oeq", "openequivariance")]
)
def test_an_accelerator_that_is_not_there_is_refused_rather_than_left_out(
    checkpoint, monkeypatch, accelerator, package
):
    monkeypatch.setattr("lamcore_mace.build.find_spec", lambda name: None if name == package else True)
    with pytest.raises(ConfigError, match=f"accelerator={accelerator} needs {package}: pip install"):
        build_mace(checkpoint=str(checkpoint), device="cpu", accelerator=accelerator)
    monkeypatch.setattr("lamcore_mace.build.find_spec", lambda name: True)
    with pytest.raises(ConfigError, match=f"accelerator={accelerator} needs a CUDA device, got device=cpu"):
        build_mace(checkpoint=str(checkpoint), device="cpu", accelerator=accelerator)
