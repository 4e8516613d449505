"""Claims about names of checkpoints, files, architectures, devices and what is refused."""

from pathlib import Path

import pytest
import torch
from ase.build import bulk
from lamcore_orb.build import build_orb, orb_weights
from lamcore_orb.checkpoints import NAMED, SERVER, WITHDRAWN
from lamcore_orb.network import CUTOFF_ANG, build_network

from lamcore.data_files import sha256
from lamcore.errors import ConfigError, UnknownNameError

OMAT = "orb-v3-conservative-inf-omat"


def test_names_are_those_of_the_package():
    from orb_models.forcefield.pretrained import ORB_PRETRAINED_MODELS

    assert sorted([*NAMED, *WITHDRAWN]) == sorted(ORB_PRETRAINED_MODELS)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_each_name_has_the_address_and_the_network_of_the_package(name, monkeypatch):
    """The package's own function is stopped where it would load the weights, and shows what it would load into what."""
    from orb_models.forcefield import pretrained

    shown = []
    monkeypatch.setattr(pretrained, "load_model", lambda network, url, *_, **__: shown.append((network, url)))
    pretrained.ORB_PRETRAINED_MODELS[name](device="cpu", compile=False)
    ((expected, url),) = shown
    assert url == f"{SERVER}/{NAMED[name].file}"
    weights = expected.state_dict()
    network = build_network(weights, NAMED[name])
    assert type(network) is type(expected)
    assert network.system_config == expected.system_config
    assert network.system_config.radius == CUTOFF_ANG
    assert network.has_stress == expected.has_stress
    assert repr(network) == repr(expected)
    assert {k: v.shape for k, v in network.state_dict().items()} == {k: v.shape for k, v in weights.items()}


def test_a_misspelt_checkpoint_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'orb-v3-conservative-inf-omat'"):
        build_orb(checkpoint="orb-v3-conservativ-inf-omat")


@pytest.mark.parametrize("name", WITHDRAWN)
def test_withdrawn_checkpoints_are_refused_with_what_to_use(name):
    with pytest.raises(UnknownNameError, match="withdrawn by orb-models; use orb-v2"):
        orb_weights(checkpoint=name)


def test_a_file_needs_an_architecture_and_a_name_has_one(files):
    file = str(files["conservative"])
    with pytest.raises(ConfigError, match="does not say how it was built; set architecture to"):
        build_orb(checkpoint=file)
    with pytest.raises(
        UnknownNameError, match=r"architecture is 'orb-v3-direct-20', .* did you mean 'orb-v3-direct-20"
    ):
        build_orb(checkpoint=file, architecture="orb-v3-direct-20")
    with pytest.raises(ConfigError, match="leave architecture out"):
        orb_weights(checkpoint=OMAT, architecture="orb-v2")


def test_the_weights_of_a_path_are_that_file_and_only_the_right_hash_is_taken(files):
    options = {"checkpoint": str(files["direct"]), "architecture": "orb-v3-direct-inf-omat"}
    assert orb_weights(**options, device="cuda", dtype="float64") == [files["direct"].absolute()]
    assert orb_weights(**options, sha256=sha256(files["direct"]).upper()) == [files["direct"].absolute()]
    for function in (orb_weights, build_orb):
        with pytest.raises(
            ConfigError, match=rf"SHA-256 of .*direct\.ckpt is {sha256(files['direct'])} .*, expected abc"
        ):
            function(**options, sha256="abc")


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path):
    file = tmp_path / "model.ckpt"
    file.write_text("not a checkpoint")
    with pytest.raises(ConfigError, match=r"model\.ckpt is not a checkpoint of the architecture orb-v3-conservative"):
        build_orb(checkpoint=str(file), architecture=OMAT)
    torch.save([1, 2], file)
    with pytest.raises(ConfigError, match=r"model\.ckpt is not a checkpoint"):
        build_orb(checkpoint=str(file), architecture=OMAT)


def test_a_file_that_would_run_code_is_refused_unrun(tmp_path: Path):
    class Malicious:
        def __reduce__(self):
            return Path.touch, (tmp_path / "was_run",)

    file = tmp_path / "model.ckpt"
    torch.save({"model.x": Malicious()}, file)
    with pytest.raises(ConfigError, match="not a checkpoint"):
        build_orb(checkpoint=str(file), architecture=OMAT)
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("kind", "architecture", "message"),
    [
        ("conservative", "orb-v3-direct-inf-omat", "is not a checkpoint of the architecture orb-v3-direct"),
        ("direct", "orb-v3-conservative-inf-omat", "is not a checkpoint of the architecture orb-v3-conservative"),
        ("direct-molecules", "orb-v3-direct-inf-omat", "is not a checkpoint of the architecture orb-v3-direct"),
        ("direct", "orb-v3-direct-omol", "is not a checkpoint of the architecture orb-v3-direct"),
        ("v2", "orb-v3-direct-inf-omat", "is not a checkpoint of the architecture orb-v3-direct"),
        ("direct", "orb-v2", "is not a checkpoint of the architecture orb-v2"),
    ],
)
def test_a_file_of_another_architecture_is_refused(files, kind, architecture, message):
    with pytest.raises(ConfigError, match=message):
        build_orb(checkpoint=str(files[kind]), architecture=architecture, device="cpu")


def test_a_head_without_weights_is_refused_where_the_package_leaves_it_random(files, tmp_path):
    weights = torch.load(files["direct"], weights_only=True)
    kept = {name: value for name, value in weights.items() if not name.startswith(("heads.forces", "heads.stress"))}
    torch.save(kept, tmp_path / "headless.ckpt")
    with pytest.raises(ConfigError, match="has no weights for forces, stress, which the architecture orb-v3-direct"):
        build_orb(checkpoint=str(tmp_path / "headless.ckpt"), architecture="orb-v3-direct-inf-omat", device="cpu")


def test_a_file_with_the_old_names_of_heads_is_the_same_model(files, built, tmp_path):
    weights = torch.load(files["v2"], weights_only=True)
    for new, old in (
        ("heads.forces.", "node_head."),
        ("heads.energy.", "graph_head."),
        ("heads.stress.", "stress_head."),
    ):
        weights = {key.replace(new, old): value for key, value in weights.items()}
    torch.save(weights, tmp_path / "old.ckpt")
    old = build_orb(checkpoint=str(tmp_path / "old.ckpt"), architecture="orb-v2", device="cpu", dtype="float64")
    (expected,), (prediction,) = built("v2").evaluate([bulk("Si")]), old.evaluate([bulk("Si")])
    assert prediction.energy == expected.energy
    assert (prediction.stress == expected.stress).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"device": "gpu"}, UnknownNameError, "device is 'gpu', expected auto, cpu, cuda"),
        ({"dtype": "float16"}, UnknownNameError, "dtype is 'float16', expected one of float32, float64"),
        (
            {"tf32": True, "device": "cpu"},
            ConfigError,
            "tf32=true needs float32 on a CUDA device, got dtype=float32 on cpu",
        ),
    ],
)
def test_values_of_options_that_cannot_be_are_refused(files, options, error, message):
    with pytest.raises(error, match=message):
        build_orb(checkpoint=str(files["conservative"]), architecture=OMAT, **options)


def test_a_missing_cuda_device_is_refused(files, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        build_orb(checkpoint=str(files["conservative"]), architecture=OMAT, device="cuda")


def test_a_network_that_cannot_be_compiled_is_refused_when_built(files, monkeypatch):
    import torch._inductor.config

    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("no-such-compiler",))
    with pytest.raises(ConfigError, match=r"compile=true: torch cannot compile on cpu: .*no-such-compiler"):
        build_orb(checkpoint=str(files["direct"]), architecture="orb-v3-direct-inf-omat", device="cpu", compile=True)
