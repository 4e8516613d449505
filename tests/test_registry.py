"""What is loaded, what is skipped and why."""

import sys
import textwrap

import pytest

from lamcore.catalog import list_text
from lamcore.errors import PluginError, UnknownNameError
from lamcore.registry import load_registry

GOOD = """
    from pathlib import Path
    from lamcore import ModelSpec, hookimpl

    def build(size: int = 3):
        "Args:\\n    size: How many."

    @hookimpl
    def lamcore_models():
        return [ModelSpec("{name}", build, Path("card.yaml"))]
"""


def skipped_reason(registry, distribution):
    (skipped,) = [entry for entry in registry.skipped if entry.plugin.distribution == distribution]
    return skipped


def test_the_built_in_plugin_comes_through_the_same_entry_point_as_any_other():
    registry = load_registry({})
    assert registry.models["emt"].plugin.distribution == "lamcore"
    assert {"emt", "lj"} <= set(registry.models)
    assert registry.skipped == []


def test_a_third_partys_plugin_is_loaded_with_its_version(install_plugin):
    install_plugin("lamcore-third", GOOD.format(name="third"), version="2.5")
    offer = load_registry({}).get("model", "third")
    assert (offer.plugin.distribution, offer.plugin.version) == ("lamcore-third", "2.5")
    assert offer.options()["size"].default == 3


BROKEN = {
    "an import that fails": ("import package_that_does_not_exist", "package_that_does_not_exist", "reinstall"),
    "an exception on import": ("raise RuntimeError('no licence server')", "no licence server", "upgrade"),
    "an exit on import": ("import sys; sys.exit('bye')", "SystemExit", "upgrade"),
    "a syntax error": ("def broken(:", "SyntaxError", "upgrade"),
    "a hook that does not exist": (
        "from lamcore import hookimpl\n@hookimpl\ndef lamcore_model():\n    return []",
        "did you mean 'lamcore_models'",
        "upgrade",
    ),
    "a hook with arguments that the contract does not have": (
        "from lamcore import hookimpl\n@hookimpl\ndef lamcore_models(register):\n    return []",
        "register",
        "upgrade",
    ),
    "a hook that raises": (
        "from lamcore import hookimpl\n@hookimpl\ndef lamcore_models():\n    raise KeyError('x')",
        "lamcore_models raised KeyError",
        "upgrade",
    ),
    "a hook that returns something else": (
        "from lamcore import hookimpl\n@hookimpl\ndef lamcore_models():\n    return ['emt']",
        "returned a str, expected ModelSpec",
        "upgrade",
    ),
    "a plugin for a later contract": ("LAMCORE_API = 99", "plugin API 99", "pip install --upgrade lamcore"),
    "a builder whose option has no type": (
        "from pathlib import Path\nfrom lamcore import ModelSpec, hookimpl\ndef build(x=1): pass\n"
        "@hookimpl\ndef lamcore_models():\n    return [ModelSpec('m', build, Path('c'))]",
        "'x': has no type",
        "upgrade",
    ),
    "a builder that takes anything": (
        "from pathlib import Path\nfrom lamcore import ModelSpec, hookimpl\ndef build(**options): pass\n"
        "@hookimpl\ndef lamcore_models():\n    return [ModelSpec('m', build, Path('c'))]",
        "expected a named parameter",
        "upgrade",
    ),
    "a contract version that is not a number": ("LAMCORE_API = 'one'", "expected a whole number", "upgrade"),
    "a builder whose type raises": (
        "from __future__ import annotations\nimport os\nfrom pathlib import Path\n"
        "from lamcore import ModelSpec, hookimpl\ndef build(x: os.Nothing = 1): pass\n"
        "@hookimpl\ndef lamcore_models():\n    return [ModelSpec('m', build, Path('c'))]",
        "cannot be resolved",
        "upgrade",
    ),
    "a card that is not a path": (
        "from lamcore import ModelSpec, hookimpl\ndef build(): pass\n"
        "@hookimpl\ndef lamcore_models():\n    return [ModelSpec('m', build, 'card.yaml')]",
        "card is a str, expected a Path",
        "upgrade",
    ),
    "a command with a name of lamcore's own": (
        "from lamcore import CommandSpec, hookimpl\n"
        "@hookimpl\ndef lamcore_commands():\n    return [CommandSpec('list', 'x', print, print)]",
        "command 'list', a name that lamcore keeps",
        "upgrade",
    ),
    "an option that lamcore keeps for itself": (
        "from pathlib import Path\nfrom lamcore import ModelSpec, hookimpl\ndef build(name: str = 'x'): pass\n"
        "@hookimpl\ndef lamcore_models():\n    return [ModelSpec('m', build, Path('c'))]",
        "'name' is a name that lamcore keeps",
        "upgrade",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_skipped_with_its_reason_and_stops_no_other(install_plugin, fault):
    code, reason, remedy = BROKEN[fault]
    install_plugin("lamcore-broken", code)
    install_plugin("lamcore-third", GOOD.format(name="third"))
    registry = load_registry({})
    skipped = skipped_reason(registry, "lamcore-broken")
    assert reason in skipped.reason
    assert remedy in skipped.remedy
    assert "third" in registry.models
    assert "m" not in registry.models


def test_a_plugin_for_a_later_lamcore_is_skipped_with_the_version_it_needs(install_plugin):
    install_plugin("lamcore-later", GOOD.format(name="later"), requires=("lamcore>=7.1",))
    skipped = skipped_reason(load_registry({}), "lamcore-later")
    assert ">=7.1" in skipped.reason
    assert skipped.remedy == "pip install 'lamcore>=7.1'"


def test_requiring_another_package_of_the_family_is_not_requiring_lamcore(install_plugin):
    install_plugin("lamcore-third", GOOD.format(name="third"), requires=("lamcore-mace>=7.1", "lamcore>=0.1"))
    assert "third" in load_registry({}).models


def test_asking_for_what_a_skipped_plugin_might_offer_tells_why_it_is_missing(install_plugin):
    install_plugin("mace", "import mace_torch_is_missing")
    with pytest.raises(UnknownNameError, match=r"mace 1\.0 was skipped.*mace_torch_is_missing"):
        load_registry({}).get("model", "mace")


def test_a_name_that_two_plugins_offer_is_refused_and_both_are_named(install_plugin):
    install_plugin("lamcore-another", GOOD.format(name="emt"))
    registry = load_registry({})
    with pytest.raises(UnknownNameError, match=r"lamcore-another 1\.0.*also offered by lamcore \d"):
        registry.get("model", "emt")
    assert registry.get("model", "lj").plugin.distribution == "lamcore"


def test_a_plugin_that_fails_half_way_leaves_nothing_behind(install_plugin):
    half = GOOD.format(name="half") + "\n    @hookimpl\n    def lamcore_tasks():\n        raise ValueError('late')\n"
    install_plugin("lamcore-half", half)
    assert "half" not in load_registry({}).models


def test_a_preset_is_a_name_of_its_own_with_other_defaults(install_plugin, tmp_path):
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "large.yaml").write_text("size: 9\n", encoding="utf-8")
    code = GOOD.format(name="third").replace('Path("card.yaml")', f'Path("card.yaml"), presets=Path({str(presets)!r})')
    install_plugin("lamcore-third", code)
    registry = load_registry({})
    assert registry.get("model", "third-large").options()["size"].default == 9
    assert registry.get("model", "third").options()["size"].default == 3


def test_a_preset_with_a_misspelt_option_skips_the_plugin_and_names_the_right_one(install_plugin, tmp_path):
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "large.yaml").write_text("sizes: 9\n", encoding="utf-8")
    code = GOOD.format(name="third").replace('Path("card.yaml")', f'Path("card.yaml"), presets=Path({str(presets)!r})')
    install_plugin("lamcore-third", code)
    assert "did you mean 'size'" in skipped_reason(load_registry({}), "lamcore-third").reason


def test_plugins_can_be_disabled_by_name_or_distribution(install_plugin):
    install_plugin("lamcore-third", GOOD.format(name="third"))
    registry = load_registry({"LAMCORE_DISABLE_PLUGINS": "lamcore-third, other"})
    assert "third" not in registry.models
    assert [plugin.distribution for plugin in registry.disabled] == ["lamcore-third"]


def test_only_named_plugins_can_be_loaded_beside_the_built_in_one(install_plugin):
    install_plugin("lamcore-third", GOOD.format(name="third"))
    install_plugin("lamcore-fourth", GOOD.format(name="fourth"))
    models = load_registry({"LAMCORE_PLUGINS": "lamcore-fourth"}).models
    assert "fourth" in models
    assert "emt" in models
    assert "third" not in models


def test_broken_plugins_can_be_made_fatal(install_plugin):
    install_plugin("lamcore-broken", "import package_that_does_not_exist")
    with pytest.raises(PluginError, match="package_that_does_not_exist"):
        load_registry({"LAMCORE_STRICT_PLUGINS": "1"})


def test_a_plugin_that_imports_torch_while_loading_is_used_and_named_as_slow(install_plugin, tmp_path, monkeypatch):
    (tmp_path / "site" / "torch.py").write_text("")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    install_plugin("lamcore-heavy", "import torch\n" + textwrap.dedent(GOOD.format(name="heavy")))
    install_plugin("lamcore-third", GOOD.format(name="third"))
    registry = load_registry({"LAMCORE_PLUGINS": "lamcore-heavy,lamcore-third"})
    del sys.modules["torch"]  # not through monkeypatch, which would put it back for the tests that follow
    assert registry.slow == {"lamcore-heavy": ("torch",)}
    assert {"heavy", "third"} <= set(registry.models)
    assert "imports torch while loading, which slows every command down" in list_text(registry)


def test_a_partial_function_is_a_builder_with_the_options_that_are_left(install_plugin):
    code = GOOD.format(name="third").replace("build, Path", "functools.partial(build, size=5), Path")
    install_plugin("lamcore-third", "import functools\n" + textwrap.dedent(code))
    assert load_registry({}).get("model", "third").options()["size"].default == 5


def test_what_is_disabled_is_said_to_be_so(install_plugin):
    install_plugin("lamcore-third", GOOD.format(name="third"))
    registry = load_registry({"LAMCORE_DISABLE_PLUGINS": "lamcore-third"})
    with pytest.raises(UnknownNameError, match=r"lamcore-third 1\.0 is disabled by .*LAMCORE_DISABLE_PLUGINS"):
        registry.get("model", "third")


def test_a_variable_that_names_no_plugin_is_pointed_out(install_plugin):
    install_plugin("lamcore-third", GOOD.format(name="third"))
    registry = load_registry({"LAMCORE_PLUGINS": "lamcore-thrid"})
    assert registry.warnings == ["LAMCORE_PLUGINS names 'lamcore-thrid', which is not installed"]


def test_two_distributions_may_give_their_entry_points_the_same_name(install_plugin, tmp_path):
    install_plugin("lamcore-third", GOOD.format(name="third"))
    install_plugin("lamcore-fourth", GOOD.format(name="fourth"))
    (entry_points,) = (tmp_path / "site").glob("lamcore_fourth*.dist-info/entry_points.txt")
    entry_points.write_text("[lamcore]\nlamcore-third = lamcore_fourth\n")
    registry = load_registry({})
    assert {"third", "fourth"} <= set(registry.models)
    assert registry.skipped == []


def test_a_name_that_nothing_resembles_comes_with_the_package_that_may_offer_it():
    registry = load_registry()
    with pytest.raises(UnknownNameError, match=r"`pip install lamcore-zyzzy` or, .* `lamcore env add zyzzy`"):
        registry.get("model", "zyzzy")
    with pytest.raises(UnknownNameError, match=r"did you mean 'eos'") as caught:
        registry.get("task", "eoss")
    assert "pip install" not in str(caught.value)
