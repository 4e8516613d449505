"""Everything that is found out about a file before any model sees it. Pure: it runs in a worker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lamcore_crystal.codes import finding
from lamcore_crystal.extensions import label, rule
from lamcore_crystal.findings import Finding, first_error
from lamcore_crystal.intake.cif import Document, Parsed
from lamcore_crystal.intake.shown import shown
from lamcore_crystal.labels import LabelAbsentError
from lamcore_crystal.rules import RuleContext

if TYPE_CHECKING:
    from lamcore_crystal.description import Description
    from lamcore_crystal.geometry import Geometry
    from lamcore_crystal.rounds import RoundSettings

_CODE = re.compile(r"[EWL]_[A-Z0-9_]{1,30}")


@dataclass(frozen=True, eq=False)
class Checked:
    """One structure of a file with all that is known of it.

    Attributes:
        block: Its number among the structures of the file.
        name: Of the data block, for display.
        geometry: None where the file gives none.
        findings: In the order found; the first error is why it is refused.
        labels: Values by name; of accepted structures alone.
        description: Of accepted structures alone.
    """

    block: int
    name: str
    geometry: Geometry | None
    findings: tuple[Finding, ...]
    labels: Mapping[str, Any] = field(default_factory=dict)
    description: Description | None = None


def check(
    data: bytes, split_blocks: bool, settings: RoundSettings, supported: frozenset[str] | None = None
) -> list[Checked]:
    """Check the structures of a file; always at least one, so that a file that cannot be read counts as one.

    Args:
        data: The bytes of the file.
        split_blocks: Each data block with atoms is a structure of its own; otherwise there must be one.
        settings: Of the round: its rules, labels and limits.
        supported: Symbols of the elements that the model knows; None where it takes all.

    Raises:
        UnknownNameError: The settings name a rule or a label that is not installed.
    """
    document = Document(data, split_blocks, settings.limits)
    return list(check_blocks(document, settings, supported))


def check_blocks(
    document: Document, settings: RoundSettings, supported: frozenset[str] | None, first: int = 0
) -> Iterator[Checked]:
    """The same for the structures of an opened document, one at a time, from the given one on."""
    for block in range(first, len(document)):
        yield _checked(document.parse(block), settings, supported)


def check_geometry(geometry: Geometry, settings: RoundSettings, supported: frozenset[str] | None = None) -> Checked:
    """Rules, description and labels of a structure that did not come from a file, such as a relaxed one."""
    return _checked(Parsed(0, "", geometry, ()), settings, supported)


def _checked(parsed: Parsed, settings: RoundSettings, supported: frozenset[str] | None) -> Checked:
    if parsed.geometry is None:
        return Checked(parsed.block, parsed.name, None, parsed.findings)
    context = RuleContext(settings.limits, supported)
    findings = [*parsed.findings, *_apply(settings.rules, parsed.geometry, context)]
    if first_error(findings) is not None:
        return Checked(parsed.block, parsed.name, parsed.geometry, tuple(findings))
    from lamcore_crystal.symmetry import describe

    description, more = describe(parsed.geometry, settings.matching)
    findings += more
    labels, absent = _label(settings.labels, parsed.geometry, context)
    return Checked(parsed.block, parsed.name, parsed.geometry, (*findings, *absent), labels, description)


def _apply(names: Sequence[str], geometry: Geometry, context: RuleContext) -> list[Finding]:
    """Findings of the rules in their order, up to the first error."""
    findings: list[Finding] = []
    for name in names:
        one = rule(name)
        try:
            findings += _judged(one.validate(geometry, context))
        except MemoryError:
            raise
        except Exception as error:  # a rule of anyone's: the structure is refused with what it raised
            message = f"rule {name!r} raised {type(error).__name__}: {shown(str(error), 200)}"
            findings.append(finding("E_RULE", message, rule=name))
        if first_error(findings) is not None:
            break
    return findings


def _judged(given: Sequence[Finding]) -> list[Finding]:
    """What a rule gave, which may be anyone's, as the database can keep it.

    Raises:
        TypeError: It is no list of findings, or their numbers are no plain ones.
        ValueError: A code is not written as codes are, or a number is not finite.
    """
    findings = []
    for one in given:
        if not isinstance(one, Finding):
            raise TypeError(f"it gave a {type(one).__name__}, expected a Finding")
        if not _CODE.fullmatch(str(one.code)) or one.code[0] != one.severity[:1].upper():
            raise ValueError(f"it gave {one.code!a} as {one.severity!a}, expected E_… as error, or W_… as warning")
        findings.append(replace(one, data=_plain(dict(one.data))))
    return findings


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON keeps it, which knows neither NaN nor numbers of numpy."""
    plain: dict[str, Any] = json.loads(json.dumps(values, allow_nan=False))
    return plain


def _label(names: Sequence[str], geometry: Geometry, context: RuleContext) -> tuple[dict[str, Any], list[Finding]]:
    """Values of the labels, and why others have none."""
    values: dict[str, Any] = {}
    absent = []
    for name in names:
        one = label(name)
        try:
            values |= _plain(dict(one.describe(geometry, context)))
        except MemoryError:
            raise
        except LabelAbsentError as error:
            absent.append(finding("L_ABSENT", f"label {name!r}: {shown(str(error), 200)}", label=name))
        except Exception as error:  # a label of anyone's never refuses a structure
            message = f"label {name!r} raised {type(error).__name__}: {shown(str(error), 200)}"
            absent.append(finding("L_ABSENT", message, label=name))
    return values, absent
