"""OPTIMADE's filter language as a condition of SQL.

The grammar is the one of optimade-python-tools. Values only ever become bound parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lark import Token, Transformer, Tree, v_args
from lark.exceptions import UnexpectedInput, VisitError
from sqlalchemy import ColumnElement, and_, not_, or_, true

from lamcore_crystal.web.optimade import comparing
from lamcore_crystal.web.optimade.errors import BadFilterError, NotSupportedError
from lamcore_crystal.web.optimade.properties import KNOWN_PREFIXES, PREFIX, PROPERTIES, Property

if TYPE_CHECKING:
    from lark import Lark

MAX_CHARACTERS = 4000
MAX_DEPTH = 40
_VERSION = (1, 2, 0)
_BLANK = str.maketrans("\t\r\n\f", "    ")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_REVERSED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}

Condition = ColumnElement[bool]
RightSide = Callable[[Property], Condition]


@dataclass(frozen=True)
class Filter:
    """A filter as SQL.

    Attributes:
        condition: On the table `crystal`.
        required: Atomic numbers of elements that every structure it finds holds, as far as that is plain.
        warnings: What the client should be told.
    """

    condition: Condition
    required: frozenset[int] = frozenset()
    warnings: tuple[str, ...] = ()


def to_sql(text: str) -> Filter:
    """The condition that a filter stands for.

    Args:
        text: Such as `elements HAS ALL "Li","O" AND nelements=3`.

    Raises:
        BadFilterError: It is not a filter, names a property that does not exist, or compares with a wrong type.
        NotSupportedError: It uses an optional feature that is not offered.
    """
    text = text.translate(_BLANK)
    _check_size(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        position = error.pos_in_stream
        where = "at its end" if position is None or position < 0 else f"at character {position + 1} of {len(text)}"
        raise BadFilterError(
            f"the filter cannot be read {where}; expected "
            'conditions such as elements HAS ALL "Li","O" AND nelements=3, strings in double quotes'
        ) from None
    translation = _Translation(text)
    try:
        condition = translation.transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return Filter(condition, translation.required_by(condition), tuple(dict.fromkeys(translation.warnings)))


def _check_size(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise BadFilterError(f"the filter has {len(text)} characters, expected at most {MAX_CHARACTERS}; split it")
    bad = next((one for one in text if not one.isprintable()), None)
    if bad is not None:
        raise BadFilterError(f"the filter holds {bad!a}, expected printable characters; leave it out")
    depth = deepest = 0
    for one in _QUOTED.sub("", text):
        depth += (one == "(") - (one == ")")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise BadFilterError(f"the filter nests {deepest} parentheses, expected at most {MAX_DEPTH}; simplify it")


@cache
def _parser() -> Lark:
    from lark import Lark
    from optimade.filterparser.lark_parser import AVAILABLE_PARSERS

    # Positions, since the grammar keeps no token that would tell TRUE from FALSE.
    grammar = AVAILABLE_PARSERS[_VERSION]["default"].read_text(encoding="utf-8")
    return Lark(grammar, maybe_placeholders=False, propagate_positions=True)


def resolve(name: str, warnings: list[str]) -> Property:
    """The property of a name; one of another provider is unknown for every structure.

    Raises:
        BadFilterError: The name is unknown and of no other provider.
    """
    if name in PROPERTIES:
        return PROPERTIES[name]
    if name.startswith("_"):
        prefix = name[1:].split("_", 1)[0]
        if prefix != PREFIX:
            if prefix not in KNOWN_PREFIXES:
                warnings.append(f"{name}: no provider of this prefix is known; it was taken for unknown everywhere")
            return Property(name, "string", "Of another provider.", is_absent=True)
    raise BadFilterError(f"there is no property {name!r}; /v1/info/structures lists all")


class _Translation(Transformer[Token, Any]):
    """From the leaves upwards; each method is named as the rule of the grammar that it translates."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.warnings: list[str] = []
        self._required: dict[int, tuple[Condition, frozenset[int]]] = {}

    def required_by(self, condition: Condition) -> frozenset[int]:
        """Atomic numbers of elements that a condition cannot be true without."""
        return self._required[id(condition)][1] if id(condition) in self._required else frozenset()

    def _require(self, condition: Condition, numbers: frozenset[int]) -> Condition:
        # Kept with the condition, so that no other one is found under its identity.
        self._required[id(condition)] = (condition, numbers)
        return condition

    # values

    def string(self, args: list[Token]) -> str:
        return re.sub(r"\\(.)", r"\1", str(args[0])[1:-1])

    def number(self, args: list[Token]) -> int | float:
        return int(args[0]) if args[0].type == "SIGNED_INT" else float(args[0])

    def signed_int(self, args: list[Token]) -> int:
        return int(args[0])

    @v_args(meta=True)
    def bool(self, meta: Any, _: list[Token]) -> Any:
        return self.text[meta.start_pos : meta.end_pos].strip() == "TRUE"

    def value(self, args: list[Any]) -> Any:
        return args[0]

    constant = non_string_value = not_implemented_string = value

    def property(self, args: list[Token]) -> Property:
        found = resolve(str(args[0]), self.warnings)
        if len(args) > 1 and not found.is_absent:
            raise NotSupportedError(f"{'.'.join(args)}: members of dictionaries cannot be searched for here")
        return found

    def value_list(self, args: list[Any]) -> list[Any]:
        if any(isinstance(one, Token) for one in args):
            raise NotSupportedError("operators inside of a list of values are not offered; give values alone")
        return args

    # right sides: what is asked of a property

    def value_op_rhs(self, args: list[Any]) -> RightSide:
        operator, value = str(args[0]), args[1]
        return lambda one: comparing.compare(one, operator, value)

    def known_op_rhs(self, args: list[Token]) -> RightSide:
        is_known = args[1].type == "KNOWN"
        return lambda one: comparing.known(one, is_known)

    def fuzzy_string_op_rhs(self, args: list[Any]) -> RightSide:
        how, value = args[0].type, args[-1]
        return lambda one: comparing.fuzzy(one, how, value)

    def set_op_rhs(self, args: list[Any]) -> RightSide:
        kind = args[1].type if isinstance(args[1], Token) else "ALL"
        if kind == "OPERATOR":
            raise NotSupportedError("operators after HAS are not offered; give a value alone")
        values = args[-1] if isinstance(args[-1], list) else [args[-1]]

        def has(one: Property) -> Condition:
            condition = comparing.has(one, kind, values)
            is_plain = one.members == "elements" and (kind == "ALL" or len(values) == 1) and kind != "ONLY"
            return self._require(condition, comparing.atomic_numbers_of(values)) if is_plain else condition

        return has

    def length_op_rhs(self, args: list[Any]) -> RightSide:
        operator = str(args[1]) if len(args) == 3 else "="
        return lambda one: comparing.length(one, operator, args[-1])

    def set_zip_op_rhs(self, _: list[Any]) -> RightSide:
        raise NotSupportedError("correlated lists (`a:b HAS …`) are not offered; use conditions on each property")

    def property_zip_addon(self, _: list[Any]) -> None:
        return None

    def value_zip(self, _: list[Any]) -> None:
        return None

    value_zip_list = value_zip

    # comparisons

    def property_first_comparison(self, args: list[Any]) -> Condition:
        left, right = args
        condition: Condition = right(left)
        return condition

    def constant_first_comparison(self, args: list[Any]) -> Condition:
        value, operator, right = args
        if not isinstance(right, Property):
            raise NotSupportedError("two constants are compared; name a property on one side")
        return comparing.compare(right, _REVERSED[str(operator)], value)

    def comparison(self, args: list[Condition]) -> Condition:
        return args[0]

    def expression_phrase(self, args: list[Any]) -> Condition:
        condition: Condition = args[-1]
        return not_(condition) if len(args) == 2 else condition

    def expression_clause(self, args: list[Condition]) -> Condition:
        if len(args) == 1:
            return args[0]
        return self._require(and_(*args), frozenset().union(*(self.required_by(one) for one in args)))

    def expression(self, args: list[Condition]) -> Condition:
        return or_(*args) if len(args) > 1 else args[0]

    def filter(self, args: list[Condition]) -> Condition:
        if len(args) > 1:
            raise BadFilterError("the filter holds several conditions in a row; join them with AND or OR")
        return args[0] if args else true()

    def __default__(self, data: Any, children: list[Any], meta: Any) -> Tree[Any]:
        raise NotSupportedError(f"{data}: this part of the filter language is not offered")
