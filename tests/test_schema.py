"""A builder's signature is the schema."""

from pathlib import Path
from typing import Literal

import pytest

from lamcore.errors import ConfigError, PluginError, UnknownNameError
from lamcore.schema import check_options, option_help, options_of


def build(
    needed: str,
    size: int = 3,
    width: float = 0.5,
    mode: Literal["fast", "exact"] = "fast",
    path: Path | None = None,
    names: list[str] | None = None,
    flag: bool = False,
) -> None:
    """Build it.

    Args:
        needed: What must be given,
            on two lines.
        size: How many.
    """


OPTIONS = options_of(build)


def check(**given):
    return check_options(OPTIONS, {"needed": "x", **given}, "model.")


def test_defaults_are_those_of_the_signature():
    assert check() == {
        "needed": "x",
        "size": 3,
        "width": 0.5,
        "mode": "fast",
        "path": None,
        "names": None,
        "flag": False,
    }


def test_help_is_the_docstrings():
    assert option_help(build) == {"needed": "What must be given, on two lines.", "size": "How many."}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"width": 2}, {"width": 2.0}),
        ({"path": "a/b"}, {"path": Path("a/b")}),
        ({"names": ["a", "b"]}, {"names": ["a", "b"]}),
        ({"needed": 2024}, {"needed": "2024"}),
        ({"mode": "exact"}, {"mode": "exact"}),
    ],
)
def test_values_are_converted_to_the_type_of_the_signature(given, expected):
    values = check(**given)
    for name, value in expected.items():
        assert values[name] == value
        assert type(values[name]) is type(value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 2.5}, r"model\.size: got 2\.5, expected int"),
        ({"size": True}, r"model\.size: got True, expected int"),
        ({"flag": 1}, r"model\.flag: got 1, expected bool"),
        ({"width": "wide"}, r"model\.width: got 'wide', expected float"),
        ({"mode": "fst"}, r"model\.mode: got 'fst', expected 'fast' \| 'exact'; did you mean 'fast'\?"),
        ({"names": "a"}, r"model\.names: got 'a', expected list of str \| null"),
        ({"size": None}, r"model\.size: got None, expected int"),
        ({"needed": "???"}, r"model\.needed is required: give model\.needed=<str>"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_was_expected(given, message):
    with pytest.raises(ConfigError, match=message):
        check(**given)


def test_a_misspelt_option_names_the_right_one():
    with pytest.raises(UnknownNameError, match=r"unknown option 'model\.widht'; did you mean 'model\.width'\?"):
        check(widht=1.0)


def test_a_type_that_a_configuration_cannot_hold_is_refused():
    def build_with_callback(callback: object) -> None: ...

    with pytest.raises(PluginError, match="callback"):
        options_of(build_with_callback)


def test_types_written_as_text_are_resolved_in_the_plugins_own_module():
    def build_late(size: "int | None" = None) -> "NotImported": ...  # noqa: F821

    assert options_of(build_late)["size"].annotation == int | None


def test_the_options_of_a_class_are_those_of_its_constructor():
    class Task:
        """Args: none."""

        def __init__(self, size: int = 1) -> None: ...

    assert options_of(Task)["size"].default == 1
