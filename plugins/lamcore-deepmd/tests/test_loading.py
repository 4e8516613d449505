"""Claims about files, heads, precision, devices and what is refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
from lamcore_deepmd.build import build_deepmd
from lamcore_deepmd.loading import deepmd_on

from lamcore.errors import ConfigError, UnknownNameError


def energies(model, structures):
    return [prediction.energy for prediction in model.evaluate(structures)]


def test_a_frozen_model_gives_what_its_checkpoint_gives(trained, model, crystals):
    frozen = build_deepmd(checkpoint=str(trained / "frozen.pth"), device="cpu")
    batch = [*crystals, crystals[0].repeat((1, 1, 2))]
    for one, other in zip(frozen.evaluate(batch), model.evaluate(batch), strict=True):
        assert one.energy == pytest.approx(other.energy, abs=1e-10)
        np.testing.assert_allclose(one.forces, other.forces, atol=1e-10)
        np.testing.assert_allclose(one.stress, other.stress, atol=1e-12)
    for one, other in zip(frozen.descriptors(batch), model.descriptors(batch), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)
    assert (frozen.scope, frozen.dtype, frozen.cutoff_ang) == (model.scope, model.dtype, model.cutoff_ang)


def test_scope_and_cutoff_are_those_of_the_training(model):
    assert model.scope.elements == {"Cu", "Al"}
    assert not model.scope.charged
    assert model.cutoff_ang == 4.5
    assert model.dtype == "float64"


def test_a_model_that_records_no_training_covers_its_types(make_checkpoint):
    model = build_deepmd(checkpoint=str(make_checkpoint("dpa1")), device="cpu")
    assert model.scope.elements == {"Cu", "Al", "H", "O", "Ar"}


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # the independent way compiles, too
@pytest.mark.parametrize(("head", "name"), [("Molecules", "Molecules"), ("metals", "Metals"), ("Alloys", "Metals")])
def test_each_head_is_the_package_s_by_name_alias_and_in_any_case(two_heads, crystals, head, name):
    from deepmd.infer import DeepPot

    atoms = crystals[0]
    reference = DeepPot(str(two_heads), head=name).eval(atoms.positions[None], atoms.cell.array[None], [0] * 4)
    (prediction,) = build_deepmd(checkpoint=str(two_heads), head=head, device="cpu").evaluate([atoms])
    assert prediction.energy == pytest.approx(reference[0].item(), abs=1e-10)


def test_heads_differ(two_heads, crystals):
    one, other = (build_deepmd(checkpoint=str(two_heads), head=head, device="cpu") for head in ("Metals", "Molecules"))
    assert abs(energies(one, crystals[:1])[0] - energies(other, crystals[:1])[0]) > 0.01


def test_a_multi_task_checkpoint_asks_for_a_head_and_names_them(two_heads, trained):
    with pytest.raises(ConfigError, match="set head to one of Metals, Molecules"):
        build_deepmd(checkpoint=str(two_heads), device="cpu")
    with pytest.raises(UnknownNameError, match=r"head is 'Metal'; did you mean 'Metals'\?"):
        build_deepmd(checkpoint=str(two_heads), head="Metal", device="cpu")
    with pytest.raises(ConfigError, match="has one head, got head='Metals'"):
        build_deepmd(checkpoint=str(trained / "model.ckpt-200.pt"), head="Metals", device="cpu")


@pytest.mark.parametrize("descriptor", ["se_e2_a", "dpa1", "dpa3", "dpa4"])
def test_single_precision_is_double_precision_but_for_rounding(make_checkpoint, crystals, descriptor):
    path = str(make_checkpoint(descriptor))
    single, double = (build_deepmd(checkpoint=path, device="cpu", dtype=dtype) for dtype in ("float32", "float64"))
    assert (single.dtype, double.dtype) == ("float32", "float64")
    rounding = np.abs(np.subtract(energies(single, crystals), energies(double, crystals)))
    assert 0 < rounding.max() < 1e-3


def test_a_checkpoint_says_in_which_precision_it_computes_and_can_be_raised(make_checkpoint, crystals):
    path = str(make_checkpoint("dpa1", {"precision": "float32"}, precision="float32"))
    trained = build_deepmd(checkpoint=path, device="cpu")
    raised = build_deepmd(checkpoint=path, device="cpu", dtype="float64")
    assert (trained.dtype, raised.dtype) == ("float32", "float64")
    np.testing.assert_allclose(energies(trained, crystals), energies(raised, crystals), rtol=0, atol=1e-4)


def test_a_compiled_model_gives_the_same(make_checkpoint, crystals, molecules):
    path = str(make_checkpoint("dpa1"))
    plain, compiled = (build_deepmd(checkpoint=path, device="cpu", jit=jit) for jit in (False, True))
    batch = [*crystals, *molecules]
    for _ in range(3):  # TorchScript optimizes after it has watched some calls
        np.testing.assert_allclose(energies(compiled, batch), energies(plain, batch), rtol=0, atol=1e-10)


@pytest.mark.parametrize("options", [{"head": "Metals"}, {"dtype": "float32"}, {"jit": True}])
def test_a_frozen_model_takes_no_options_of_checkpoints(trained, options):
    with pytest.raises(ConfigError, match="is used as it was frozen"):
        build_deepmd(checkpoint=str(trained / "frozen.pth"), device="cpu", **options)


def test_missing_and_superfluous_frame_parameters_are_refused(make_checkpoint, trained):
    path = str(make_checkpoint("dpa1", {"numb_fparam": 2}))
    with pytest.raises(ConfigError, match="takes 2 frame parameters and has no default"):
        build_deepmd(checkpoint=path, device="cpu")
    with pytest.raises(ConfigError, match="fparam has 1 numbers, this model takes 2"):
        build_deepmd(checkpoint=path, device="cpu", fparam=[1.0])
    with pytest.raises(ConfigError, match="fparam has 1 numbers, this model takes 0"):
        build_deepmd(checkpoint=str(trained / "model.ckpt-200.pt"), device="cpu", fparam=[1.0])


@pytest.mark.parametrize("options", [{"charge": 1}, {"spin": 2}])
def test_charge_and_spin_are_refused_where_the_model_takes_none(model, trained, options):
    with pytest.raises(ConfigError, match="neither charge nor spin"):
        build_deepmd(checkpoint=str(trained / "model.ckpt-200.pt"), device="cpu", **options)


def test_a_model_of_something_else_than_energy_is_refused(make_checkpoint):
    path = make_checkpoint("dpa1", {"type": "dipole", "embedding_width": 8})
    with pytest.raises(ConfigError, match="predicts Dipole, expected energies"):
        build_deepmd(checkpoint=str(path), device="cpu")


def test_a_model_that_needs_parameters_of_atoms_is_refused(make_checkpoint):
    with pytest.raises(ConfigError, match="aparam"):
        build_deepmd(checkpoint=str(make_checkpoint("dpa1", {"numb_aparam": 1})), device="cpu")


@pytest.mark.parametrize("name", ["model.pt", "model.pth"])
@pytest.mark.parametrize("content", [b"not a model", b""])
def test_a_file_that_is_no_model_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name} is not a model that this deepmd-kit loads"):
        build_deepmd(checkpoint=str(tmp_path / name), device="cpu")


def test_a_checkpoint_of_another_program_is_refused(tmp_path):
    import torch

    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="is not a model that this deepmd-kit loads: KeyError"):
        build_deepmd(checkpoint=str(tmp_path / "other.pt"), device="cpu")


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    import torch

    class Payload:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    torch.save({"model": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(ConfigError, match="is not a model"):
        build_deepmd(checkpoint=str(tmp_path / "evil.pt"), device="cpu")
    assert not (tmp_path / "ran").exists()


def test_a_file_of_another_backend_is_refused(tmp_path):
    (tmp_path / "graph.pb").write_bytes(b"graph")
    with pytest.raises(ConfigError, match=r"ending in \.pt or \.pth; `dp convert-backend`"):
        build_deepmd(checkpoint=str(tmp_path / "graph.pb"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device is 'gpu', expected auto, cpu, cuda"),
        ({"dtype": "float16"}, "dtype is 'float16', expected one of as-trained, float32, float64"),
    ],
)
def test_unknown_values_of_options_are_refused(trained, options, message):
    with pytest.raises(UnknownNameError, match=message):
        build_deepmd(checkpoint=str(trained / "frozen.pth"), **options)


def test_a_missing_cuda_device_is_refused(trained, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        build_deepmd(checkpoint=str(trained / "frozen.pth"), device="cuda")


def test_another_device_than_the_one_deepmd_has_chosen_is_refused(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ConfigError, match="computes on cpu"), deepmd_on("cuda:1"):
        pass


def test_cpu_is_chosen_although_the_environment_says_otherwise():
    program = """
import json, os
os.environ.update(DEVICE="cuda", LOCAL_RANK="3")
from lamcore_deepmd.loading import deepmd_on
with deepmd_on("cpu") as device:
    print(json.dumps([device, os.environ["DEVICE"]]))
print(json.dumps([os.environ["DEVICE"], os.environ["LOCAL_RANK"]]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [["cpu", "cpu"], ["cuda", "3"]]
